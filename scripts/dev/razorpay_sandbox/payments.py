"""Payments: tried, authorised, captured, failed, disputed; each change tells its events."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scripts.dev.razorpay_sandbox.bodies import (
    dispute_body,
    order_body,
    payment_in_dispute,
    payment_in_order_paid,
    payment_in_payment_event,
    refusal,
    unknown_id,
)
from scripts.dev.razorpay_sandbox.books import Body, Books, Dispute, Order, Payment
from scripts.dev.razorpay_sandbox.switches import Strict
from scripts.dev.razorpay_sandbox.webhooks import Courier, sign

# What Razorpay takes: 2 % and 18 % tax on it.
FEE_PERCENT, TAX_PERCENT = 2, 18


class PayRequest(Strict):
    """A way to pay; `late`: it fails, and is captured later."""

    method: Literal["upi", "card", "netbanking", "wallet"] = "upi"
    outcome: Literal["captured", "failed", "authorized", "late"] = "captured"


class DisputeRequest(Strict):
    """The answer of the customer's bank."""

    event: Literal["created", "under_review", "action_required", "won", "lost", "closed"] = (
        "created"
    )
    amount: int | None = Field(default=None, ge=1, description="paise; None: the whole payment")
    reason_code: str = "goods_or_services_not_received_or_partially_received"
    phase: str = "chargeback"


def get_payment(books: Books, payment_id: str) -> Payment:
    """The payment of this id.

    Raises:
        ApiError: there is none.
    """
    if payment_id not in books.payments:
        raise unknown_id()
    return books.payments[payment_id]


def pay(books: Books, courier: Courier, order: Order, request: PayRequest) -> Payment:
    """Try to pay an order.

    Raises:
        ApiError: it is paid, or being paid, and the switch does not allow a second payment.
    """
    switches = courier.switches.payments
    busy = any(one.status == "authorized" for one in books.payments_of(order.id))
    if (order.status == "paid" or busy) and not switches.second_payment:
        raise refusal("Payment already done for this order.")
    order.amount = switches.order_amount or order.amount
    order.currency = switches.currency or order.currency
    credit = switches.amount or order.amount
    fee, _ = _fee(credit)
    payment = Payment(
        order_id=order.id,
        amount=credit + fee if switches.fee_on_top else credit,
        credit=credit,
        currency=order.currency,
        method=request.method,
    )
    books.payments[payment.id] = payment
    order.attempts += 1
    if order.status == "created":
        order.status = "attempted"
    if request.outcome in ("failed", "late"):
        payment.status = "failed"
        courier.announce("payment.failed", payment=payment_in_payment_event(payment))
    else:
        _authorize(courier, payment)
        if request.outcome == "captured":
            capture(courier, order, payment)
    return payment


def capture(courier: Courier, order: Order, payment: Payment) -> None:
    """Take the money of an authorised payment, or of a failed one that was authorised late.

    Raises:
        ApiError: it is neither.
    """
    if payment.status == "failed":
        _authorize(courier, payment)
    if payment.status != "authorized":
        raise refusal("This payment has already been captured")
    payment.status, payment.captured = "captured", True
    payment.fee, payment.tax = _fee(payment.credit)
    order.amount_paid += payment.credit
    was_paid = order.status == "paid"
    if order.amount_paid >= order.amount:
        order.status = "paid"
    courier.announce("payment.captured", payment=payment_in_payment_event(payment))
    if order.status == "paid" and (not was_paid or courier.switches.payments.second_payment):
        courier.announce(
            "order.paid", payment=payment_in_order_paid(payment), order=order_body(order)
        )


def dispute(courier: Courier, payment: Payment, request: DisputeRequest) -> Body:
    """Open the payment's dispute, or move it on; returns it.

    Raises:
        ApiError: the money was never taken, or there is no dispute to move on.
    """
    if not payment.captured:
        raise refusal("Only a captured payment can be disputed.")
    if request.event == "created":
        amount = request.amount or payment.amount
        payment.dispute = Dispute(amount, payment.currency, request.reason_code, request.phase)
    elif payment.dispute is None:
        raise refusal("The payment has no dispute: begin with the event created.")
    else:
        payment.dispute.status = request.event
        if request.event == "lost":
            payment.dispute.amount_deducted = payment.dispute.amount
    event = f"payment.dispute.{request.event}"
    body = dispute_body(payment.dispute, payment.id)
    courier.announce(event, payment=payment_in_dispute(payment, event), dispute=body)
    return body


def checkout_answer(payment: Payment, key_secret: str) -> Body:
    """The values that checkout gives to the page: ids and a signature, or the failure."""
    if payment.status == "failed":
        return {
            "error": {
                "code": "BAD_REQUEST_ERROR",
                "description": "Payment failed",
                "source": "customer",
                "step": "payment_authentication",
                "reason": "payment_failed",
                "metadata": {"order_id": payment.order_id, "payment_id": payment.id},
            }
        }
    return {
        "razorpay_payment_id": payment.id,
        "razorpay_order_id": payment.order_id,
        "razorpay_signature": sign(f"{payment.order_id}|{payment.id}".encode(), key_secret),
    }


def _authorize(courier: Courier, payment: Payment) -> None:
    payment.status = "authorized"
    courier.announce("payment.authorized", payment=payment_in_payment_event(payment))


def _fee(amount: int) -> tuple[int, int]:
    base = amount * FEE_PERCENT // 100
    tax = base * TAX_PERCENT // 100
    return base + tax, tax
