"""A deal is paid, and its money goes back, through the app, a gateway and both people's clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from examples.python.parley_client import ParleyError
from scripts.dev.demo.person import Json
from scripts.dev.razorpay_sandbox.client import KEY_ID, KEY_SECRET, WEBHOOK_SECRET
from scripts.dev.razorpay_sandbox.webhooks import sign
from tests.end_to_end.deals import Deal, agree, dealing
from tests.end_to_end.gateway import Payments
from tests.end_to_end.people import sdk_warnings

pytestmark = [pytest.mark.anyio, sdk_warnings]


@asynccontextmanager
async def agreed(payments: Payments) -> AsyncIterator[Deal]:
    """A deal of ₹5,000 that waits for its payment."""
    async with dealing(payments) as deal:
        await agree(deal)
        yield deal


async def steps(deal: Deal) -> list[str]:
    """The actions of the deal's history, with what the gateway made happen."""
    history = await deal.asha.client.call("get_conversation_history", conversation_id=deal.id)
    return [step["action"] for step in history]


async def test_checkout_gets_what_the_deal_says_and_the_same_order_again(
    payments: Payments,
) -> None:
    async with agreed(payments) as deal:
        config = await deal.bharat.client.pay(deal.id)
        assert config["amount"] == 500000
        assert config["currency"] == "INR"
        assert config["key_id"] == KEY_ID
        assert config["description"] == "Payment for Bid Collaboration"
        assert await deal.bharat.client.pay(deal.id) == config
        context = await deal.context()
        assert context["flow_data"]["payment_order"]["razorpay_order_id"] == config["order_id"]
        with pytest.raises(ParleyError) as refused:
            await deal.asha.client.pay(deal.id)
        assert refused.value.error_code == "NOT_YOUR_TURN"
        with pytest.raises(ParleyError) as refused:
            await deal.chitra.client.pay(deal.id)
        assert refused.value.error_code == "CONVERSATION_NOT_FOUND"


async def test_a_payment_is_heard_by_both_and_its_repeated_webhooks_change_nothing(
    payments: Payments,
) -> None:
    async with agreed(payments) as deal:
        paid = await payments.pay(deal.bharat, deal.id)
        for person in (deal.asha, deal.bharat):
            await person.hears("conversation_state_changed", new_state="payment_completed")
            # Their clients mark it as delivered soon, which would move the version meanwhile.
            await person.client.call("mark_delivered", conversation_id=deal.id)
        before, history = await deal.context(), await steps(deal)
        assert before["escrow"]["held_minor"] == 500000
        sent = await payments.arrives(paid["razorpay_payment_id"])
        assert {"payment.captured", "order.paid"} <= {event["event"] for event in sent["events"]}
        for event in sent["events"]:
            await asyncio.to_thread(payments.sandbox.replay, event["id"])
        again = await payments.arrives(paid["razorpay_payment_id"])
        assert len(again["attempts"]) >= 2 * len(sent["events"])
        assert {attempt["status"] for attempt in again["attempts"]} == {200}
        after = await deal.context()
        assert after | {"server_now": before["server_now"]} == before
        assert await steps(deal) == history
        with pytest.raises(ParleyError) as refused:
            await deal.bharat.client.pay(deal.id)
        assert refused.value.error_code == "PAYMENT_ALREADY_DONE"


async def test_many_copies_of_webhooks_at_once_and_backwards_move_the_deal_once(
    payments: Payments,
) -> None:
    async with agreed(payments) as deal:
        config = await deal.bharat.client.pay(deal.id)
        storm = {"hold": True, "duplicate": 7, "parallel": True}
        async with payments.switched(webhooks=storm):
            paid = await asyncio.to_thread(payments.sandbox.pay, config["order_id"])
            await asyncio.to_thread(payments.sandbox.release, "reversed")
            sent = await payments.arrives(paid["razorpay_payment_id"])
        assert len(sent["attempts"]) >= 24
        # Who has to wait too long is told to come again; nobody is refused.
        assert {attempt["status"] for attempt in sent["attempts"]} <= {200, 503}
        assert (await steps(deal)).count("payment_captured") == 1
        found = await payments.diagnose(deal.id)
        assert found["books"]["captured_minor"] == 500000
        assert (found["problems"], found["alerts"]) == ([], [])


async def test_a_second_payment_goes_back_by_itself_and_the_deal_goes_on(
    payments: Payments,
) -> None:
    async with agreed(payments) as deal:
        config = await deal.bharat.client.pay(deal.id)
        await payments.pay(deal.bharat, deal.id)
        async with payments.switched(payments={"second_payment": True}):
            again = await asyncio.to_thread(payments.sandbox.pay, config["order_id"])
            await payments.arrives(again["razorpay_payment_id"], "refund.processed")
        found = await payments.diagnose(deal.id)
        (request,) = found["refund_requests"]
        assert request["payment_id"] == again["razorpay_payment_id"]
        assert request["status"] == "processed"
        assert found["flow_state"] == "payment_completed"
        assert found["books"]["held_minor"] == 500000
        assert found["problems"] == []


async def test_too_little_goes_back_by_itself_and_the_deal_still_waits(payments: Payments) -> None:
    async with agreed(payments) as deal:
        config = await deal.bharat.client.pay(deal.id)
        async with payments.switched(payments={"amount": 100}):
            paid = await asyncio.to_thread(payments.sandbox.pay, config["order_id"])
            await payments.arrives(paid["razorpay_payment_id"], "refund.processed")
        found = await payments.diagnose(deal.id)
        (request,) = found["refund_requests"]
        assert (request["amount_minor"], request["status"]) == (100, "processed")
        assert found["flow_state"] == "payment_pending"
        assert found["books"]["held_minor"] == 0
        assert "underpaid" in {alert["kind"] for alert in found["alerts"]}
        assert found["problems"] == []


