"""Razorpay's events: stored first, then processed, in two calls of the database.

Every authentic event that is stored gets 200, also one that Parley cannot use: after any other
answer Razorpay retries for 24 hours and then disables the webhook.
"""

from __future__ import annotations

import base64
import re
import time
from typing import Any, Literal

from flask import Response, g, jsonify, request
from pydantic import MISSING, BaseModel, Field

from webhooks import metrics
from webhooks.http.errors import ApiError, payments_off, unavailable
from webhooks.http.guards import GuardedBlueprint
from webhooks.http.openapi import Closed, describe
from webhooks.http.request_hooks import add_log_fields
from webhooks.payments.signatures import slot_of
from webhooks.services import services

# An answer after five seconds is a failure for Razorpay; these leave half a second.
RECORD_SECONDS = 1.5
PROCESS_SECONDS = 3.0
ANSWER_SECONDS = 4.5

# Razorpay's have 14 letters and digits. For any other the database uses the body's hash.
_SANE_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_KEPT_HEADERS = ("x-razorpay-event-id", "content-type", "user-agent")
_KEPT_LENGTH = 200
# Values of an event are logged only in this form, which holds no person's words.
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def signed_by_razorpay() -> None:
    """The guard of the webhook: one of our secrets signed the body; `flask.g` then says which.

    Raises:
        ApiError: 401 BAD_SIGNATURE, or 503 PAYMENTS_OFF without Razorpay's settings.
    """
    razorpay = services().config.razorpay
    if razorpay is None:
        raise payments_off()
    signature = request.headers.get("X-Razorpay-Signature")
    previous = razorpay.webhook_secret_previous
    slot = slot_of(
        request.get_data(),
        signature,
        razorpay.webhook_secret.get_secret_value(),
        previous.get_secret_value() if previous else None,
    )
    if slot is None:
        metrics.WEBHOOKS.labels(result="bad_signature" if signature else "no_signature").inc()
        raise ApiError(401, "BAD_SIGNATURE", "This body is not signed with the webhook's secret.")
    metrics.WEBHOOKS.labels(result=f"verified_{slot}").inc()
    g.secret_slot, g.razorpay = slot, razorpay


blueprint = GuardedBlueprint("razorpay", __name__, guard=signed_by_razorpay)


class Event(BaseModel):
    """An event of Razorpay; it may have more keys."""

    entity: Literal["event"]
    account_id: str
    event: str = Field(description="For example order.paid.")
    contains: list[str]
    payload: dict[str, Any]
    created_at: int = Field(description="Seconds since 1970.")


class EventHeaders(BaseModel):
    """The header that identifies an event across retries."""

    event_id: str | MISSING = Field(
        MISSING,
        alias="X-Razorpay-Event-Id",
        description="The hash of the body replaces a missing or odd one.",
    )


class Outcome(Closed):
    """The outcome of an event."""

    outcome: str = Field(description="For example applied, noop, duplicate.")


@blueprint.after_request
def _measure(response: Response) -> Response:
    if request.method == "POST":
        metrics.WEBHOOK_SECONDS.observe(time.perf_counter() - g.started_at)
    if response.status_code == 413:
        metrics.WEBHOOKS.labels(result="too_large").inc()
    return response


@blueprint.post("/v1/webhooks/razorpay")
@describe(Outcome, 401, 503, guarded_by="razorpay", json=Event, headers=EventHeaders)
def receive_event() -> Response:
    """Store one event, process it, and answer its outcome.

    It also starts a round of all outboxes, for refunds and pushes that the event made due; the
    answer does not wait for it.

    Raises:
        ApiError: 503 when the database does not answer or fails, so that Razorpay sends the event
            again.
    """
    outcome = _process(_record())
    metrics.WEBHOOK_OUTCOMES.labels(outcome=outcome).inc()
    if outcome == "try_again":
        raise unavailable("The event is stored and could not be processed: send it again.")
    services().touch()
    return jsonify(outcome=outcome)


def _record() -> int:
    """Commit the bytes as they came; the number of their row.

    Raises:
        ApiError: 503 when that is not certain.
    """
    given = request.headers.get("X-Razorpay-Event-Id", "")
    event_id = given if _SANE_EVENT_ID.fullmatch(given) else None
    add_log_fields(event_id=event_id, event_type=None, outcome=None, order_id=None)
    kept = {name: request.headers.get(name, "")[:_KEPT_LENGTH] for name in _KEPT_HEADERS}
    said = _ask(
        "db_down",
        "record_payment_event",
        RECORD_SECONDS,
        event_id=event_id,
        body_base64=base64.b64encode(request.get_data()).decode(),
        headers={name: value for name, value in kept.items() if value},
        secret_slot=g.secret_slot,
        mode=g.razorpay.mode,
        account_id=g.razorpay.account_id,
    )
    add_log_fields(event_type=_code(said["event_type"]), order_id=_code(said["razorpay_order_id"]))
    return int(said["event_row_id"])


def _process(event_row_id: int) -> str:
    """Have the database apply a stored event; the outcome.

    Raises:
        ApiError: 503 when the database does not answer.
    """
    left = ANSWER_SECONDS - (time.perf_counter() - g.started_at)
    said = _ask(
        "db_busy",
        "process_payment_event",
        max(0.1, min(PROCESS_SECONDS, left)),
        event_row_id=event_row_id,
    )
    outcome = str(said["outcome"])
    add_log_fields(
        event_type=_code(said["event_type"]),
        order_id=_code(said["razorpay_order_id"]),
        conversation_id=said["conversation_id"],
        flow_state=said.get("flow_state"),
        outcome=outcome,
    )
    return outcome


def _ask(failure: str, function: str, seconds: float, /, **arguments: Any) -> dict[str, Any]:
    """Call a function; a failure is counted as `failure`, and Razorpay sends the event again."""
    try:
        said: dict[str, Any] = services().database.call_as_service(
            function, within=seconds, **arguments
        )
    except ApiError as error:
        metrics.WEBHOOK_OUTCOMES.labels(outcome=failure).inc()
        add_log_fields(outcome=failure)
        raise unavailable("The event could not be taken in: send it again.") from error
    return said


def _code(value: object) -> str | None:
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None
