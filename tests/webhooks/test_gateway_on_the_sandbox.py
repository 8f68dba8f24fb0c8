"""The gateway and the SDK against a Razorpay that keeps books and fails when it is told to."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.dev.razorpay_sandbox.client import (
    KEY_ID,
    KEY_SECRET,
    WEBHOOK_SECRET,
    SandboxClient,
    running_sandbox,
)
from tests.webhooks.razorpay_support import refund_request
from tests.webhooks.support import settings
from webhooks.config import load_config
from webhooks.payments import gateway as razorpay
from webhooks.payments.gateway import Gateway, GatewayError
from webhooks.payments.signatures import checkout_signature_fits

# How each fault reads; the first three end without an answer.
FAULTS = {
    "timeout": ("unavailable", None),
    "reset": ("unavailable", None),
    "lost_response": ("unavailable", None),
    "html_502": ("unavailable", 502),
    "500": ("unavailable", 500),
    "429": ("unavailable", 429),
    "401": ("unauthorized", 401),
}


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxClient]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: SandboxClient) -> SandboxClient:
    running.reset_switches()
    return running


@pytest.fixture
def gateway(sandbox: SandboxClient) -> Gateway:
    return gateway_with(sandbox)


def gateway_with(sandbox: SandboxClient, key_secret: str = KEY_SECRET) -> Gateway:
    given = {
        "RAZORPAY_KEY_ID": KEY_ID,
        "RAZORPAY_KEY_SECRET": key_secret,
        "RAZORPAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "RAZORPAY_BASE_URL": sandbox.url,
    }
    config = load_config(settings("http://127.0.0.1:9", **given)).razorpay
    assert config is not None
    return Gateway(config)


def create(gateway: Gateway, receipt: str, amount_minor: int = 500000) -> dict[str, Any]:
    notes = {"conversation_id": str(uuid.uuid4())}
    return gateway.create_order(
        receipt=receipt, amount_minor=amount_minor, currency="INR", notes=notes
    )


@pytest.fixture
def receipt() -> str:
    """A new one, as long as ours are."""
    return str(uuid.uuid4())


@pytest.fixture
def order(gateway: Gateway, receipt: str) -> dict[str, Any]:
    return create(gateway, receipt)


def test_an_order_is_made_paid_and_looked_up(
    sandbox: SandboxClient, gateway: Gateway, order: dict[str, Any], receipt: str
) -> None:
    assert (order["receipt"], order["amount"], order["status"]) == (receipt, 500000, "created")
    said = sandbox.pay(order["id"])
    assert gateway.fetch_order(order["id"])["status"] == "paid"
    (payment,) = gateway.fetch_payments(order["id"])["items"]
    assert (payment["id"], payment["status"]) == (said["razorpay_payment_id"], "captured")
    assert checkout_signature_fits(
        order["id"],
        payment["id"],
        said["razorpay_signature"],
        gateway.config.key_secret.get_secret_value(),
    )
    found = gateway.find_order(receipt)
    assert found is not None
    assert found["id"] == order["id"]


@pytest.mark.parametrize("fault", FAULTS)
def test_an_order_that_went_wrong_is_one_order_when_asked_for_again(
    sandbox: SandboxClient,
    gateway: Gateway,
    receipt: str,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    sandbox.switches(api={"orders.create": {"fault": fault, "times": 1}})
    with monkeypatch.context() as patch:
        if fault == "timeout":
            patch.setattr(razorpay, "READ_TIMEOUT_SECONDS", 0.5)
        with pytest.raises(GatewayError) as caught:
            create(gateway, receipt)
    assert (caught.value.kind, caught.value.status) == FAULTS[fault]
    # Whether the first call was obeyed nobody knows; the second leads to the same order.
    before = gateway.find_order(receipt)
    assert (before is not None) == (fault == "lost_response")
    order = create(gateway, receipt)
    assert before is None or before["id"] == order["id"]
    assert create(gateway, receipt)["id"] == order["id"]
    assert capfd.readouterr().out == ""


def test_an_order_whose_receipt_is_refused_is_adopted(
    sandbox: SandboxClient, gateway: Gateway, order: dict[str, Any], receipt: str
) -> None:
    sandbox.switches(orders={"same_receipt": "refuse"})
    assert create(gateway, receipt)["id"] == order["id"]
    with pytest.raises(GatewayError) as caught:
        create(gateway, receipt, amount_minor=400000)
    assert caught.value.kind == "refused"


def test_wrong_keys_are_told_apart(sandbox: SandboxClient, receipt: str) -> None:
    with pytest.raises(GatewayError) as caught:
        create(gateway_with(sandbox, "another-secret"), receipt)
    assert caught.value.kind == "unauthorized"


def test_what_razorpay_does_not_take_or_know_is_refused(gateway: Gateway, receipt: str) -> None:
    with pytest.raises(GatewayError) as caught:
        create(gateway, receipt, amount_minor=99)
    assert (caught.value.kind, caught.value.reason) == (
        "refused",
        "The amount must be at least INR 1.00",
    )
    with pytest.raises(GatewayError) as caught:
        gateway.fetch_order("order_Nowhere0000000")
    assert (caught.value.kind, caught.value.status) == ("refused", 400)


def test_a_refund_whose_answer_was_lost_is_one_refund_when_sent_again(
    sandbox: SandboxClient, gateway: Gateway, order: dict[str, Any]
) -> None:
    payment_id = sandbox.pay(order["id"])["razorpay_payment_id"]
    request = refund_request(payment_id=payment_id, amount_minor=200000)
    request |= {"idempotency_key": f"refund-{uuid.uuid4()}-1"}
    sandbox.switches(api={"refunds.create": {"fault": "lost_response", "times": 1}})
    with pytest.raises(GatewayError) as caught:
        gateway.refund(request)
    assert caught.value.kind == "unavailable"
    refund = gateway.refund(request)
    assert (refund["amount"], refund["receipt"]) == (200000, request["receipt"])
    assert gateway.refund(request)["id"] == refund["id"]
    assert gateway.fetch_refund(payment_id, refund["id"])["id"] == refund["id"]
    found = gateway.find_refund(payment_id, request["receipt"])
    assert found is not None
    assert found["id"] == refund["id"]
    assert gateway.find_refund(payment_id, "another") is None
    (payment,) = gateway.fetch_payments(order["id"])["items"]
    assert payment["amount_refunded"] == 200000
    with pytest.raises(GatewayError) as caught:
        gateway.refund(request | {"amount_minor": 300000})
    assert caught.value.kind == "refused"
