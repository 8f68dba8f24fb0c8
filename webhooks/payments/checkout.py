"""The settings of Razorpay's checkout in the browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webhooks.config import RazorpayConfig

DESCRIPTIONS = {
    "bid": "Payment for Bid Collaboration",
    "campaign": "Payment for Campaign Collaboration",
}


def razorpay_config(
    config: RazorpayConfig, order: Mapping[str, Any], razorpay_order_id: str
) -> dict[str, Any]:
    """The settings of a checkout; a page gives `key_id` to Razorpay's script as `key`.

    Args:
        config: whose checkout it is, and how it looks.
        order: the answer of `begin_payment`; its amount is in paise.
        razorpay_order_id: Razorpay's id of that order.
    """
    prefill = order["prefill"]
    return {
        "order_id": razorpay_order_id,
        "amount": order["amount_minor"],
        "currency": order["currency"],
        "key_id": config.key_id,
        "name": config.checkout_name,
        "description": DESCRIPTIONS[order["kind"]],
        # Checkout asks for the empty ones.
        "prefill": {name: prefill.get(name) or "" for name in ("name", "email", "contact")},
        "theme": {"color": config.checkout_color},
    }
