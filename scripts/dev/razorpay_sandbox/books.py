"""The sandbox's orders, payments, refunds and disputes, in memory."""

from __future__ import annotations

import secrets
import string
import time
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]
_ALPHABET = string.ascii_letters + string.digits


def make_id(prefix: str = "") -> str:
    """An id as Razorpay's: a prefix and 14 letters and digits."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(14))


def now() -> int:
    """Seconds since 1970, as Razorpay tells time."""
    return int(time.time())


@dataclass
class Order:
    """The amount to pay, in paise."""

    amount: int
    currency: str
    receipt: str | None
    notes: dict[str, Any]
    id: str = field(default_factory=lambda: make_id("order_"))
    status: str = "created"
    amount_paid: int = 0
    attempts: int = 0
    created_at: int = field(default_factory=now)


@dataclass
class Payment:
    """One attempt to pay an order; amounts in paise.

    `credit` is what of it counts for the order: all but a fee that the customer bears.
    """

    order_id: str
    amount: int
    credit: int
    currency: str
    method: str
    id: str = field(default_factory=lambda: make_id("pay_"))
    status: str = "created"
    captured: bool = False
    amount_refunded: int = 0
    fee: int | None = None
    tax: int | None = None
    created_at: int = field(default_factory=now)
    dispute: Dispute | None = None

    @property
    def refund_status(self) -> str | None:
        """None, partial or full."""
        if not self.amount_refunded:
            return None
        return "full" if self.amount_refunded == self.amount else "partial"


@dataclass
class Refund:
    """Money on its way back, in paise; `request` is the body that asked for it."""

    payment_id: str
    amount: int
    currency: str
    request: Body
    id: str = field(default_factory=lambda: make_id("rfnd_"))
    status: str = "pending"
    created_at: int = field(default_factory=now)


@dataclass
class Dispute:
    """A customer's bank asks for money back, in paise."""

    amount: int
    currency: str
    reason_code: str
    phase: str
    id: str = field(default_factory=lambda: make_id("disp_"))
    status: str = "open"
    amount_deducted: int = 0
    created_at: int = field(default_factory=now)


@dataclass
class Books:
    """Everything there is, by id; the order of dicts is the order of making."""

    orders: dict[str, Order] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    refunds_by_key: dict[str, Refund] = field(default_factory=dict)

    def payments_of(self, order_id: str) -> list[Payment]:
        """The attempts to pay an order, the oldest first."""
        return [one for one in self.payments.values() if one.order_id == order_id]
