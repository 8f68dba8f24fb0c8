"""How events travel: signed, in order, again until taken, and astray when told to."""

from __future__ import annotations

import json

import pytest
from razorpay import Utility  # type: ignore[import-untyped]
from razorpay.errors import SignatureVerificationError  # type: ignore[import-untyped]

from scripts.dev.razorpay_sandbox.client import WEBHOOK_SECRET, SandboxClient, running_sandbox
from scripts.dev.razorpay_sandbox.webhooks import sign
from tests.razorpay_sandbox.support import Receiver, Taken, new_order, sdk
from tests.razorpay_sandbox.test_shapes import FIXTURES

OF_A_PAYMENT = ["payment.authorized", "payment.captured", "order.paid"]


def names(receiver: Receiver) -> list[str]:
    """What kinds of events came, in the order they came."""
    return [json.loads(one.body)["event"] for one in receiver.taken]


def is_signed(taken: Taken, secret: str) -> bool:
    """Whether Razorpay's own utility finds the signature right."""
    signature = taken.headers["x-razorpay-signature"]
    try:
        Utility().verify_webhook_signature(taken.body.decode(), signature, secret)
    except SignatureVerificationError:
        return False
    return True


def pay(sandbox: SandboxClient) -> str:
    """Pay a new order; the id of the payment."""
    payment_id: str = sandbox.pay(new_order(sandbox)["id"])["razorpay_payment_id"]
    return payment_id


def attempts(sandbox: SandboxClient, event: str) -> list[int | None]:
    """The statuses of all attempts to send events of one kind."""
    return [one["status"] for one in sandbox.deliveries(event=event)["attempts"]]


def test_a_signature_is_that_of_razorpays_own_samples() -> None:
    samples = json.loads((FIXTURES / "SIGNATURES.json").read_text("utf-8"))
    [vector] = samples["documented_vectors"]
    assert sign(vector["message"].encode(), vector["secret"]) == vector["hex"]


def test_a_payment_is_told_in_signed_events_with_ids_of_their_own(
    sandbox: SandboxClient, receiver: Receiver
) -> None:
    sandbox.wait_until_delivered(pay(sandbox))
    assert names(receiver) == OF_A_PAYMENT
    assert len({one.id for one in receiver.taken}) == 3
    for taken in receiver.taken:
        assert is_signed(taken, WEBHOOK_SECRET)
        assert not is_signed(taken, "another secret")
        assert taken.body == json.dumps(json.loads(taken.body), separators=(",", ":")).encode()
        assert taken.headers["user-agent"].startswith("Razorpay-Webhook")


def test_checkout_signs_its_answer_with_the_key(sandbox: SandboxClient) -> None:
    answer = sandbox.pay(new_order(sandbox)["id"])
    assert sdk(sandbox).utility.verify_payment_signature(answer)
    with pytest.raises(SignatureVerificationError):
        sdk(sandbox, "another secret").utility.verify_payment_signature(answer)


def test_what_is_not_taken_is_sent_again_under_the_same_id(
    sandbox: SandboxClient, receiver: Receiver
) -> None:
    receiver.statuses = [503, 401]
    order_id = new_order(sandbox)["id"]
    sandbox.fail(order_id)
    sandbox.wait_until_delivered(order_id)
    assert attempts(sandbox, "payment.failed") == [503, 401, 200]
    assert len({(one.id, one.body) for one in receiver.taken}) == 1


def test_what_is_never_taken_is_given_up(sandbox: SandboxClient, receiver: Receiver) -> None:
    receiver.statuses = [500] * 3
    order_id = new_order(sandbox)["id"]
    sandbox.fail(order_id)
    with pytest.raises(TimeoutError, match=r"payment\.failed is given_up"):
        sandbox.wait_until_delivered(order_id)
    assert len(receiver.taken) == 3


def test_no_answer_in_time_counts_as_a_refusal(receiver: Receiver) -> None:
    receiver.answering.clear()
    with running_sandbox(receiver.url, first_pause=0.01, send_limit=2, deadline=0.2) as sandbox:
        order_id = new_order(sandbox)["id"]
        sandbox.fail(order_id)
        with pytest.raises(TimeoutError, match="given_up"):
            sandbox.wait_until_delivered(order_id)
        assert attempts(sandbox, "payment.failed") == [None] * 2


