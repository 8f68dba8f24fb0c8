"""Routes for operators: alerts, replays and refunds.

The database knows the operators: every function is called as the user, and refuses everybody else
with 403.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal

from flask import Response, g, jsonify, request
from pydantic import MISSING, BaseModel, Field

from webhooks.http.errors import ApiError
from webhooks.http.guards import GuardedBlueprint, signed_in_user
from webhooks.http.json_body import json_object, optional_text
from webhooks.http.openapi import Closed, Count, describe_for_user
from webhooks.services import services

# The largest numbers of PostgreSQL's integer and bigint.
MAX_INTEGER = 2**31 - 1
MAX_BIGINT = 2**63 - 1

_WORD = re.compile(r"[a-z_]{1,40}")

blueprint = GuardedBlueprint("ops", __name__, guard=signed_in_user)

Severity = Literal["info", "warning", "critical"]
AlertStatus = Literal["open", "resolved"]


class AlertsQuery(BaseModel):
    """A choice of alerts."""

    status: AlertStatus = "open"
    severity: Severity | MISSING = MISSING
    page_size: int = Field(50, ge=1, le=MAX_INTEGER)
    before: int | MISSING = Field(MISSING, ge=1, le=MAX_BIGINT)


class Alert(Closed):
    """A case that a person must look at."""

    id: Count
    kind: str
    severity: Severity
    status: AlertStatus
    conversation_id: str | None
    razorpay_order_id: str | None
    razorpay_payment_id: str | None
    event_row_id: int | None
    details: dict[str, Any]
    seen: Count = Field(description="How often the same has happened.")
    first_seen_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    note: str | None
    dispute_days: Count | None = Field(
        description="How many days the conversation's dispute has been open, if one is."
    )
    reminder: Literal[7, 30, 50] | None = Field(
        description="The last of these that dispute_days has reached."
    )


class Note(BaseModel):
    """An operator's note about a resolved alert."""

    note: str | None = None


class Resolved(Closed):
    """The resolved alert."""

    id: Count
    status: Literal["resolved"]


class Processed(Closed):
    """The outcome of an event that was processed again."""

    outcome: str
    status: Literal["received", "processed", "ignored", "parked"]
    event_type: str | None
    conversation_id: str | None
    flow_state: str | None
    razorpay_order_id: str | None
    razorpay_payment_id: str | None


class Sent(Closed):
    """How many refunds were taken, and how many had which outcome."""

    taken: Count
    outcomes: dict[str, Count]


@blueprint.post("/v1/ops/refunds")
@describe_for_user(Sent)
def send_refunds() -> Response:
    """Send the due refunds now, and wait for Razorpay's answers."""
    token = g.user.token
    outcomes = services().refunds.drain(
        lambda most: services().database.call_as_user(token, "take_refund_requests", max_rows=most)
    )
    return jsonify(taken=sum(outcomes.values()), outcomes=dict(outcomes))


@blueprint.get("/v1/ops/alerts")
@describe_for_user(list[Alert], 422, query=AlertsQuery)
def show_alerts() -> Response:
    """One page of alerts, newest first; `before` is the last id of the page before."""
    chosen = {
        "status": _word("status", "open or resolved"),
        "severity": _word("severity", "warning or critical"),
        "page_size": _whole_number("page_size", MAX_INTEGER),
        "before": _whole_number("before", MAX_BIGINT),
    }
    # The function has defaults for the others.
    given = {name: value for name, value in chosen.items() if value is not None}
    return jsonify(services().database.call_as_user(g.user.token, "list_alerts", **given))


@blueprint.post(f"/v1/ops/alerts/<int(min=0,max={MAX_BIGINT}):alert_id>/resolve")
@describe_for_user(Resolved, 404, 422, json=Note)
def resolve_alert(alert_id: int) -> Response:
    """Resolve an alert, with the operator's note."""
    note = optional_text(json_object(), "note")
    return jsonify(
        services().database.call_as_user(
            g.user.token, "resolve_alert", alert_id=alert_id, note=note
        )
    )


@blueprint.post(f"/v1/ops/events/<int(min=0,max={MAX_BIGINT}):event_row_id>/replay")
@describe_for_user(Processed, 404, 422)
def replay_event(event_row_id: int) -> Response:
    """Process a stored event again, also a parked one, once its cause is mended."""
    said = services().database.call_as_user(
        g.user.token, "replay_payment_event", event_row_id=event_row_id
    )
    services().touch()
    return jsonify(said)


def _word(name: str, examples: str) -> str | None:
    """A word in the query; None when it is not there.

    Raises:
        ApiError: 400 BAD_REQUEST when it is none.
    """
    text = request.args.get(name)
    if text is not None and not _WORD.fullmatch(text):
        raise ApiError(400, "BAD_REQUEST", f"{name} must be a word such as {examples}.")
    return text


def _whole_number(name: str, largest: int) -> int | None:
    """A number from 1 on in the query; None when it is not there.

    Raises:
        ApiError: 400 BAD_REQUEST when it is none.
    """
    text = request.args.get(name)
    if text is None:
        return None
    # The length first: Python refuses to read thousands of digits, and they cost time.
    if not re.fullmatch(r"[0-9]{1,19}", text) or not 1 <= int(text) <= largest:
        raise ApiError(400, "BAD_REQUEST", f"{name} must be a whole number from 1 to {largest}.")
    return int(text)
