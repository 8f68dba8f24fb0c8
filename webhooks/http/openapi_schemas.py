"""What the routes take and answer, as JSON Schema; `openapi` says where."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

SEVERITIES = ["info", "warning", "critical"]

_TEXT: Json = {"type": "string"}
_MAYBE_TEXT: Json = {"type": ["string", "null"]}
_COUNT: Json = {"type": "integer", "minimum": 0}
_TIME: Json = {"type": "string", "format": "date-time"}


def _object(properties: Json, *, optional: tuple[str, ...] = (), closed: bool = True) -> Json:
    """An object that has all of these, but for the optional ones; a closed one has no others."""
    schema: Json = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }
    return {**schema, "additionalProperties": False} if closed else schema


_CHECKOUT = _object(
    {
        "order_id": _TEXT,
        "amount": {"type": "integer", "minimum": 100, "description": "Paise."},
        "currency": _TEXT,
        "key_id": _TEXT,
        "name": _TEXT,
        "description": _TEXT,
        "prefill": _object({"name": _MAYBE_TEXT, "email": _MAYBE_TEXT, "contact": _MAYBE_TEXT}),
        "theme": _object({"color": {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"}}),
    }
)

_ALERT = _object(
    {
        "id": _COUNT,
        "kind": _TEXT,
        "severity": {"enum": SEVERITIES},
        "status": {"enum": ["open", "resolved"]},
        "conversation_id": _MAYBE_TEXT,
        "razorpay_order_id": _MAYBE_TEXT,
        "razorpay_payment_id": _MAYBE_TEXT,
        "event_row_id": {"type": ["integer", "null"]},
        "details": {"type": "object"},
        "seen": {**_COUNT, "description": "How often the same has happened."},
        "first_seen_at": _TIME,
        "last_seen_at": _TIME,
        "resolved_at": {"type": ["string", "null"], "format": "date-time"},
        "note": _MAYBE_TEXT,
        "dispute_days": {
            "type": ["integer", "null"],
            "minimum": 0,
            "description": "How many days the conversation's dispute has been open, if one is.",
        },
        "reminder": {
            "enum": [7, 30, 50, None],
            "description": "The last of these that dispute_days has reached.",
        },
    }
)

SCHEMAS: Json = {
    "Refusal": _object(
        {
            "success": {"const": False},
            "message": {"type": "string", "description": "For people."},
            "error_code": {"type": "string", "pattern": "^[A-Z]+(_[A-Z]+)*$"},
            "details": {"type": "object"},
        }
    ),
    "Status": _object({"status": {"enum": ["ok", "ready"]}}),
    "Document": {"type": "object"},
    "Cleanup": _object(
        {
            "expired": _COUNT,
            "scrubbed": _COUNT,
            "deadlines_run": _COUNT,
            "throttled": {"type": "boolean"},
        }
    ),
    "Event": _object(
        {
            "entity": {"const": "event"},
            "account_id": _TEXT,
            "event": {"type": "string", "description": "For example order.paid."},
            "contains": {"type": "array", "items": _TEXT},
            "payload": {"type": "object"},
            "created_at": {"type": "integer", "description": "Seconds since 1970."},
        },
        closed=False,
    ),
    "Outcome": _object(
        {"outcome": {"type": "string", "description": "For example applied, noop, duplicate."}}
    ),
    "PaymentOrder": _object(
        {"success": {"const": True}, "razorpay_config": _CHECKOUT, "payment_order_id": _TEXT}
    ),
    "Refresh": _object(
        {
            "polled": {"type": "boolean", "description": "Whether Razorpay was asked, and said."},
            "flow_state": _MAYBE_TEXT,
            "outcome": {
                "type": "string",
                "description": "For example applied, noop, too_soon, no_order.",
            },
        }
    ),
    "CheckoutSuccess": _object(
        {
            "razorpay_payment_id": {"type": "string", "pattern": "^pay_[A-Za-z0-9]{1,60}$"},
            "razorpay_order_id": {"type": "string", "pattern": "^order_[A-Za-z0-9]{1,60}$"},
            "razorpay_signature": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        },
        closed=False,
    ),
    "Note": _object({"note": _MAYBE_TEXT}, optional=("note",), closed=False),
    "Alerts": {"type": "array", "items": _ALERT},
    "Resolved": _object({"id": _COUNT, "status": {"const": "resolved"}}),
    "Processed": _object(
        {
            "outcome": _TEXT,
            "status": {"enum": ["received", "processed", "ignored", "parked"]},
            "event_type": _MAYBE_TEXT,
            "conversation_id": _MAYBE_TEXT,
            "razorpay_order_id": _MAYBE_TEXT,
            "razorpay_payment_id": _MAYBE_TEXT,
        }
    ),
    "Sent": _object(
        {
            "taken": _COUNT,
            "outcomes": {"type": "object", "additionalProperties": _COUNT},
        }
    ),
}
