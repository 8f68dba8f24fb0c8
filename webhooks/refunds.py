"""Sends the refunds that the database has asked for, and asks how those sent before fared."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from webhooks.database import Database
from webhooks.drains import Drain
from webhooks.errors import payments_off
from webhooks.logs import log_event
from webhooks.razorpay import Entity, Gateway, GatewayError

# A round takes no more than this, and begins nothing after that time: whoever comes by next
# goes on.
MAX_PER_ROUND = 5
BUDGET_SECONDS = 5.0


class Refunds:
    """The requested refunds of one project, sent on touch. Safe to share between threads."""

    def __init__(self, database: Database, gateway: Gateway | None) -> None:
        """Without a gateway they stay requested."""
        self._database = database
        self._gateway = gateway
        self._drain = Drain("refunds", self.drain)

    def touch(self) -> None:
        """Have what is due sent in the background."""
        if self._gateway is not None:
            self._drain.touch()

    def drain(self, take: Callable[[], list[dict[str, Any]]] | None = None) -> Counter[str]:
        """Send what is due, a few at most; how many came to which outcome.

        Args:
            take: takes one row of `take_refund_requests` as whoever asks; left out, the service.

        Raises:
            ApiError: 503 PAYMENTS_OFF without a gateway; what `take` refuses; 503 when the
                database cannot be asked.
        """
        if self._gateway is None:
            raise payments_off()
        ends_at = time.monotonic() + BUDGET_SECONDS
        outcomes: Counter[str] = Counter()
        while outcomes.total() < MAX_PER_ROUND and time.monotonic() < ends_at:
            taken = (take or self._take_one)()
            if not taken:
                break
            result, is_reachable = _send(self._gateway, taken[0])
            said = self._database.call_as_service(
                "record_refund_result", refund_id=taken[0]["refund_id"], **result
            )
            outcomes[said["outcome"]] += 1
            if not is_reachable:
                break  # the next ones would only lose their turn
        if outcomes:
            log_event("refunds_drained", taken=outcomes.total(), outcomes=dict(outcomes))
        return outcomes

    def _take_one(self) -> list[dict[str, Any]]:
        # One at a time: what has been taken is handed out again only after a pause.
        return list(self._database.call_as_service("take_refund_requests", max_rows=1))


def _send(gateway: Gateway, request: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """What to record about a request, `{entity}` or `{error}`; whether Razorpay is worth asking."""
    mode = gateway.config.mode
    if request["mode"] != mode:
        # Razorpay would not know the payment, and its refusal would be taken for the last word.
        log_event("refund_of_another_mode", logging.ERROR, refund_id=request["refund_id"])
        return _error("unavailable", f"This app sends refunds of the {mode} mode only."), True
    try:
        found = _find(gateway, request)
    except GatewayError as error:
        # Only what was to be made can be refused for good: a refund that cannot be looked at may
        # be on its way all the same.
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
    """What an earlier try made at Razorpay, whose answer may have been lost; None to send it.

    How long Razorpay remembers an idempotency key is not documented, so it is not relied on alone.
    """
    if request["razorpay_refund_id"] is not None:
        return gateway.fetch_refund(request["payment_id"], request["razorpay_refund_id"])
    if request["tries"] > 1:
        return gateway.find_refund(request["payment_id"], request["receipt"])
    return None


def _error(kind: str, reason: str) -> dict[str, Any]:
    return {"error": {"kind": kind, "reason": reason}}
