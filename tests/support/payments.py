"""What Razorpay says, made up: orders, payments, refunds, disputes and the events about them."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass
from typing import Any

from tests.support.databases import Database

ACCOUNT = "acc_T3stStudio0001"
Json = dict[str, Any]


@dataclass(frozen=True)
class Order:
    """An order of ours, attached to one of Razorpay's; the amount is in paise."""

    payment_order_id: str
    conversation_id: str
    receipt: str
    razorpay_order_id: str
    amount_minor: int


def made_up_id(prefix: str) -> str:
    """An id as Razorpay makes them: `pay_...` with 14 letters and digits."""
    return f"{prefix}_{uuid.uuid4().hex[:14]}"


def attach_order(db: Database, conversation_id: str, razorpay_order_id: str = "") -> Order:
    """Razorpay has made an order for the open order of a deal."""
    (row,) = db.query(
        "select id::text, receipt, amount_minor from private.payment_orders"
        " where conversation_id = %s and status = 'open'",
        conversation_id,
    )
    order = Order(
        row["id"],
        conversation_id,
        row["receipt"],
        razorpay_order_id or made_up_id("order"),
        row["amount_minor"],
    )
    with db.as_service():
        answer = db.call(
            "attach_payment_order",
            payment_order_id=order.payment_order_id,
            entity=order_entity(order),
        )
    assert answer["outcome"] == "attached", answer
    return order


def order_entity(order: Order, **changes: Any) -> Json:
    """The order as Razorpay shows it."""
    return {
        "id": order.razorpay_order_id,
        "entity": "order",
        "amount": order.amount_minor,
        "amount_paid": 0,
        "amount_due": order.amount_minor,
        "currency": "INR",
        "receipt": order.receipt,
        "status": "created",
        "attempts": 0,
        "notes": [],
        "created_at": 1764000000,
        **changes,
    }


def payment_entity(order: Order, payment_id: str = "", **changes: Any) -> Json:
    """A payment of the order, captured unless changed."""
    return {
        "id": payment_id or made_up_id("pay"),
        "entity": "payment",
        "amount": order.amount_minor,
        "currency": "INR",
        "status": "captured",
        "order_id": order.razorpay_order_id,
        "method": "upi",
        "amount_refunded": 0,
        "refund_status": None,
        "captured": True,
        "notes": [],
        "fee": 11800,
        "tax": 1800,
        "error_code": None,
        "error_description": None,
        "created_at": 1764000060,
        **changes,
    }


def refund_entity(payment: Json, refund_id: str = "", **changes: Any) -> Json:
    """A refund of the whole payment, processed unless changed."""
    return {
        "id": refund_id or made_up_id("rfnd"),
        "entity": "refund",
        "amount": payment["amount"],
        "currency": payment["currency"],
        "payment_id": payment["id"],
        "notes": [],
        "receipt": None,
        "status": "processed",
        "created_at": 1764086400,
        **changes,
    }


def dispute_entity(payment: Json, dispute_id: str = "", **changes: Any) -> Json:
    """A dispute about the whole payment, just opened unless changed."""
    return {
        "id": dispute_id or made_up_id("disp"),
        "entity": "dispute",
        "payment_id": payment["id"],
        "amount": payment["amount"],
        "currency": payment["currency"],
        "amount_deducted": 0,
        "reason_code": "processed_invalid_expired_card",
        "respond_by": 1893456000,
        "status": "open",
        "phase": "chargeback",
        "created_at": 1764172800,
        **changes,
    }


def event_body(event_type: str, /, **entities: Json) -> bytes:
    """The body of an event, with its entities by name: payment, order, refund, dispute."""
    event = {
        "entity": "event",
        "account_id": ACCOUNT,
        "event": event_type,
        "contains": list(entities),
        "payload": {name: {"entity": entity} for name, entity in entities.items()},
        "created_at": 1764000064,
    }
    return json.dumps(event, separators=(",", ":")).encode()


def store_event(db: Database, body: bytes, event_id: str | None = None, **more: Any) -> int:
    """Store an event as the app does; its row."""
    with db.as_service():
        answer = db.call(
            "record_payment_event",
            event_id=event_id or uuid.uuid4().hex,
            body_base64=base64.b64encode(body).decode(),
            **more,
        )
    row: int = answer["event_row_id"]
    return row


def take_event(db: Database, body: bytes, event_id: str | None = None, **more: Any) -> Json:
    """Store an event and have it processed; the answer of the second."""
    row = store_event(db, body, event_id, **more)
    with db.as_service():
        answer: Json = db.call("process_payment_event", event_row_id=row)
    return answer
