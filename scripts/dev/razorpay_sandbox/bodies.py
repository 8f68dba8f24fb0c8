"""JSON as Razorpay writes it: the shapes of its documentation, key by key.

Oddities are Razorpay's: an event about a card says `captured: true` whatever its status is, empty
notes are a list, and `order.paid` shows less of a payment than other events do.
"""

from __future__ import annotations

from collections.abc import Sequence

from scripts.dev.razorpay_sandbox.books import Body, Dispute, Order, Payment, Refund, now

# Nobody: who pays in the sandbox.
NAME, EMAIL, CONTACT = "Asha Menon", "asha.menon@example.com", "+919800000001"
VPA = "asha.menon@exampleupi"
RRN = "533012345678"
DISPUTE_DAYS = 7
_NOT_IN_ORDER_PAID = (
    *("base_amount", "amount_transferred", "acquirer_data", "upi"),
    *("error_source", "error_step", "error_reason"),
)
_EVIDENCE = (
    *("summary", "shipping_proof", "billing_proof", "cancellation_proof"),
    *("customer_communication", "proof_of_service", "explanation_letter", "refund_confirmation"),
    *("access_activity_log", "refund_cancellation_policy", "term_and_conditions", "others"),
    "submitted_at",
)


class ApiError(Exception):
    """An answer other than 200."""

    def __init__(self, body: Body, status: int = 400) -> None:
        super().__init__(body["error"]["description"])
        self.body = body
        self.status = status


def refusal(description: str, field: str | None = None) -> ApiError:
    """The answer to a bad request; Razorpay names a wrong field."""
    error = {
        "code": "BAD_REQUEST_ERROR",
        "description": description,
        "source": "business",
        "step": "payment_initiation",
        "reason": "input_validation_failed",
        "metadata": {},
    }
    return ApiError({"error": error if field is None else {**error, "field": field}})


def unknown_id() -> ApiError:
    """An id that is not there is a bad request at Razorpay, not a 404."""
    return refusal("The id provided does not exist")


def unauthorized() -> ApiError:
    """Wrong keys."""
    error = {"code": "BAD_REQUEST_ERROR", "description": "Authentication failed"}
    return ApiError({"error": error}, 401)


def server_error() -> ApiError:
    """Trouble on their side."""
    error = {
        "code": "SERVER_ERROR",
        "description": (
            "We are facing some trouble completing your request at the moment. "
            "Please try again shortly."
        ),
        **dict.fromkeys(("source", "step", "reason"), "NA"),
        "metadata": {},
    }
    return ApiError({"error": error}, 500)


def too_many_requests() -> ApiError:
    """The rate limit; Razorpay documents the status, the body is ours."""
    return ApiError({"error": {"code": "RATE_LIMITED", "description": "Too many requests"}}, 429)


def conflict() -> ApiError:
    """Another call is making the same refund; the status is documented, the body is ours."""
    error = {"code": "BAD_REQUEST_ERROR", "description": "The same request is in progress"}
    return ApiError({"error": error}, 409)


def collection(items: Sequence[Body]) -> Body:
    """A list of things."""
    return {"entity": "collection", "count": len(items), "items": list(items)}


def order_body(order: Order) -> Body:
    """An order, as the API and events show it."""
    return {
        "id": order.id,
        "entity": "order",
        "amount": order.amount,
        "amount_paid": order.amount_paid,
        "amount_due": max(0, order.amount - order.amount_paid),
        "currency": order.currency,
        "receipt": order.receipt,
        "offer_id": None,
        "status": order.status,
        "attempts": order.attempts,
        "notes": order.notes or [],
        "created_at": order.created_at,
    }


