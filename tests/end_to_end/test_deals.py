"""A whole deal through the asynchronous SDK: what each side calls, reads and hears."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from examples.python.parley_client import ParleyError
from scripts.demo.person import PATIENCE, Json, Person
from tests.end_to_end.people import sdk_warnings, service_headers, signed_in
from tests.support.stacks import Stack

pytestmark = [pytest.mark.anyio, sdk_warnings]


@dataclass(frozen=True)
class Deal:
    """Asha's bid that Bharat has connected to, and Chitra, who only listens."""

    stack: Stack
    asha: Person
    bharat: Person
    chitra: Person
    id: str

    async def take(self, who: Person, action: str, **given: Any) -> Json:
        """Take an action; the answer."""
        answer: Json = await who.client.call(
            "take_action", conversation_id=self.id, action=action, input=given
        )
        return answer

    async def pay(self, amount_minor: int) -> None:
        """The gateway tells that this much came in."""
        fact = {"payment_id": f"pay_{self.id}", "amount_minor": amount_minor, "currency": "INR"}
        async with httpx.AsyncClient(timeout=PATIENCE) as gateway:
            answer = await gateway.post(
                f"{self.stack.api_url}/rest/v1/rpc/record_provider_fact",
                headers=service_headers(self.stack),
                json={"conversation_id": self.id, "action": "payment_captured", "input": fact},
            )
        answer.raise_for_status()


@asynccontextmanager
async def dealing(stack: Stack) -> AsyncIterator[Deal]:
    """The three, who hear their own channel, and the bid that Bharat has connected to."""
    async with AsyncExitStack() as everyone:
        asha = await everyone.enter_async_context(signed_in(stack))
        bharat = await everyone.enter_async_context(signed_in(stack))
        chitra = await everyone.enter_async_context(signed_in(stack))
        roles = {"influencer": asha, "brand_owner": bharat}
        for role, person in roles.items():
            await person.client.call("complete_profile", role=role, display_name=role)
        for person in (asha, bharat, chitra):
            await person.client.start()
        bid = await asha.client.call("create_bid", title="Posts", description="Three posts")
        opened = await bharat.client.call("connect_bid", bid_id=bid["id"], proposed_amount=5000)
        yield Deal(stack, asha, bharat, chitra, opened["conversation"]["conversation_id"])


WALK: list[tuple[str, str, dict[str, Any], str]] = [
    ("asha", "accept_connection", {}, "brand_owner_details"),
    ("bharat", "send_project_details", {"details": "Create 3 posts"}, "influencer_reviewing"),
    ("asha", "accept_project", {}, "brand_owner_pricing"),
    ("bharat", "send_price_offer", {"price": 5000}, "influencer_price_response"),
    ("asha", "accept_price", {"price": 5000}, "payment_pending"),
    ("bharat", "proceed_to_payment", {}, "payment_pending"),
]


async def walk(deal: Deal) -> None:
    """From the request to the work in progress."""
    for who, action, given, state in WALK:
        answer = await deal.take(getattr(deal, who), action, **given)
        assert answer["flow_update"]["new_state"] == state
    await deal.pay(500000)
    started = await deal.take(deal.asha, "start_work")
    assert started["flow_update"]["new_state"] == "work_in_progress"


async def test_the_bid_walk_through_is_heard_step_by_step(stack: Stack) -> None:
    async with dealing(stack) as deal:
        await walk(deal)
        await deal.asha.client.call(
            "submit_work", conversation_id=deal.id, deliverables="https://drive.example/posts"
        )
        await deal.bharat.client.call(
            "review_work", conversation_id=deal.id, decision="approve_work", feedback="Excellent!"
        )
        sent = await deal.asha.client.send(deal.id, "Thank you!")
        assert sent["message"]["message"] == "Thank you!"

        states = [state for *_, state in WALK[:5]] + [
            "payment_completed", "work_in_progress", "work_submitted", "real_time",
        ]  # fmt: skip
        for person in (deal.asha, deal.bharat):
            await person.hears_text("Thank you!")
            changes = person.payloads("conversation_state_changed")
            heard = [c["new_state"] for c in changes if c["new_state"] != "work_approved"]
            assert heard == ["influencer_responding", *states]
            for change in changes:
                assert change["conversation_id"] == deal.id
                assert change["reason"]
                assert change["timestamp"]
            context = await person.client.call("get_conversation_context", conversation_id=deal.id)
            assert context["flow_state"] == "real_time"
            assert context["escrow"]["released_minor"] == 500000


