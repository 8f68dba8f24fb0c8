"""Calls of Razorpay: orders, payments and refunds, over its SDK.

The SDK sets no timeout, trusts authorities of 2015, prints failures on stdout, drops the status of
a refusal and raises odd errors on answers that are no JSON. So `_Session` below it reads answers
first and raises a `GatewayError` for every failure, which the SDK passes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Literal

import certifi
import razorpay  # type: ignore[import-untyped]
import requests

from webhooks import metrics
from webhooks.config import RazorpayConfig
from webhooks.logs import log_event

CONNECT_TIMEOUT_SECONDS = 2.0
READ_TIMEOUT_SECONDS = 6.0

# Minutes, at least 12 and at most 7,200. A payment is captured at once where possible; one that a
# bank confirms within five days can still be captured, by hand, and is refunded after that.
# Source: https://razorpay.com/docs/payments/payments/capture-settings/api/
CAPTURE = {
    "capture": "automatic",
    "capture_options": {
        "automatic_expiry_period": 12,
        "manual_expiry_period": 7200,
        "refund_speed": "normal",
    },
}

# 4xx that a retry can help. 409: a refund with this idempotency key is under way.
# Source: https://razorpay.com/docs/api/refunds/normal-refunds-idempotent/
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
_MAX_REASON = 200

# An answer of Razorpay without characters that PostgreSQL refuses.
Entity = dict[str, Any]


class GatewayError(Exception):
    """A call of Razorpay failed.

    `kind`: after `refused` a retry cannot help. After `unavailable` it can; Razorpay may have done
    the call although its answer was lost. After `unauthorized` an operator must mend the keys.
    `status` is None without an answer; `reason` is Razorpay's, or the failure's name.
    """

    def __init__(
        self,
        kind: Literal["refused", "unavailable", "unauthorized"],
        status: int | None,
        reason: str,
    ) -> None:
        super().__init__(f"{kind} {status}: {reason}")
        self.kind = kind
        self.status = status
        self.reason = reason


class Gateway:
    """Razorpay, with one account's keys. Safe to share between threads."""

    def __init__(self, config: RazorpayConfig) -> None:
        self.config = config
        self._of_thread = threading.local()  # requests' sessions are not made to be shared

    def create_order(
        self, *, receipt: str, amount_minor: int, currency: str, notes: Mapping[str, str]
    ) -> Entity:
        """Razorpay's order with this receipt, made now or by an earlier call whose answer was lost.

        Args:
            receipt: our name of the order, at most 40 characters.
            amount_minor: in paise.
            currency: three letters.
            notes: shown to operators in Razorpay's dashboard.

        Raises:
            GatewayError: a retry is safe.
        """
        order = {
            "receipt": receipt,
            "amount": amount_minor,
            "currency": currency,
            "notes": dict(notes),
            "unique_receipt": True,
            "partial_payment": False,
            "payment": CAPTURE,
        }
        try:
            result, entity = self._make_or_adopt(order)
        except GatewayError as error:
            metrics.ORDERS.labels(result=error.kind).inc()
            raise
        metrics.ORDERS.labels(result=result).inc()
        return entity

    def _make_or_adopt(self, order: Mapping[str, Any]) -> tuple[str, Entity]:
        try:
            return "created", self._call("create_order", lambda client: client.order.create(order))
        except GatewayError as error:
            if not _is_about_a_known_receipt(error):
                raise
            found = self.find_order(order["receipt"], order["amount"])
            if found is None:
                raise
            return "adopted", found

    def find_order(self, receipt: str, amount_minor: int | None = None) -> Entity | None:
        """Razorpay's order with this receipt, and this amount where one is given; None without.

        The newest if there are several; Razorpay does not exclude that.

        Raises:
            GatewayError: the search failed.
        """
        found = self._call("find_order", lambda client: client.order.all({"receipt": receipt}))
        fitting = [
            order
            for order in found["items"]
            if order["receipt"] == receipt and amount_minor in (None, order["amount"])
        ]
        return max(fitting, key=lambda order: int(order["created_at"]), default=None)

    def fetch_order(self, order_id: str) -> Entity:
        """An order as it is now.

        Raises:
            GatewayError: `refused` for an id that is not known, or is older than 180 days.
        """
        return self._call("fetch_order", lambda client: client.order.fetch(order_id))

    def fetch_payments(self, order_id: str) -> Entity:
        """The collection of all payments that were tried for an order.

        Raises:
            GatewayError: as `fetch_order`.
        """
        return self._call("fetch_payments", lambda client: client.order.payments(order_id))

    def refund(self, request: Mapping[str, Any]) -> Entity:
        """The refund of a row of `take_refund_requests`, made now or by an earlier call of ours.

        Raises:
            GatewayError: a retry with the same row is safe.
        """
        content = {
            "amount": request["amount_minor"],
            "speed": "normal",
            "receipt": request["receipt"],
            "notes": request["notes"],
        }
        headers = {"X-Refund-Idempotency": request["idempotency_key"]}
        return self._call(
            "refund",
            lambda client: client.payment.refund(request["payment_id"], content, headers=headers),
        )

    def fetch_refund(self, payment_id: str, refund_id: str) -> Entity:
        """A refund of a payment as it is now.

        Raises:
            GatewayError: as `fetch_order`.
        """
        return self._call(
            "fetch_refund", lambda client: client.payment.fetch_refund_id(payment_id, refund_id)
        )

    def find_refund(self, payment_id: str, receipt: str) -> Entity | None:
        """The refund of a payment with this receipt that did not fail; None without.

        Raises:
            GatewayError: as `fetch_order`.
        """
        found = self._call(
            "find_refund", lambda client: client.payment.fetch_multiple_refund(payment_id, {})
        )
        fitting = (
            refund
            for refund in found["items"]
            if refund["receipt"] == receipt and refund["status"] != "failed"
        )
        return next(fitting, None)

    def _call(self, op: str, ask: Callable[[razorpay.Client], Any]) -> Entity:
        started_at = time.perf_counter()
        try:
            answer: Entity = _storable(ask(self._client()))
        except GatewayError as error:
            _count(op, error.kind, started_at)
            _log_failure(op, error)
            raise
        _count(op, "ok", started_at)
        return answer

    def _client(self) -> razorpay.Client:
        if not hasattr(self._of_thread, "client"):
            keys = (self.config.key_id, self.config.key_secret.get_secret_value())
            client = razorpay.Client(_Session(), keys, base_url=self.config.base_url)
            client.cert_path = certifi.where()  # the SDK's own are of 2015
            client.set_app_details({"title": "Parley"})
            self._of_thread.client = client
        return self._of_thread.client


