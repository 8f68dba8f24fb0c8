"""Razorpay's signatures: HMAC-SHA256, written in lower-case hex.

The SDK's check raises TypeError for a missing or non-ASCII signature, and accepts an empty secret.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal

Slot = Literal["current", "previous"]


def slot_of(
    body: bytes, signature: str | None, current: str, previous: str | None = None
) -> Slot | None:
    """Which of our two webhook secrets signed exactly these bytes; None when neither did.

    Source: https://razorpay.com/docs/webhooks/validate-test/

    Args:
        body: the request's body as it came, before anything has parsed it.
        signature: the header `X-Razorpay-Signature`; no value raises an exception.
        current: the present secret.
        previous: the secret before, for events that Razorpay created before the change.
    """
    fits_current = _is_signed(body, signature, current)
    fits_previous = _is_signed(body, signature, previous)
    if fits_current:
        return "current"
    return "previous" if fits_previous else None


def checkout_signature_fits(
    order_id: str, payment_id: str, signature: str, key_secret: str
) -> bool:
    """Whether Razorpay's checkout signed that this payment is for this order.

    Source: https://razorpay.com/docs/payments/payment-gateway/web-integration/standard/

    Args:
        order_id: from our database, never from the browser.
        payment_id: from the browser.
        signature: from the browser.
        key_secret: RAZORPAY_KEY_SECRET, not a webhook secret.
    """
    # JSON may hold half a surrogate pair, which strict UTF-8 refuses.
    message = f"{order_id}|{payment_id}".encode("utf-8", "surrogatepass")
    return _is_signed(message, signature, key_secret)


def _is_signed(message: bytes, signature: str | None, secret: str | None) -> bool:
    if not secret or not signature:
        return False
    expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    # Bytes: compare_digest refuses text that is not ASCII, by an exception.
    given = signature.encode("utf-8", "surrogatepass")
    return hmac.compare_digest(expected.encode(), given)
