"""Routes for the parties of a payment: its order, its state, and the end of checkout."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any, Literal

from flask import Response, g, jsonify
from pydantic import BaseModel, Field

from webhooks import metrics
from webhooks.http.errors import RETRY_AFTER_SECONDS, ApiError
from webhooks.http.guards import GuardedBlueprint, signed_in_user
from webhooks.http.json_body import json_object, required_text
from webhooks.http.openapi import Closed, describe_for_user
from webhooks.http.request_hooks import add_log_fields
from webhooks.logs import log_event
from webhooks.payments.checkout import razorpay_config
from webhooks.payments.gateway import Gateway, GatewayError
from webhooks.payments.signatures import checkout_signature_fits
from webhooks.services import gateway, services

# Between two questions about one order: every client that opens the chat asks.
REFRESH_GAP_SECONDS = 20
# The same for a payer who has just paid and waits.
CALLBACK_GAP_SECONDS = 2
# Razorpay's ids have 20 characters or so, its signatures 64.
MAX_FIELD_LENGTH = 200

blueprint = GuardedBlueprint("payments", __name__, guard=signed_in_user)


class Prefill(Closed):
    """The payer's data, so that checkout does not ask for it."""

    name: str
    email: str
    contact: str


class Theme(Closed):
    """How checkout looks."""

    color: str = Field(pattern="^#[0-9A-Fa-f]{6}$")


class Checkout(Closed):
    """The settings that open Razorpay's checkout."""

    order_id: str
    amount: int = Field(ge=100, description="Paise.")
    currency: str
    key_id: str
    name: str
    description: str
    prefill: Prefill
    theme: Theme


class PaymentOrder(Closed):
    """An order that the payer can pay."""

    success: Literal[True]
    razorpay_config: Checkout
    payment_order_id: str


class Refresh(Closed):
    """The state of the payment."""

    polled: bool = Field(description="Whether Razorpay was asked, and said.")
    flow_state: str | None
    outcome: str = Field(description="For example applied, noop, too_soon, no_order.")


class CheckoutSuccess(BaseModel):
    """The values that checkout gives to the browser."""

    razorpay_payment_id: str = Field(pattern="^pay_[A-Za-z0-9]{1,60}$")
    razorpay_order_id: str = Field(pattern="^order_[A-Za-z0-9]{1,60}$")
    razorpay_signature: str = Field(pattern="^[0-9a-f]{64}$")


@blueprint.post("/v1/conversations/<uuid:conversation_id>/payment-order")
@describe_for_user(PaymentOrder, 404, 409, 422, 429, 502)
def order_payment(conversation_id: uuid.UUID) -> Response:
    """The settings of this deal's checkout; a second call leads to the same order.

    Raises:
        ApiError: a refusal of `begin_payment`; 409 PAYMENT_NOT_READY when the deal has moved on
            meanwhile; 502 GATEWAY_UNAVAILABLE or GATEWAY_REFUSED; 503 PAYMENTS_OFF or
            PAYMENTS_MISCONFIGURED.
    """
    provider = gateway()
    order = services().database.call_as_user(
        g.user.token, "begin_payment", conversation_id=str(conversation_id)
    )
    razorpay_order_id = order["razorpay_order_id"]
    if razorpay_order_id is not None and order["mode"] != provider.config.mode:
        raise _misconfigured(order, "mode_mismatch")  # an app with other keys made it
    # `has_checkout` is false for an order whose id got lost and was found again at Razorpay.
    if razorpay_order_id is None or not order["has_checkout"]:
        razorpay_order_id = _attach_order(provider, order, str(conversation_id))
    else:
        metrics.ORDERS.labels(result="reused").inc()
    add_log_fields(order_id=razorpay_order_id)
    return jsonify(
        success=True,
        razorpay_config=razorpay_config(provider.config, order, razorpay_order_id),
        payment_order_id=order["payment_order_id"],
    )


@blueprint.post("/v1/conversations/<uuid:conversation_id>/payment-refresh")
@describe_for_user(Refresh, 404)
def refresh_payment(conversation_id: uuid.UUID) -> Response:
    """Ask Razorpay for the state of the payment, unless a client has just done so.

    When Razorpay fails, the answer is 200 with `polled` false. It also starts a round of all
    outboxes; the answer does not wait for it.

    Raises:
        ApiError: a refusal of `claim_payment_poll`; 503 PAYMENTS_OFF.
    """
    provider = gateway()
    claim = _claim(conversation_id, REFRESH_GAP_SECONDS)
    return _answer(_poll(provider, claim))