async def test_each_side_hears_only_its_own_messages(stack: Stack) -> None:
    async with dealing(stack) as deal:
        await walk(deal)
        context = await deal.asha.client.call("get_conversation_context", conversation_id=deal.id)
        # Once the next step is heard, everything before it has been.
        await deal.take(deal.asha, "submit_work", deliverables="https://drive.example/posts")
        for person, role, other in [
            (deal.asha, "influencer", "brand_owner"),
            (deal.bharat, "brand_owner", "influencer"),
        ]:
            await person.hears("conversation_state_changed", new_state="work_submitted")
            read = await person.client.call(
                "get_messages", conversation_id=deal.id, page_size=100, after_seq=0
            )
            readers = {message["visible_to"] for message in read}
            assert role in readers
            assert other not in readers
            told = [p["message"] for p in person.payloads("new_message")]
            heard = {m["id"] for m in told if m["seq"] <= context["last_seq"]}
            assert heard == {m["id"] for m in read if m["seq"] <= context["last_seq"]}
            rows = await (
                person.client.supabase.from_("messages")
                .select("id")
                .eq("conversation_id", deal.id)
                .lte("seq", context["last_seq"])
                .execute()
            )
            seen: list[Any] = list(rows.data)
            assert {row["id"] for row in seen} == heard
        # Chitra has a chat of her own, later than all else: that is all she ever hears.
        other_talk = await deal.asha.client.call("direct_connect", target_user_id=deal.chitra.id)
        await deal.asha.client.send(other_talk["conversation"]["conversation_id"], "for Chitra")
        await deal.chitra.hears_text("for Chitra")
        talks = {p["conversation_id"] for p in deal.chitra.payloads("new_message")}
        assert deal.id not in talks
        moved = deal.chitra.payloads("conversation_state_changed")
        assert deal.id not in {change["conversation_id"] for change in moved}
        with pytest.raises(ParleyError) as refused:
            await deal.take(deal.chitra, "submit_work", deliverables="mine")
        assert refused.value.error_code == "CONVERSATION_NOT_FOUND"


async def test_the_actors_devices_hear_the_button_and_the_other_side_is_notified(
    stack: Stack,
) -> None:
    async with dealing(stack) as deal:
        asked = await deal.asha.hears("notification", type="action_required")
        assert asked["data"]["conversation_id"] == deal.id
        await deal.asha.client.call(
            "click_button", conversation_id=deal.id, button_id="accept_connection"
        )
        pressed = await deal.asha.hears("button_action", button_id="accept_connection")
        assert pressed["conversation_id"] == deal.id
        assert pressed["flow_update"]["new_state"] == "brand_owner_details"
        assert pressed["conversation_context"]["flow_state"] == "brand_owner_details"
        await deal.bharat.hears("notification", type="action_required")
        await deal.bharat.client.call(
            "submit_text", conversation_id=deal.id, text="Three posts", input_type="project_details"
        )
        typed = await deal.bharat.hears("text_input", input_type="project_details")
        assert typed["flow_update"]["new_state"] == "influencer_reviewing"
        await deal.asha.hears("conversation_state_changed", new_state="influencer_reviewing")
        assert deal.asha.payloads("text_input") == []
        assert [p["button_id"] for p in deal.bharat.payloads("button_action")] == ["connect_bid"]


async def test_errors_have_the_seeds_shape(stack: Stack) -> None:
    async with dealing(stack) as deal:
        with pytest.raises(ParleyError) as refused:
            await deal.take(deal.asha, "accept_price")
        assert refused.value.error_code == "FLOW_STATE_INVALID"
        assert refused.value.details["current_state"] == "influencer_responding"
        assert set(refused.value.details["required_state"]) == {
            "influencer_price_response", "influencer_final_response",
        }  # fmt: skip
        with pytest.raises(ParleyError) as refused:
            await deal.take(deal.bharat, "accept_connection")
        assert refused.value.error_code == "NOT_YOUR_TURN"
