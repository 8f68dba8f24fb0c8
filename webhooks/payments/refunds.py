"""Sends the requested refunds, and asks Razorpay for the state of those sent before."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from webhooks.database import Database
from webhooks.http.errors import payments_off
from webhooks.logs import log_event
from webhooks.outbox import Outbox, Row
from webhooks.payments.gateway import Entity, Gateway, GatewayError

# A round takes no more than this; the next one continues.
MAX_PER_ROUND = 5


class Refunds(Outbox):
    """The requested refunds of one project, one at a time: a failed one waits for a pause."""

    name = "refunds"
    most = MAX_PER_ROUND

    def __init__(self, database: Database, gateway: Gateway | None) -> None:
        """Without a gateway refunds stay requested."""
        super().__init__()
        self._database = database
        self._gateway = gateway

    @property
    def is_on(self) -> bool:
        """Whether the app has Razorpay's settings."""
        return self._gateway is not None

    def take(self, most: int) -> list[Row]:
        """Refunds that are due: to send, or to ask Razorpay about."""
        return list(self._database.call_as_service("take_refund_requests", max_rows=most))

    def drain(self, take: Callable[[int], list[Row]] | None = None) -> Counter[str]:
        """As every outbox; an operator who starts it gets a refusal without a gateway.

        Raises:
            ApiError: 503 PAYMENTS_OFF without a gateway; as `Outbox.drain`.
        """
        if self._gateway is None:
            raise payments_off()
        return super().drain(take)

    def handle(self, row: Row) -> tuple[str, bool]:
        """Send one refund and record Razorpay's answer."""
        assert self._gateway is not None  # noqa: S101  `drain` has looked
        result, is_reachable = _send(self._gateway, row)
        said = self._database.call_as_service(
            "record_refund_result", refund_id=row["refund_id"], **result
        )
        return said["outcome"], is_reachable  # otherwise each further try only counts as failed


def _send(gateway: Gateway, request: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The result of a request to record, `{entity}` or `{error}`; whether Razorpay is reachable."""
    mode = gateway.config.mode
    if request["mode"] != mode:
        # Razorpay would not know the payment, and its refusal would end the refund.
        log_event("refund_of_another_mode", logging.ERROR, refund_id=request["refund_id"])
        return _error("unavailable", f"This app sends refunds of the {mode} mode only."), True
    try:
        found = _find(gateway, request)
    except GatewayError as error:
        # Only a refusal of `refund` ends the request: one that cannot be looked up may still be
        # under way.
        return _error("unavailable", error.reason), error.kind == "refused"
    if found is not None:
        return {"entity": found}, True
    if not request["may_be_sent"]:  # the payer's bank may be giving the money back
        return _error("unavailable", "The payment is disputed."), True
    try:
        return {"entity": gateway.refund(request)}, True
    except GatewayError as error:
        was_refused = error.kind == "refused"
        return _error("refused" if was_refused else "unavailable", error.reason), was_refused


def _find(gateway: Gateway, request: Mapping[str, Any]) -> Entity | None:
    """The refund that an earlier try made, if its answer was lost; None to send it.

    Razorpay does not document how long it remembers an idempotency key, so a search comes first.
    """
    if request["razorpay_refund_id"] is not None:
        return gateway.fetch_refund(request["payment_id"], request["razorpay_refund_id"])
    if request["tries"] > 1:
        return gateway.find_refund(request["payment_id"], request["receipt"])
    return None


def _error(kind: str, reason: str) -> dict[str, Any]:
    return {"error": {"kind": kind, "reason": reason}}
