"""Orders: made, found, and listed as Razorpay does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scripts.dev.razorpay_sandbox.bodies import (
    ApiError,
    collection,
    order_body,
    payment_body,
    refusal,
    unknown_id,
)
from scripts.dev.razorpay_sandbox.books import Body, Books, Order
from scripts.dev.razorpay_sandbox.switches import Switches

# Limits of Razorpay's documentation of orders: paise, characters, keys.
MIN_AMOUNT = 100
MAX_RECEIPT = 40
MAX_NOTES = 15
MAX_NOTE = 256
MAX_COUNT = 100
KNOWN = {
    *("amount", "currency", "receipt", "notes", "partial_payment", "first_payment_min_amount"),
    *("unique_receipt", "payment"),
}


def create_order(books: Books, switches: Switches, request: Body) -> Body:
    """A new order; the one of the same receipt when `unique_receipt` asks for it.

    Raises:
        ApiError: a field is bad, or the switch refuses the receipt.
    """
    _check(request)
    receipt = request.get("receipt")
    if request.get("unique_receipt") and receipt is not None:
        for order in books.orders.values():
            if order.receipt == receipt:
                if switches.orders.same_receipt == "refuse":
                    raise refusal("Order receipt should be unique.")
                return order_body(order)
    order = Order(request["amount"], request["currency"], receipt, request.get("notes") or {})
    books.orders[order.id] = order
    return order_body(order)


def get_order(books: Books, order_id: str) -> Order:
    """The order of this id.

    Raises:
        ApiError: there is none.
    """
    if order_id not in books.orders:
        raise unknown_id()
    return books.orders[order_id]


def list_orders(books: Books, query: Mapping[str, str]) -> Body:
    """The newest orders (of one receipt), at most `count`, after `skip` of them."""
    receipt = query.get("receipt")
    found = [one for one in books.orders.values() if receipt in (None, one.receipt)]
    try:
        count, skip = int(query.get("count", 10)), int(query.get("skip", 0))
    except ValueError:
        raise refusal("The count must be an integer.", "count") from None
    if not 1 <= count <= MAX_COUNT or skip < 0:
        raise refusal(f"The count must be between 1 and {MAX_COUNT}.", "count")
    return collection([order_body(one) for one in found[::-1][skip : skip + count]])


def list_payments(books: Books, order: Order) -> Body:
    """All attempts to pay an order."""
    return collection([payment_body(one) for one in books.payments_of(order.id)])


def check_notes(notes: Any) -> ApiError | None:
    """The fault of notes, if any; Razorpay accepts `[]` as none."""
    if notes in (None, []):
        return None
    if not isinstance(notes, dict):
        return refusal("The notes must be an object.", "notes")
    if len(notes) > MAX_NOTES:
        return refusal(f"Number of fields in notes should be less than or equal to {MAX_NOTES}")
    if any(
        isinstance(value, dict | list) or len(str(value)) > MAX_NOTE for value in notes.values()
    ):
        return refusal(f"The notes must be texts of at most {MAX_NOTE} characters.", "notes")
    return None


def _check(request: Body) -> None:
    extra = sorted(set(request) - KNOWN)
    if extra:
        raise refusal(f"{', '.join(extra)} is/are not required and should not be sent")
    amount, currency, receipt = (request.get(name) for name in ("amount", "currency", "receipt"))
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise refusal("The amount must be an integer.", "amount")
    if amount < MIN_AMOUNT:
        raise refusal("The amount must be at least INR 1.00", "amount")
    if not (isinstance(currency, str) and len(currency) == 3 and currency.isupper()):
        raise refusal("The currency should be one of those that Razorpay supports.", "currency")
    if receipt is not None and not (isinstance(receipt, str) and len(receipt) <= MAX_RECEIPT):
        raise refusal(f"The receipt may not be greater than {MAX_RECEIPT} characters.", "receipt")
    if wrong := check_notes(request.get("notes")):
        raise wrong
