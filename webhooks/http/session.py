"""The route that a client calls once after sign-in."""

from __future__ import annotations

from flask import Response, g, jsonify

from webhooks import metrics
from webhooks.http.guards import GuardedBlueprint, signed_in_user
from webhooks.http.openapi import Closed, Count, describe_for_user
from webhooks.services import services

blueprint = GuardedBlueprint("session", __name__, guard=signed_in_user)


class Cleanup(Closed):
    """The answer of `login_cleanup`."""

    expired: Count
    scrubbed: Count
    deadlines_run: Count
    throttled: bool


@blueprint.post("/v1/session/cleanup")
@describe_for_user(Cleanup)
def clean_up_session() -> Response:
    """Mark the caller's expired messages and run the deadlines that are due.

    It also starts a round of all outboxes, for all users; the answer does not wait for it. Nothing
    depends on this route: reads hide expired messages anyway.
    """
    said = services().database.call_as_user(g.user.token, "login_cleanup")
    metrics.CLEANUPS.labels(result="throttled" if said.get("throttled") else "done").inc()
    for what in ("expired", "scrubbed", "deadlines_run"):
        metrics.CLEANED.labels(what=what).inc(said.get(what, 0))
    services().touch()
    return jsonify(said)
