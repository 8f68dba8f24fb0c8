"""Every body has the keys of Razorpay's documentation: no more and no less."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from scripts.dev.razorpay_sandbox.client import KEY_ID, KEY_SECRET, SandboxClient
from tests.razorpay_sandbox.support import Receiver, new_order, refund, sdk
from tests.support.stacks import ROOT

FIXTURES = ROOT / "tests" / "payments" / "fixtures"
# Documents that somebody sends in; none in most samples, and none in the sandbox.
EVIDENCE = (".shipping_proof", ".billing_proof", ".others")
METHODS = ("card", "netbanking", "wallet", "upi")


def documented(name: str) -> Any:
    """A sample of the documentation."""
    return json.loads((FIXTURES / f"{name}.json").read_text("utf-8"))


def keys(value: Any, path: str = "") -> set[str]:
    """The paths of all keys; of lists those of their items. Notes and documents are anybody's."""
    if path.endswith((".notes", *EVIDENCE)):
        return {path}
    if isinstance(value, dict):
        return {path}.union(*(keys(one, f"{path}.{name}") for name, one in value.items()))
    if isinstance(value, list):
        return {path}.union(*(keys(one, f"{path}[]") for one in value))
    return {path}


def received(sandbox: SandboxClient, receiver: Receiver, subject: str, event: str) -> Any:
    """The body of the only event of this kind, as it came."""
    [sent] = sandbox.wait_until_delivered(subject, event)["events"]
    [taken] = [one for one in receiver.taken if one.id == sent["id"]]
    return json.loads(taken.body)


@pytest.mark.parametrize("method", METHODS)
def test_the_events_of_a_payment(sandbox: SandboxClient, receiver: Receiver, method: str) -> None:
    order_id = new_order(sandbox)["id"]
    failed = sandbox.fail(order_id, method)["error"]["metadata"]["payment_id"]
    payment_id = sandbox.pay(order_id, method)["razorpay_payment_id"]
    for subject, event in (
        *((failed, "payment.failed"), (payment_id, "payment.authorized")),
        (payment_id, "payment.captured"),
    ):
        body = received(sandbox, receiver, subject, event)
        # There is no sample of an authorised payment by UPI: it is what fails and succeeds.
        sample = event if (event, method) != ("payment.authorized", "upi") else "payment.failed"
        assert keys(body) == keys(documented(f"{sample}.{method}"))
        entity = body["payload"]["payment"]["entity"]
        assert (body["event"], entity["status"]) == (event, event.removeprefix("payment."))
        assert entity["method"] == method


@pytest.mark.parametrize("method", ["card", "wallet"])
def test_the_event_of_a_paid_order(sandbox: SandboxClient, receiver: Receiver, method: str) -> None:
    order = new_order(sandbox, receipt="r1", notes={"conversation_id": "c1"})
    sandbox.pay(order["id"], method)
    body = received(sandbox, receiver, order["id"], "order.paid")
    assert keys(body) == keys(documented(f"order.paid.{method}"))
    paid = body["payload"]["order"]["entity"]
    assert (paid["status"], paid["amount_due"], paid["receipt"]) == ("paid", 0, "r1")


def test_the_events_of_refunds(sandbox: SandboxClient, receiver: Receiver) -> None:
    order_id = new_order(sandbox)["id"]
    payment_id = sandbox.pay(order_id, "netbanking")["razorpay_payment_id"]
    sandbox.switches(refunds={"outcome": "failed"})
    failed = refund(sandbox, payment_id, 500000, notes={"reason": "x"})
    sandbox.reset_switches()
    done = refund(sandbox, payment_id, 500000, notes={"reason": "x"})
    for one, event, amount, status in (
        (failed, "refund.created", 500000, "captured"),
        (failed, "refund.failed", 0, "captured"),
        (done, "refund.processed", 500000, "refunded"),
    ):
        body = received(sandbox, receiver, one["id"], event)
        assert keys(body) == keys(documented(event))
        payment = body["payload"]["payment"]["entity"]
        assert (payment["amount_refunded"], payment["status"]) == (amount, status)


def test_the_events_of_a_dispute(sandbox: SandboxClient, receiver: Receiver) -> None:
    payment_id = sandbox.pay(new_order(sandbox)["id"], "card")["razorpay_payment_id"]
    for event, status in (
        *(("created", "open"), ("under_review", "under_review")),
        *(("won", "won"), ("lost", "lost"), ("closed", "closed")),
    ):
        dispute = sandbox.dispute(payment_id, event)
        body = received(sandbox, receiver, dispute["id"], f"payment.dispute.{event}")
        assert keys(body) == keys(documented(f"payment.dispute.{event}"))
        assert body["payload"]["dispute"]["entity"]["status"] == status


def test_a_dispute_begins_before_it_ends(sandbox: SandboxClient) -> None:
    payment_id = sandbox.pay(new_order(sandbox)["id"])["razorpay_payment_id"]
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        sandbox.dispute(payment_id, "won")


def test_the_answers_of_the_api(sandbox: SandboxClient) -> None:
    client = sdk(sandbox)
    order = client.order.create(documented("api.order.create.request"))
    assert keys(order) == keys(documented("api.order.create.response"))
    assert client.order.payments(order["id"]) == documented("api.order.payments.empty")
    assert keys(client.order.all()) == keys(documented("api.order.list_by_receipt"))
    failed = sandbox.fail(order["id"])
    assert keys(failed) == keys(documented("checkout.handler.failed"))
    assert keys(client.order.fetch(order["id"])) == keys(documented("api.order.fetch.attempted"))
    done = sandbox.pay(order["id"])
    assert keys(done) == keys(documented("checkout.handler.success"))
    assert keys(client.order.fetch(order["id"])) == keys(documented("api.order.fetch.paid"))
    ours, theirs = client.order.payments(order["id"]), documented("api.order.payments")
    assert [keys(one) for one in ours["items"]] == [keys(one) for one in theirs["items"]]
    asked = refund(sandbox, done["razorpay_payment_id"], 500000, notes={"reason": "x"})
    assert keys(asked) == keys(documented("api.refund.create.response"))


@pytest.mark.parametrize(
    ("name", "status"),
    [("amount_min", 400), ("auth", 401), ("order_not_found", 400), ("server", 500)],
)
def test_an_error_is_the_documented_one(sandbox: SandboxClient, name: str, status: int) -> None:
    sandbox.switches(api={"orders.list": {"fault": "500"}})
    keys_of_app = (KEY_ID, KEY_SECRET)
    call = {
        "amount_min": httpx.Request("POST", "/orders", json={"amount": 99, "currency": "INR"}),
        "auth": httpx.Request("GET", "/orders"),
        "order_not_found": httpx.Request("GET", "/orders/order_x"),
        "server": httpx.Request("GET", "/orders"),
    }[name]
    answer = httpx.request(
        call.method,
        f"{sandbox.url}/v1{call.url.path}",
        content=call.content,
        auth=keys_of_app if name != "auth" else ("rzp_test_other", KEY_SECRET),
    )
    assert (answer.status_code, answer.json()) == (status, documented(f"api.error.{name}"))


def test_a_receipt_that_is_taken_is_refused_as_documented(sandbox: SandboxClient) -> None:
    sandbox.switches(orders={"same_receipt": "refuse"})
    order = {"amount": 500000, "currency": "INR", "receipt": "r", "unique_receipt": True}
    answers = [
        httpx.post(f"{sandbox.url}/v1/orders", json=order, auth=(KEY_ID, KEY_SECRET))
        for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [200, 400]
    assert answers[1].json() == documented("api.error.receipt_not_unique")