def payment_body(payment: Payment) -> Body:
    """A payment, as the API shows it."""
    failed, method = payment.status == "failed", payment.method
    body = {
        "id": payment.id,
        "entity": "payment",
        "amount": payment.amount,
        "currency": payment.currency,
        "base_amount": payment.amount,
        "status": payment.status,
        "order_id": payment.order_id,
        "invoice_id": None,
        "international": False,
        "method": method,
        "amount_refunded": payment.amount_refunded,
        "amount_transferred": 0,
        "refund_status": payment.refund_status,
        "captured": payment.captured,
        "description": None,
        "card_id": payment.id.replace("pay_", "card_") if method == "card" else None,
        "bank": "HDFC" if method == "netbanking" else None,
        "wallet": "payzapp" if method == "wallet" else None,
        "vpa": VPA if method == "upi" else None,
        "email": EMAIL,
        "contact": CONTACT,
        "notes": [],
        "fee": payment.fee,
        "tax": payment.tax,
        "error_code": "BAD_REQUEST_ERROR" if failed else None,
        "error_description": "Payment failed" if failed else None,
        "error_source": ("bank" if method == "netbanking" else "issuer") if failed else None,
        "error_step": "payment_authorization" if failed else None,
        "error_reason": "payment_failed" if failed else None,
        "acquirer_data": _acquirer_data(payment),
        "created_at": payment.created_at,
    }
    if method == "upi":
        body["upi"] = {"payer_account_type": "credit_card", "vpa": VPA, "flow": "intent"}
    if not payment.captured:
        del body["base_amount"], body["amount_transferred"]
    return body


def _acquirer_data(payment: Payment) -> Body:
    failed = payment.status == "failed"
    data: dict[str, Body] = {
        "upi": {"rrn": None if failed else RRN},
        "card": {"auth_code": "482913", "rrn": RRN},
        "netbanking": {"bank_transaction_id": None if failed else "0900112233"},
        "wallet": {"transaction_id": None},
    }
    return data[payment.method]


def _card(payment: Payment) -> Body:
    return {
        "id": payment_body(payment)["card_id"],
        "entity": "card",
        "name": NAME,
        "last4": "4242",
        "network": "Visa",
        "type": "debit",
        "issuer": None,
        "international": False,
        "emi": False,
    }


def payment_in_payment_event(payment: Payment) -> Body:
    """A payment, as `payment.authorized`, `.captured` and `.failed` show it."""
    body = payment_body(payment)
    if payment.method != "card":
        return body
    body.pop("base_amount", None)
    return body | {
        "amount_transferred": 0,
        "captured": True,
        "card": {**_card(payment), "iin": "999999", "sub_type": "business"},
        "error_code": "",
        "error_description": "",
        **dict.fromkeys(("error_source", "error_step", "error_reason")),
        "token_id": payment.id.replace("pay_", "token_"),
    }


def payment_in_order_paid(payment: Payment) -> Body:
    """A payment, as `order.paid` shows it."""
    body = payment_body(payment)
    short = {name: value for name, value in body.items() if name not in _NOT_IN_ORDER_PAID}
    return short | ({"card": _card(payment)} if payment.method == "card" else {})


def payment_in_dispute(payment: Payment, event: str) -> Body:
    """A payment, as `payment.dispute.*` shows it."""
    body = payment_body(payment)
    body.pop("upi", None)
    body["acquirer_data"] = {}
    if event != "payment.dispute.created":
        del body["acquirer_data"]
    return body


def refund_body(refund: Refund) -> Body:
    """A refund, as the API and events show it."""
    return {
        "id": refund.id,
        "entity": "refund",
        "amount": refund.amount,
        "receipt": refund.request.get("receipt"),
        "currency": refund.currency,
        "payment_id": refund.payment_id,
        "notes": refund.request.get("notes") or [],
        "acquirer_data": {"arn": None},
        "created_at": refund.created_at,
        "batch_id": None,
        "status": refund.status,
        "speed_processed": "normal",
        "speed_requested": refund.request.get("speed", "normal"),
    }


def dispute_body(dispute: Dispute, payment_id: str) -> Body:
    """A dispute, as events show it."""
    return {
        "id": dispute.id,
        "entity": "dispute",
        "payment_id": payment_id,
        "amount": dispute.amount,
        "currency": dispute.currency,
        "amount_deducted": dispute.amount_deducted,
        "reason_code": dispute.reason_code,
        "respond_by": dispute.created_at + DISPUTE_DAYS * 86400,
        "status": dispute.status,
        "phase": dispute.phase,
        "evidence": {"amount": dispute.amount, **dict.fromkeys(_EVIDENCE)},
        "created_at": dispute.created_at,
    }


def event_body(name: str, account_id: str, entities: dict[str, Body]) -> Body:
    """The envelope of an event; `entities` by kind, in the order of `contains`."""
    return {
        "entity": "event",
        "account_id": account_id,
        "event": name,
        "contains": list(entities),
        "payload": {kind: {"entity": entity} for kind, entity in entities.items()},
        "created_at": now(),
    }
