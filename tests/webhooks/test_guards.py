"""No route is open by accident."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from flask import Blueprint, Flask

from tests.webhooks.support import FakeSupabase, settings, user_token
from webhooks.app import create_app
from webhooks.http.guards import anyone, guard_of, require_guards, signed_in_user
from webhooks.payments.webhook import signed_by_razorpay

# Whoever opens a route to everybody has to say so here too.
PUBLIC_ROUTES = {"/healthz", "/readyz", "/metrics", "/openapi.json"}
SIGNED_ROUTES = {"/v1/webhooks/razorpay"}


def routes(app: Flask) -> Iterator[tuple[str, str, str | None]]:
    """Path, method and blueprint of every route; ids in paths are made up."""
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<uuid:conversation_id>", "00000000-0000-4000-8000-000000000000")
        path = re.sub("<int[^>]*>", "7", path)
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            yield path, method, rule.endpoint.rpartition(".")[0]


@pytest.fixture(scope="module")
def app() -> Flask:
    return create_app(settings("http://127.0.0.1:9"))


def test_every_route_has_a_guard_and_only_the_listed_ones_let_anyone_in(app: Flask) -> None:
    guards = {path: guard_of(app, blueprint) for path, _, blueprint in routes(app)}
    assert None not in guards.values()
    assert {path for path, guard in guards.items() if guard is anyone} == PUBLIC_ROUTES
    assert {path for path, guard in guards.items() if guard is signed_by_razorpay} == SIGNED_ROUTES
    assert set(guards.values()) == {anyone, signed_by_razorpay, signed_in_user}


def test_every_other_route_refuses_a_caller_without_a_token(app: Flask, http: httpx.Client) -> None:
    private = [
        (method, path)
        for path, method, blueprint in routes(app)
        if guard_of(app, blueprint) is signed_in_user
    ]
    assert len(private) == len(list(routes(app))) - len(PUBLIC_ROUTES | SIGNED_ROUTES)
    assert ("POST", "/v1/session/cleanup") in private
    for method, path in private:
        answer = http.request(method, path)
        assert (answer.status_code, answer.json()["error_code"]) == (401, "AUTH_REQUIRED"), path
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Basic dXNlcjpwYXNz", "Token abc", "Bearer not-one"]
)
def test_anything_but_a_bearer_token_of_the_project_is_refused(
    http: httpx.Client, authorization: str
) -> None:
    answer = http.post("/v1/session/cleanup", headers={"Authorization": authorization})
    assert (answer.status_code, answer.json()["error_code"]) == (401, "AUTH_REQUIRED")


def test_the_scheme_counts_and_its_case_does_not(fake: FakeSupabase, http: httpx.Client) -> None:
    fake.on_rpc("login_cleanup", body={})
    token = user_token(fake.url)
    for scheme, status in {"Bearer": 200, "bearer": 200, "Token": 401, "Basic": 401}.items():
        headers = {"Authorization": f"{scheme} {token}"}
        assert http.post("/v1/session/cleanup", headers=headers).status_code == status, scheme


def test_a_token_with_much_about_its_user_fits(fake: FakeSupabase, http: httpx.Client) -> None:
    fake.on_rpc("login_cleanup", body={})
    token = user_token(fake.url, user_metadata={"about": "x" * 5000})
    headers = {"Authorization": f"Bearer {token}"}
    assert http.post("/v1/session/cleanup", headers=headers).status_code == 200


def test_bytes_that_are_not_text_are_refused_too(http: httpx.Client) -> None:
    for scheme in (b"Basic ", b"Bearer "):
        answer = http.post(
            "/v1/session/cleanup", headers=[(b"Authorization", scheme + b"\xff\xfe")]
        )
        assert (answer.status_code, answer.json()["error_code"]) == (401, "AUTH_REQUIRED")


def test_an_app_with_an_unguarded_route_does_not_start() -> None:
    app = Flask(__name__, static_folder=None)
    blueprint = Blueprint("forgotten", __name__)
    blueprint.add_url_rule("/v1/forgotten", view_func=lambda: "")
    app.register_blueprint(blueprint)
    with pytest.raises(RuntimeError, match="/v1/forgotten"):
        require_guards(app)
