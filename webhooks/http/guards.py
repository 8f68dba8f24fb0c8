"""Who may come in: every blueprint names its guard, so that no route can forget one."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Flask, g, request

from webhooks.http.errors import auth_required
from webhooks.services import services

Guard = Callable[[], None]


class GuardedBlueprint(Blueprint):
    """A blueprint whose guard runs before each of its routes and refuses by raising."""

    def __init__(self, name: str, import_name: str, *, guard: Guard) -> None:
        super().__init__(name, import_name)
        self.guard = guard
        self.before_request(guard)


def anyone() -> None:
    """The guard of open routes: it refuses nobody."""


def signed_in_user() -> None:
    """The guard of routes for users: leaves the caller in `flask.g.user`.

    Raises:
        ApiError: 401 AUTH_REQUIRED, 403 FORBIDDEN, or 503 when the project's keys are not served.
    """
    # Werkzeug's own reading of this header fails on bytes that are not ASCII.
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise auth_required("Sign in first, and send the access token as a Bearer token.")
    g.user = services().tokens.check(token.strip())


def guard_of(app: Flask, blueprint_name: str | None) -> Guard | None:
    """The guard in front of a blueprint's routes; None when there is none."""
    blueprint = app.blueprints.get(blueprint_name or "")
    return blueprint.guard if isinstance(blueprint, GuardedBlueprint) else None


def require_guards(app: Flask) -> None:
    """Refuse to start with a route that nobody guards.

    Raises:
        RuntimeError: naming the routes, for the developer who added them.
    """
    open_routes = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if guard_of(app, rule.endpoint.rpartition(".")[0]) is None
    ]
    if open_routes:
        raise RuntimeError(
            f"No guard in front of {', '.join(open_routes)}: use a GuardedBlueprint."
        )