async def test_a_webhook_with_a_changed_byte_is_refused(payments: Payments) -> None:
    body = b'{"entity":"event","event":"order.paid","payload":{}}'
    headers = {"X-Razorpay-Signature": sign(body, WEBHOOK_SECRET)}
    async with httpx.AsyncClient(base_url=payments.app_url) as http:
        for sent, status in ((body, 200), (body.replace(b"paid", b"pais"), 401)):
            answer = await http.post("/v1/webhooks/razorpay", content=sent, headers=headers)
            assert answer.status_code == status


async def test_after_a_failed_attempt_the_same_order_can_be_paid(payments: Payments) -> None:
    async with agreed(payments) as deal:
        config = await deal.bharat.client.pay(deal.id)
        failed = await asyncio.to_thread(payments.sandbox.fail, config["order_id"])
        await payments.arrives(failed["error"]["metadata"]["payment_id"])
        heard = await deal.bharat.finds(lambda: _asked_to_retry(deal))
        assert heard["action_data"]["buttons"][0]["text"] == "Retry"
        assert (await deal.context())["flow_state"] == "payment_pending"
        assert (await deal.bharat.client.pay(deal.id))["order_id"] == config["order_id"]
        await payments.pay(deal.bharat, deal.id)
        assert (await deal.context())["flow_state"] == "payment_completed"


def _asked_to_retry(deal: Deal) -> Json | None:
    heard = (payload["message"] for payload in deal.bharat.payloads("new_message"))
    return next((m for m in heard if m["message"].startswith("The payment did not go")), None)


@pytest.mark.parametrize("fault", ["lost_response", "html_502", "429"])
async def test_trouble_at_the_gateway_charges_nothing_and_the_next_press_works(
    payments: Payments, fault: str
) -> None:
    async with agreed(payments) as deal:
        async with payments.switched(api={"orders.create": {"fault": fault}}):
            with pytest.raises(ParleyError) as refused:
                await deal.bharat.client.pay(deal.id)
        assert refused.value.error_code == "GATEWAY_UNAVAILABLE"
        await payments.pay(deal.bharat, deal.id)
        (order,) = (await payments.diagnose(deal.id))["orders"]
        assert order["status"] == "paid"


async def test_a_payment_whose_webhooks_are_lost_is_found_when_the_chat_is_opened(
    payments: Payments,
) -> None:
    async with agreed(payments) as deal:
        config = await deal.bharat.client.pay(deal.id)
        async with payments.switched(webhooks={"lose": 100}):
            paid = await asyncio.to_thread(payments.sandbox.pay, config["order_id"])
            with pytest.raises(TimeoutError, match=r"order\.paid is lost"):
                await payments.arrives(paid["razorpay_payment_id"])
        assert (await deal.context())["flow_state"] == "payment_pending"
        found = await deal.asha.client.refresh_payment(deal.id)
        assert found == {"polled": True, "flow_state": "payment_completed", "outcome": "applied"}
        await deal.bharat.hears("conversation_state_changed", new_state="payment_completed")


async def test_what_checkout_hands_to_the_page_is_checked_and_moves_the_deal_at_once(
    payments: Payments,
) -> None:
    async with agreed(payments) as deal:
        config = await deal.bharat.client.pay(deal.id)
        async with payments.switched(webhooks={"lose": 100}):
            paid = await asyncio.to_thread(payments.sandbox.pay, config["order_id"])
            with pytest.raises(TimeoutError):
                await payments.arrives(paid["razorpay_payment_id"])
        forged = {**paid, "razorpay_signature": "0" * 64}
        with pytest.raises(ParleyError) as refused:
            await deal.bharat.client.confirm_payment(deal.id, forged)
        assert refused.value.error_code == "BAD_SIGNATURE"
        assert (await deal.context())["flow_state"] == "payment_pending"


async def test_a_requested_refund_leaves_when_somebody_signs_in(payments: Payments) -> None:
    async with agreed(payments) as deal:
        paid = await payments.pay(deal.bharat, deal.id)
        # Asha cannot do it after all; nobody comes by the app with that.
        answer = await deal.take(deal.asha, "decline_work")
        assert answer["flow_update"]["new_state"] == "refund_pending"
        (requested,) = (await payments.diagnose(deal.id))["refund_requests"]
        assert requested["status"] == "requested"
        assert requested["razorpay_refund_id"] is None

        await deal.asha.client.clean_up()
        for person in (deal.asha, deal.bharat):
            await person.hears("conversation_state_changed", new_state="chat_closed")
        found = await payments.diagnose(deal.id)
        (request,), (refund,) = found["refund_requests"], found["refunds"]
        assert request["status"] == "processed"
        assert found["problems"] == []
        assert found["books"]["refunded_minor"] == 500000
        # With the key that it was sent with the same is no second refund: it is the first.
        again = await _ask_for_refund(payments, paid["razorpay_payment_id"], request)
        assert again["id"] == request["razorpay_refund_id"] == refund["refund_id"]


async def _ask_for_refund(payments: Payments, payment_id: str, request: Json) -> Json:
    async with httpx.AsyncClient(base_url=payments.sandbox.url) as http:
        answer = await http.post(
            f"/v1/payments/{payment_id}/refund",
            auth=(KEY_ID, KEY_SECRET),
            headers={"X-Refund-Idempotency": f"refund-{request['id']}-1"},
            json={
                "amount": request["amount_minor"],
                "speed": "normal",
                "receipt": request["id"],
                "notes": {"reason": request["reason"], "kind": request["kind"]},
            },
        )
    answer.raise_for_status()
    refund: Json = answer.json()
    return refund
