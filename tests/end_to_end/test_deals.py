"""A whole deal through the asynchronous SDK: what each side calls, reads and hears."""

from __future__ import annotations

from typing import Any

import pytest

from examples.python.parley_client import ParleyError
from tests.end_to_end.deals import WALK, dealing, walk
from tests.end_to_end.gateway import Payments
from tests.end_to_end.people import sdk_warnings

pytestmark = [pytest.mark.anyio, sdk_warnings]


async def test_the_bid_walk_through_is_heard_step_by_step(payments: Payments) -> None:
    async with dealing(payments) as deal:
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


async def test_each_side_hears_only_its_own_messages(payments: Payments) -> None:
    async with dealing(payments) as deal:
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
            told = [
                message
                for payload in person.payloads("new_message")
                for message in payload.get("messages", [payload["message"]])
            ]
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
    payments: Payments,
) -> None:
    async with dealing(payments) as deal:
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


async def test_errors_have_the_seeds_shape(payments: Payments) -> None:
    async with dealing(payments) as deal:
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
