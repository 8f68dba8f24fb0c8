"""For the machines that run the app: health, readiness, numbers, and the API's description."""

from __future__ import annotations

from typing import Any, Literal

from flask import Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import RootModel

from webhooks.gauges import gauges
from webhooks.http.errors import ApiError, unavailable
from webhooks.http.guards import GuardedBlueprint, anyone
from webhooks.http.openapi import Closed, Text, describe, document
from webhooks.metrics import exposition
from webhooks.services import services

blueprint = GuardedBlueprint("internal", __name__, guard=anyone)


class Status(Closed):
    """The state of the app."""

    status: Literal["ok", "ready"]


class Document(RootModel[dict[str, Any]]):
    """An OpenAPI document."""


@blueprint.get("/healthz")
@describe(Status)
def is_alive() -> Response:
    """The process answers; the database and the keys are not checked."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@describe(Status, 503)
def is_ready() -> Response:
    """The app can serve users: the database answers, and tokens can be checked.

    It also starts a round of pushes; the answer neither waits for them nor mentions them.

    Raises:
        ApiError: 503 with the names of the parts that failed.
    """
    failed = [] if services().database.is_ready() else ["database"]
    try:
        services().tokens.warm_up()
    except ApiError:
        failed.append("signing_keys")
    if failed:
        raise unavailable("The app is not ready to serve.", {"failed": failed})
    # A load balancer asks every few seconds, also when no user calls.
    services().pushes.touch()
    return jsonify(status="ready")


@blueprint.get("/metrics")
@describe(Text)
def show_metrics() -> Response:
    """The numbers of all workers and of the database, for Prometheus.

    The database's gauges are left out when it does not answer within two seconds.
    """
    numbers = exposition() + gauges(services().database)
    return Response(numbers, content_type=CONTENT_TYPE_LATEST)


@blueprint.get("/openapi.json")
@describe(Document)
def show_api() -> Response:
    """What each route takes and answers, as OpenAPI 3.1."""
    return jsonify(document())