@blueprint.post("/v1/conversations/<uuid:conversation_id>/payment-callback")
@describe_for_user(Refresh, 404, json=CheckoutSuccess)
def confirm_payment(conversation_id: uuid.UUID) -> Response:
    """Check the values that checkout gave to the browser, then ask Razorpay.

    Raises:
        ApiError: 400 BAD_SIGNATURE when they do not belong to the order of this deal, 400
            BAD_REQUEST; a refusal of `claim_payment_poll`; 503 PAYMENTS_OFF.
    """
    provider = gateway()
    body = json_object()
    payment_id = required_text(body, "razorpay_payment_id", MAX_FIELD_LENGTH)
    signature = required_text(body, "razorpay_signature", MAX_FIELD_LENGTH)
    # The id comes from our database: the browser could have the true signature of a cheaper order.
    # This first call claims nothing: a forged signature must not use up the parties' turn to ask.
    order_id = _claim(conversation_id, None)["razorpay_order_id"]
    if order_id is None or not checkout_signature_fits(
        order_id, payment_id, signature, provider.config.key_secret.get_secret_value()
    ):
        metrics.RECONCILES.labels(result="bad_signature").inc()
        raise ApiError(
            400,
            "BAD_SIGNATURE",
            "This does not confirm the payment of this deal. If you have paid, the deal goes on "
            "automatically within a few minutes.",
        )
    return _answer(_poll(provider, _claim(conversation_id, CALLBACK_GAP_SECONDS)))


def _attach_order(provider: Gateway, order: Mapping[str, Any], conversation_id: str) -> str:
    """Make the order at Razorpay, store it, and return the id that the database keeps."""
    try:
        entity = provider.create_order(
            receipt=order["receipt"],
            amount_minor=order["amount_minor"],
            currency=order["currency"],
            notes={"conversation_id": conversation_id},
        )
    except GatewayError as error:
        raise _gateway_trouble(error) from error
    said = services().database.call_as_service(
        "attach_payment_order",
        payment_order_id=order["payment_order_id"],
        entity=entity,
        razorpay_config=razorpay_config(provider.config, order, entity["id"]),
        mode=provider.config.mode,
    )
    if said["outcome"] == "order_closed":
        raise ApiError(
            409,
            "PAYMENT_NOT_READY",
            "The deal has just changed. Press again to pay its new amount.",
        )
    if said["outcome"] not in ("attached", "already_attached"):
        raise _misconfigured(order, said["outcome"])
    return str(said["razorpay_order_id"])


def _claim(conversation_id: uuid.UUID, min_gap_seconds: int | None) -> dict[str, Any]:
    claim: dict[str, Any] = services().database.call_as_service(
        "claim_payment_poll",
        conversation_id=str(conversation_id),
        user_id=g.user.id,
        min_gap_seconds=min_gap_seconds,
    )
    add_log_fields(order_id=claim["razorpay_order_id"])
    return claim


def _poll(provider: Gateway, claim: Mapping[str, Any]) -> dict[str, Any]:
    """The answer for the client; asks Razorpay only with a claim."""
    if claim["payment_order_id"] is None:
        return _not_polled(claim, "no_order")
    if not claim["claimed"]:
        return _not_polled(claim, "too_soon" if claim["retry_after"] else "noop")
    try:
        entity, payments = _look_up(provider, claim)
    except GatewayError as error:
        outcome = "gateway_refused" if error.kind == "refused" else "gateway_unavailable"
        return _not_polled(claim, outcome)
    said = services().database.call_as_service(
        "apply_payment_snapshot",
        payment_order_id=claim["payment_order_id"],
        order_entity=entity,
        payments=payments,
        actor=f"reconcile:{g.user.id}",
        mode=provider.config.mode,
    )
    return {"polled": True, "flow_state": said["flow_state"], "outcome": said["outcome"]}


def _look_up(
    provider: Gateway, claim: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, dict[str, Any] | list[Any]]:
    """Razorpay's order and its payments; an order whose id got lost is found by its receipt."""
    order_id = claim["razorpay_order_id"]
    entity = provider.fetch_order(order_id) if order_id else provider.find_order(claim["receipt"])
    return entity, provider.fetch_payments(entity["id"]) if entity else []


def _not_polled(claim: Mapping[str, Any], outcome: str) -> dict[str, Any]:
    return {"polled": False, "flow_state": claim["flow_state"], "outcome": outcome}


def _answer(answer: Mapping[str, Any]) -> Response:
    metrics.RECONCILES.labels(result=answer["outcome"]).inc()
    add_log_fields(outcome=answer["outcome"], flow_state=answer["flow_state"])
    # The payment may have made refunds and pushes due.
    services().touch()
    return jsonify(answer)


def _gateway_trouble(error: GatewayError) -> ApiError:
    if error.kind == "refused":
        return ApiError(
            502, "GATEWAY_REFUSED", "The payment provider refused. Nothing was charged."
        )
    return ApiError(
        502,
        "GATEWAY_UNAVAILABLE",
        "The payment provider cannot be reached. Nothing was charged: press again in a moment.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _misconfigured(order: Mapping[str, Any], outcome: str) -> ApiError:
    """The database and this app disagree about the order; an operator must mend it."""
    log_event(
        "payments_misconfigured",
        logging.ERROR,
        outcome=outcome,
        payment_order_id=order["payment_order_id"],
        order_mode=order["mode"],
    )
    return ApiError(
        503, "PAYMENTS_MISCONFIGURED", "Payments are not set up right here. Nothing was charged."
    )