def test_held_events_leave_in_the_order_that_is_asked_for(
    sandbox: SandboxClient, receiver: Receiver
) -> None:
    sandbox.switches(webhooks={"hold": True})
    payment_id = pay(sandbox)
    with pytest.raises(TimeoutError, match="held"):
        sandbox.wait_until_delivered(payment_id, timeout=0.05)
    assert receiver.taken == []
    released = sandbox.release("reversed")
    sandbox.wait_until_delivered(payment_id)
    assert [one.id for one in receiver.taken] == released
    assert names(receiver) == OF_A_PAYMENT[::-1]


def test_a_shuffle_is_the_same_for_the_same_seed(
    sandbox: SandboxClient, receiver: Receiver
) -> None:
    sandbox.switches(webhooks={"hold": True})
    orders = []
    for seed in (1, 1, 2, 3, 4):
        receiver.taken.clear()
        payment_id = pay(sandbox)
        sandbox.release("shuffled", seed)
        sandbox.wait_until_delivered(payment_id)
        orders.append(names(receiver))
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders}) > 1


def test_so_many_events_are_lost_as_are_asked_for(
    sandbox: SandboxClient, receiver: Receiver
) -> None:
    sandbox.switches(webhooks={"lose": 2})
    payment_id = pay(sandbox)
    sandbox.wait_until_delivered(payment_id, "order.paid")
    assert names(receiver) == ["order.paid"]
    with pytest.raises(TimeoutError, match=r"payment\.captured is lost"):
        sandbox.wait_until_delivered(payment_id)


def test_a_duplicate_has_the_same_id(sandbox: SandboxClient, receiver: Receiver) -> None:
    sandbox.switches(webhooks={"duplicate": 4})
    order_id = new_order(sandbox)["id"]
    sandbox.fail(order_id)
    sandbox.wait_until_delivered(order_id)
    assert len(receiver.taken) == 5
    assert len({(one.id, one.body) for one in receiver.taken}) == 1


def test_an_event_may_be_late(sandbox: SandboxClient) -> None:
    sandbox.switches(webhooks={"delay": 0.5})
    order_id = new_order(sandbox)["id"]
    sandbox.fail(order_id)
    with pytest.raises(TimeoutError, match="queued"):
        sandbox.wait_until_delivered(order_id, timeout=0.05)
    sandbox.wait_until_delivered(order_id)


def test_in_parallel_no_event_waits_for_another(sandbox: SandboxClient, receiver: Receiver) -> None:
    sandbox.switches(webhooks={"parallel": True})
    receiver.answering.clear()
    payment_id = pay(sandbox)
    # Less than the 5 seconds after which the first is given up and the next one sent anyway.
    assert [receiver.arrivals.acquire(timeout=4) for _ in OF_A_PAYMENT] == [True] * 3
    assert sorted(names(receiver)) == sorted(OF_A_PAYMENT)
    receiver.answering.set()
    sandbox.wait_until_delivered(payment_id)


def test_an_event_can_be_sent_once_more(sandbox: SandboxClient, receiver: Receiver) -> None:
    order_id = new_order(sandbox)["id"]
    sandbox.fail(order_id)
    [event] = sandbox.wait_until_delivered(order_id)["events"]
    sandbox.replay(event["id"])
    sandbox.wait_until_delivered(event["id"])
    first, second = receiver.taken
    assert (first.id, first.body) == (second.id, second.body)


def test_an_event_keeps_the_secret_of_its_day(sandbox: SandboxClient, receiver: Receiver) -> None:
    order_id = new_order(sandbox)["id"]
    sandbox.switches(webhooks={"hold": True})
    sandbox.fail(order_id)
    sandbox.set_webhook_secret("the next secret")
    sandbox.fail(order_id)
    sandbox.set_webhook_secret(None)
    sandbox.fail(order_id)
    sandbox.release()
    sandbox.wait_until_delivered(order_id)
    old, new, unsigned = receiver.taken
    assert is_signed(old, WEBHOOK_SECRET)
    assert is_signed(new, "the next secret")
    assert "x-razorpay-signature" not in unsigned.headers


def test_without_an_address_events_are_lost() -> None:
    with running_sandbox() as sandbox:
        order_id = new_order(sandbox)["id"]
        sandbox.fail(order_id)
        with pytest.raises(TimeoutError, match="lost"):
            sandbox.wait_until_delivered(order_id)