class _Session(requests.Session):
    """Passes only entities in answers of 2xx to the SDK, and never retries."""

    def request(
        self, method: str, url: str | bytes, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """One request; a redirect is not followed, since that could repeat a POST.

        Raises:
            GatewayError: for every other result.
        """
        kwargs["timeout"] = (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)
        kwargs["allow_redirects"] = False
        try:
            response = super().request(method, url, *args, **kwargs)
        except requests.RequestException as error:
            raise GatewayError("unavailable", None, type(error).__name__) from error
        try:
            body = response.json()
        except (ValueError, RecursionError):
            body = None
        is_good = 200 <= response.status_code < 300
        if not is_good or not isinstance(body, dict) or "entity" not in body:
            raise _failure(response.status_code, body)
        return response


def _failure(status: int, body: object) -> GatewayError:
    """The error for an answer that is no 2xx with an entity."""
    error = body.get("error") if isinstance(body, dict) else None
    said = error.get("description") if isinstance(error, dict) else None
    reason = _storable(str(said or "no reason given"))[:_MAX_REASON]
    if status == HTTPStatus.UNAUTHORIZED:
        return GatewayError("unauthorized", status, reason)
    # An answer without JSON comes from a proxy on the way, not from Razorpay.
    if 400 <= status < 500 and status not in _PASSING and isinstance(body, dict):
        return GatewayError("refused", status, reason)
    return GatewayError("unavailable", status, reason)


def _is_about_a_known_receipt(error: GatewayError) -> bool:
    # Razorpay has no code for it, only the text "Order receipt should be unique."
    return error.kind == "refused" and "receipt should be unique" in error.reason.lower()


def _storable(value: Any) -> Any:
    """The same JSON without NUL and halves of surrogate pairs, which PostgreSQL refuses.

    Payers may write notes, and a note must not keep a payment from being booked.
    """
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_storable(name): _storable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    return value


def _count(op: str, result: str, started_at: float) -> None:
    seconds = time.perf_counter() - started_at
    metrics.RAZORPAY_SECONDS.labels(op=op, result=result).observe(seconds)


def _log_failure(op: str, error: GatewayError) -> None:
    if error.kind == "unauthorized":
        log_event("razorpay_keys_refused", logging.ERROR, op=op, status=error.status)
        return
    log_event(
        "razorpay_call_failed",
        logging.WARNING,
        op=op,
        kind=error.kind,
        status=error.status,
        reason=error.reason,
    )
