"""Refunds: asked for once by key, then processed, failed or left pending."""

from __future__ import annotations

import re

from scripts.dev.razorpay_sandbox.bodies import (
    collection,
    payment_body,
    refund_body,
    refusal,
    unknown_id,
)
from scripts.dev.razorpay_sandbox.books import Body, Books, Payment, Refund
from scripts.dev.razorpay_sandbox.orders import check_notes
from scripts.dev.razorpay_sandbox.payments import get_payment
from scripts.dev.razorpay_sandbox.webhooks import Courier

# Of Razorpay's documentation of X-Refund-Idempotency.
IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{10,}")
KNOWN = {"amount", "speed", "notes", "receipt"}
SPEEDS = ("normal", "optimum")


def create_refund(
    books: Books, courier: Courier, payment: Payment, request: Body, key: str | None
) -> Body:
    """Give money of a captured payment back; the same key and body give the same refund.

    Raises:
        ApiError: the key or a field is bad, or there is not so much to give back.
    """
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise refusal(
            "The idempotency key must be at least 10 characters of letters, digits, - and _."
        )
    earlier = books.refunds_by_key.get(key) if key else None
    if earlier is not None:
        if (earlier.payment_id, earlier.request) != (payment.id, request):
            raise refusal("Different request body sent for the same idempotency key.")
        return refund_body(earlier)
    if not payment.captured:
        raise refusal("The payment status should be captured for action to be taken")
    refund = give_back(books, courier, payment, request)
    if key:
        books.refunds_by_key[key] = refund
    answer = refund_body(refund)
    outcome = courier.switches.refunds.outcome
    if outcome != "stay_pending":
        finish_refund(books, courier, refund, outcome)
    return answer


def give_back(books: Books, courier: Courier, payment: Payment, request: Body) -> Refund:
    """A new pending refund, as the API or somebody in Razorpay's Dashboard makes it.

    A payment that was never captured is refunded too, as Razorpay does after some days.

    Raises:
        ApiError: a field is bad, or there is not so much to give back.
    """
    extra = sorted(set(request) - KNOWN)
    if extra:
        raise refusal(f"{', '.join(extra)} is/are not required and should not be sent")
    if payment.status not in ("authorized", "captured", "refunded"):
        raise refusal("The payment status should be captured for action to be taken")
    left = payment.amount - payment.amount_refunded
    if left == 0:
        raise refusal("The payment has been fully refunded already")
    amount = request.get("amount", left)
    if not isinstance(amount, int) or isinstance(amount, bool) or amount < 1:
        raise refusal("The amount must be an integer.", "amount")
    if amount > left:
        raise refusal("The total refund amount is greater than the refund payment amount", "amount")
    if request.get("speed", "normal") not in SPEEDS:
        raise refusal(f"The speed must be one of {', '.join(SPEEDS)}.", "speed")
    if wrong := check_notes(request.get("notes")):
        raise wrong
    refund = Refund(payment.id, amount, payment.currency, request)
    books.refunds[refund.id] = refund
    payment.amount_refunded += amount
    _announce(courier, "refund.created", refund, payment)
    return refund


def finish_refund(books: Books, courier: Courier, refund: Refund, outcome: str) -> None:
    """Let a pending refund be `processed` or `failed`.

    Raises:
        ApiError: it is not pending.
    """
    if refund.status != "pending":
        raise refusal(f"The refund is {refund.status} already.")
    payment = books.payments[refund.payment_id]
    refund.status = outcome
    if outcome == "failed":
        payment.amount_refunded -= refund.amount
    elif payment.refund_status == "full":
        payment.status = "refunded"
    _announce(courier, f"refund.{outcome}", refund, payment)


def get_refund(books: Books, refund_id: str, payment_id: str | None = None) -> Refund:
    """The refund of this id, and of this payment when one is named.

    Raises:
        ApiError: there is none.
    """
    if payment_id is not None:
        get_payment(books, payment_id)
    refund = books.refunds.get(refund_id)
    if refund is None or payment_id not in (None, refund.payment_id):
        raise unknown_id()
    return refund


def list_refunds(books: Books, payment_id: str) -> Body:
    """The collection of a payment's refunds, the newest first.

    Raises:
        ApiError: there is no such payment.
    """
    payment = get_payment(books, payment_id)
    found = [refund for refund in books.refunds.values() if refund.payment_id == payment.id]
    return collection([refund_body(refund) for refund in reversed(found)])


def _announce(courier: Courier, event: str, refund: Refund, payment: Payment) -> None:
    courier.announce(event, refund=refund_body(refund), payment=payment_body(payment))
