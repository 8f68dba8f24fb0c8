"""What Razorpay's stand-in says, from its documented bodies, and what the database says of it."""

from __future__ import annotations

import json
from typing import Any

from tests.webhooks.support import ROOT, FakeSupabase, Received

CONVERSATION_ID = "7b1f6a52-3f0e-4a57-9a55-6b7f0c9f3a10"
PAYMENT_ORDER_ID = "0b54b6f0-6f0e-4a57-9a55-6b7f0c9f3a10"
ORDER_ID = "order_CnvPay00000001"
PAYMENT_ID = "pay_CnvPay0000001A"
REFUND_ID = "rfnd_CnvPay0000001R"
REQUEST_ID = "1d6b6b58-3f62-4b9c-8f0e-2b8e8a1c7d10"


def body_of(name: str) -> dict[str, Any]:
    """A documented body of Razorpay's, by its file's name without `.json`."""
    path = ROOT / "tests/payments/fixtures" / f"{name}.json"
    body: dict[str, Any] = json.loads(path.read_bytes())
    return body


def order_entity(**changes: Any) -> dict[str, Any]:
    """Razorpay's order of PAYMENT_ORDER_ID."""
    return body_of("api.order.create.response") | {"receipt": PAYMENT_ORDER_ID} | changes


def collection(*items: dict[str, Any]) -> dict[str, Any]:
    """Razorpay's list of some entities."""
    return {"entity": "collection", "count": len(items), "items": list(items)}


def begun(**changes: Any) -> dict[str, Any]:
    """What `begin_payment` says of an order that Razorpay does not know yet."""
    return {
        "payment_order_id": PAYMENT_ORDER_ID,
        "receipt": PAYMENT_ORDER_ID,
        "amount_minor": 500000,
        "currency": "INR",
        "mode": "test",
        "razorpay_order_id": None,
        "has_checkout": False,
        "status": "open",
        "kind": "campaign",
        "prefill": {"name": "Bharat", "email": "bharat@example.com", "contact": "+919800000001"},
        **changes,
    }


def claimed(**changes: Any) -> dict[str, Any]:
    """What `claim_payment_poll` says of an order that may be asked about now."""
    return {
        "claimed": True,
        "payment_order_id": PAYMENT_ORDER_ID,
        "receipt": PAYMENT_ORDER_ID,
        "razorpay_order_id": ORDER_ID,
        "order_status": "open",
        "flow_state": "payment_pending",
        "retry_after": None,
        **changes,
    }


def refund_request(**changes: Any) -> dict[str, Any]:
    """A row of `take_refund_requests` that has not been sent."""
    return {
        "refund_id": REQUEST_ID,
        "conversation_id": CONVERSATION_ID,
        "payment_id": PAYMENT_ID,
        "amount_minor": 500000,
        "currency": "INR",
        "mode": "test",
        "tries": 1,
        "may_be_sent": True,
        "idempotency_key": f"refund-{REQUEST_ID}-1",
        "razorpay_refund_id": None,
        "receipt": REQUEST_ID,
        "notes": {"reason": "cancelled", "kind": "deal"},
        **changes,
    }


def calls(fake: FakeSupabase, path: str) -> list[Received]:
    """What came to one address, in order."""
    return [received for received in fake.received if received.path == path]


def at_razorpay(fake: FakeSupabase) -> list[tuple[str, str]]:
    """Method and address of every call that was meant for Razorpay."""
    return [(call.method, call.path) for call in fake.received if call.path.startswith("/v1/")]
