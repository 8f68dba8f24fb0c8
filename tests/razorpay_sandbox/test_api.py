"""The API, through Razorpay's own SDK."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import requests
from razorpay.errors import BadRequestError  # type: ignore[import-untyped]

from scripts.dev.razorpay_sandbox.client import KEY_ID, KEY_SECRET, SandboxClient
from tests.razorpay_sandbox.support import Receiver, new_order, refund, sdk

KEY = "refund-of-this-test"


def post(sandbox: SandboxClient, path: str, body: Any) -> httpx.Response:
    """A call without the SDK, which hides statuses and bodies."""
    return httpx.post(f"{sandbox.url}/v1{path}", json=body, auth=(KEY_ID, KEY_SECRET))


def paid(sandbox: SandboxClient, amount: int = 500000) -> str:
    """The id of a captured payment."""
    payment_id: str = sandbox.pay(new_order(sandbox, amount)["id"])["razorpay_payment_id"]
    return payment_id


def test_every_answer_says_that_it_is_the_sandbox(sandbox: SandboxClient) -> None:
    for path in ("/v1/orders", "/v1/checkout.js", "/sandbox/switches", "/nowhere"):
        assert "X-Razorpay-Sandbox" in httpx.get(sandbox.url + path).headers


def test_wrong_keys_are_refused(sandbox: SandboxClient) -> None:
    with pytest.raises(BadRequestError, match="Authentication failed"):
        sdk(sandbox, "wrong").order.all()
    assert httpx.get(f"{sandbox.url}/v1/orders").status_code == 401


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"amount": 99}, "at least INR 1.00"),
        ({"amount": "500000"}, "must be an integer"),
        ({"amount": 5000.5}, "must be an integer"),
        ({"amount": True}, "must be an integer"),
        ({"currency": "rupees"}, "currency"),
        ({"receipt": "r" * 41}, "40 characters"),
        ({"notes": {str(n): "" for n in range(16)}}, "15"),
        ({"notes": {"long": "n" * 257}}, "256"),
        ({"conversation": "c1"}, "conversation is/are not required"),
    ],
)
def test_a_bad_order_is_refused(
    sandbox: SandboxClient, change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(BadRequestError, match=complaint):
        new_order(sandbox, **{"receipt": "r" * 40, "notes": {"n": "n" * 256}, **change})
    assert sdk(sandbox).order.all()["count"] == 0


def test_the_smallest_order_is_taken(sandbox: SandboxClient) -> None:
    assert new_order(sandbox, 100, receipt="r" * 40)["amount_due"] == 100


def test_a_unique_receipt_gives_the_same_order_again(sandbox: SandboxClient) -> None:
    first, second = (new_order(sandbox, receipt="r1", unique_receipt=True) for _ in range(2))
    assert first == second
    sandbox.switches(orders={"same_receipt": "refuse"})
    with pytest.raises(BadRequestError, match="receipt should be unique"):
        new_order(sandbox, receipt="r1", unique_receipt=True)
    assert sdk(sandbox).order.all({"receipt": "r1"})["count"] == 1


def test_without_it_a_receipt_may_be_used_twice(sandbox: SandboxClient) -> None:
    ids = [new_order(sandbox, receipt="r1")["id"] for _ in range(2)]
    new_order(sandbox, receipt="r2")
    assert [one["id"] for one in sdk(sandbox).order.all({"receipt": "r1"})["items"]] == ids[::-1]


@pytest.mark.parametrize(
    "path", ["/orders/order_x", "/orders/order_x/payments", "/payments/pay_x", "/refunds/rfnd_x"]
)
def test_an_unknown_id_is_a_bad_request(sandbox: SandboxClient, path: str) -> None:
    answer = httpx.get(f"{sandbox.url}/v1{path}", auth=(KEY_ID, KEY_SECRET))
    assert answer.status_code == 400
    assert answer.json()["error"]["description"] == "The id provided does not exist"


def test_an_order_and_its_payments_walk_through_the_documented_states(
    sandbox: SandboxClient,
) -> None:
    client, order_id = sdk(sandbox), new_order(sandbox)["id"]

    def states() -> tuple[str, list[str]]:
        payments = client.order.payments(order_id)["items"]
        return client.order.fetch(order_id)["status"], [one["status"] for one in payments]

    assert states() == ("created", [])
    sandbox.fail(order_id)
    assert states() == ("attempted", ["failed"])
    payment_id = sandbox.pay(order_id, outcome="authorized")["razorpay_payment_id"]
    assert states() == ("attempted", ["failed", "authorized"])
    sandbox.capture(payment_id)
    assert states() == ("paid", ["failed", "captured"])
    order = client.order.fetch(order_id)
    assert (order["attempts"], order["amount_paid"], order["amount_due"]) == (2, 500000, 0)
    refund(sandbox, payment_id, 500000)
    assert states() == ("paid", ["failed", "refunded"])


def test_a_payment_that_failed_may_be_captured_late(sandbox: SandboxClient) -> None:
    order_id = new_order(sandbox)["id"]
    failed = sandbox.pay(order_id, outcome="late")["error"]["metadata"]["payment_id"]
    sandbox.capture(failed)
    assert sdk(sandbox).payment.fetch(failed)["status"] == "captured"
    assert sdk(sandbox).order.fetch(order_id)["status"] == "paid"


def test_a_second_payment_needs_the_switch(sandbox: SandboxClient) -> None:
    order_id = new_order(sandbox)["id"]
    sandbox.pay(order_id)
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        sandbox.pay(order_id)
    sandbox.switches(payments={"second_payment": True})
    sandbox.pay(order_id)
    assert sdk(sandbox).order.fetch(order_id)["amount_paid"] == 1000000
    assert len(sandbox.deliveries(event="order.paid")["events"]) == 2


def test_the_switches_change_what_is_paid(sandbox: SandboxClient) -> None:
    client = sdk(sandbox)

    def pay_with(**switches: Any) -> tuple[Any, Any]:
        sandbox.reset_switches()
        sandbox.switches(payments=switches)
        order_id = new_order(sandbox)["id"]
        sandbox.pay(order_id)
        return client.order.fetch(order_id), client.order.payments(order_id)["items"][0]

    order, payment = pay_with(amount=400000)
    assert (order["status"], order["amount_due"], payment["amount"]) == (
        *("attempted", 100000),
        400000,
    )
    order, payment = pay_with(order_amount=700000)
    assert (order["status"], order["amount"], payment["amount"]) == ("paid", 700000, 700000)
    order, payment = pay_with(currency="USD")
    assert (order["currency"], payment["currency"]) == ("USD", "USD")
    order, payment = pay_with(fee_on_top=True)
    assert (order["amount_paid"], payment["amount"], payment["fee"]) == (500000, 511800, 11800)


def test_a_refund_is_made_once_by_key(sandbox: SandboxClient) -> None:
    client, payment_id = sdk(sandbox), paid(sandbox)
    wish = {"speed": "normal", "receipt": "refund-1", "notes": {"reason": "cancelled"}}
    first = refund(sandbox, payment_id, 500000, KEY, **wish)
    again = refund(sandbox, payment_id, 500000, KEY, **wish)
    assert first["id"] == again["id"]
    assert (first["status"], again["status"]) == ("pending", "processed")
    assert client.payment.fetch(payment_id)["amount_refunded"] == 500000
    assert client.refund.fetch(first["id"]) == again
    assert client.payment.fetch_refund_id(payment_id, first["id"]) == again
    with pytest.raises(BadRequestError, match="idempotency key"):
        refund(sandbox, payment_id, 499999, KEY, **wish)


@pytest.mark.parametrize("key", ["short", "with a space", "semi;colon;s"])
def test_a_bad_refund_key_is_refused(sandbox: SandboxClient, key: str) -> None:
    with pytest.raises(BadRequestError, match="at least 10"):
        refund(sandbox, paid(sandbox), 500000, key)


def test_no_more_goes_back_than_was_taken(sandbox: SandboxClient) -> None:
    client, payment_id = sdk(sandbox), paid(sandbox)
    refund(sandbox, payment_id, 200000)
    assert client.payment.fetch(payment_id)["refund_status"] == "partial"
    with pytest.raises(BadRequestError, match="greater than"):
        refund(sandbox, payment_id, 300001)
    refund(sandbox, payment_id, 300000)
    assert client.payment.fetch(payment_id)["status"] == "refunded"
    with pytest.raises(BadRequestError, match="fully refunded"):
        refund(sandbox, payment_id, 1)


def test_what_was_not_captured_cannot_be_refunded_by_the_app(sandbox: SandboxClient) -> None:
    order_id = new_order(sandbox)["id"]
    payment_id = sandbox.pay(order_id, outcome="authorized")["razorpay_payment_id"]
    with pytest.raises(BadRequestError, match="should be captured"):
        refund(sandbox, payment_id, 500000)
    sandbox.refund(payment_id)
    payment = sdk(sandbox).payment.fetch(payment_id)
    assert (payment["status"], payment["captured"]) == ("refunded", False)


def test_refunds_wait_or_fail_when_told_to(sandbox: SandboxClient) -> None:
    client, payment_id = sdk(sandbox), paid(sandbox)

    def ask_for_one(outcome: str) -> str:
        sandbox.switches(refunds={"outcome": outcome})
        refund_id: str = refund(sandbox, payment_id, 100000)["id"]
        return refund_id

    failed = ask_for_one("failed")
    waiting, doomed = (ask_for_one("stay_pending") for _ in range(2))
    assert client.refund.fetch(failed)["status"] == "failed"
    assert client.refund.fetch(waiting)["status"] == "pending"
    assert sandbox.process_refund(waiting)["status"] == "processed"
    assert sandbox.fail_refund(doomed)["status"] == "failed"
    assert client.payment.fetch(payment_id)["amount_refunded"] == 100000
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        sandbox.fail_refund(waiting)


@pytest.mark.parametrize(
    ("fault", "status"),
    [("html_502", 502), ("500", 500), ("429", 429), ("409", 409), ("401", 401)],
)
def test_the_next_calls_of_an_operation_end_as_told(
    sandbox: SandboxClient, fault: str, status: int
) -> None:
    sandbox.switches(api={"orders.create": {"fault": fault, "times": 2}})
    order = {"amount": 500000, "currency": "INR"}
    assert [post(sandbox, "/orders", order).status_code for _ in range(3)] == [status, status, 200]
    assert sdk(sandbox).order.all()["count"] == 1


@pytest.mark.parametrize(
    ("fault", "made", "said"),
    [("reset", 0, "Connection reset by peer"), ("lost_response", 1, "without response")],
)
def test_a_connection_ends_before_or_after_the_work(
    sandbox: SandboxClient, capsys: pytest.CaptureFixture[str], fault: str, made: int, said: str
) -> None:
    sandbox.switches(api={"orders.create": {"fault": fault}})
    with pytest.raises(requests.ConnectionError, match=said):
        new_order(sandbox)
    assert sdk(sandbox).order.all()["count"] == made
    capsys.readouterr()  # the SDK prints its errors


def test_an_answer_may_never_come(sandbox: SandboxClient) -> None:
    sandbox.switches(api={"orders.create": {"fault": "timeout"}})
    with pytest.raises(requests.ReadTimeout):
        sdk(sandbox).order.create({"amount": 500000, "currency": "INR"}, timeout=0.3)
    assert sdk(sandbox).order.all()["count"] == 0


def test_a_switch_that_is_not_there_is_refused(sandbox: SandboxClient) -> None:
    wrongs: list[dict[str, Any]] = [
        {"webhook": {}},
        {"webhooks": {"hold": 1}},
        {"api": {"orders.creat": {"fault": "reset"}}},
    ]
    for wrong in wrongs:
        with pytest.raises(httpx.HTTPStatusError, match="400"):
            sandbox.switches(**wrong)


def test_switches_are_changed_one_by_one_and_reset_at_once(
    sandbox: SandboxClient, receiver: Receiver
) -> None:
    sandbox.switches(webhooks={"hold": True})
    assert sandbox.switches(webhooks={"lose": 2})["webhooks"]["hold"] is True
    assert sandbox.reset_switches()["webhooks"] == {
        **dict.fromkeys(("hold", "parallel"), False),
        **dict.fromkeys(("lose", "duplicate"), 0),
        "delay": 0,
    }
    assert receiver.taken == []
