"""Events as Razorpay sends them: the published samples, and signatures for any bytes."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx

FIXTURES = Path(__file__).parents[1] / "payments" / "fixtures"
SIGNATURES: dict[str, Any] = json.loads((FIXTURES / "SIGNATURES.json").read_bytes())
CURRENT: str = SIGNATURES["secret_current"]
PREVIOUS: str = SIGNATURES["secret_previous"]
WEBHOOK_SECRETS = {
    "RAZORPAY_WEBHOOK_SECRET": CURRENT,
    "RAZORPAY_WEBHOOK_SECRET_PREVIOUS": PREVIOUS,
}
PATH = "/v1/webhooks/razorpay"
BODY = (FIXTURES / "order.paid.card.json").read_bytes()
EVENT_ID = "KfYSHMpjAGzrkx"
CONVERSATION_ID = "00000000-0000-4000-8000-0000000000c1"

STORED = {
    "event_row_id": 7,
    "duplicate": False,
    "event_type": "order.paid",
    "razorpay_order_id": "order_KfYSHMpjAGzrkx",
}
APPLIED = {
    "outcome": "applied",
    "status": "processed",
    "event_type": "order.paid",
    "conversation_id": CONVERSATION_ID,
    "flow_state": "payment_completed",
    "razorpay_order_id": "order_KfYSHMpjAGzrkx",
    "razorpay_payment_id": "pay_KfYSHMpjAGzrkx",
}


def sign(body: bytes, secret: str = CURRENT) -> str:
    """The signature of a body, as Razorpay makes it."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed(body: bytes, secret: str = CURRENT, **headers: str) -> dict[str, str]:
    """The headers of a signed body; more by name, with `_` for `-`."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"X-Razorpay-Signature": sign(body, secret), "X-Razorpay-Event-Id": EVENT_ID, **more}


def assert_let_in(answer: httpx.Response, outcome: str = "applied") -> None:
    """The event is stored, and Razorpay told so."""
    assert (answer.status_code, answer.json()) == (200, {"outcome": outcome})
