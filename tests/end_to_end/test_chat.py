"""Two people chat through the asynchronous SDK; a stranger tries to listen."""

from __future__ import annotations

import asyncio
import copy
import json
import uuid
from typing import Any

import httpx
import pytest

from examples.python.parley_client import ParleyClient, ParleyError
from scripts.dev.demo.person import PATIENCE, Json
from tests.end_to_end.people import NEXT_SEQ, PASSWORD, sdk_warnings, signed_in, talking
from tests.support.limits import changed_settings
from tests.support.stacks import Stack

pytestmark = [pytest.mark.anyio, sdk_warnings]


async def test_a_message_is_heard_by_both_and_read_back_by_both(stack: Stack) -> None:
    async with talking(stack) as talk:
        sent = (await talk.asha.client.send(talk.id, "Namaste"))["message"]

        for person in (talk.asha, talk.bharat):
            heard = await person.hears_text("Namaste")
            assert heard["id"] == sent["id"]
            assert (heard["seq"], heard["sender_id"]) == (NEXT_SEQ, talk.asha.id)
            read = await person.client.call("get_messages", conversation_id=talk.id)
            assert [m["seq"] for m in read] == [4, 3, 2, 1]
            assert [read[0]["message"], read[3]["message"]] == ["Namaste", "Conversation started"]
            rows = await (
                person.client.supabase.from_("messages")
                .select("id, seq, message")
                .eq("conversation_id", talk.id)
                .order("seq", desc=True)
                .limit(1)
                .execute()
            )
            assert rows.data == [{"id": sent["id"], "seq": NEXT_SEQ, "message": "Namaste"}]
        await talk.show_that_chitra_heard_nothing()


async def test_a_repeated_send_answers_the_first_message_and_makes_no_second(stack: Stack) -> None:
    async with talking(stack) as talk:
        key = str(uuid.uuid4())
        first = await talk.asha.client.send(talk.id, "once", client_message_id=key)
        again = await talk.asha.client.send(talk.id, "once", client_message_id=key)
        assert again["message"]["id"] == first["message"]["id"]
        with pytest.raises(ParleyError) as refused:
            await talk.asha.client.send(talk.id, "something else", client_message_id=key)
        assert refused.value.error_code == "IDEMPOTENCY_MISMATCH"

        await talk.asha.client.send(talk.id, "the end")
        await talk.bharat.hears_text("the end")
        assert talk.bharat.texts() == ["once", "the end"]
        assert talk.asha.client.unsent == {}


async def test_the_sender_hears_when_the_message_is_delivered_and_read(stack: Stack) -> None:
    async with talking(stack, delivered_after=0.0) as talk:
        sent = (await talk.asha.client.send(talk.id, "seen?"))["message"]
        await talk.bharat.hears_text("seen?")
        # His client marks it as delivered by itself. Had he read it before, only that were told.
        await talk.asha.hears(
            "message_delivered", message_id=sent["id"], user_id=talk.bharat.id, seq=NEXT_SEQ
        )
        context = await talk.bharat.client.call("get_conversation_context", conversation_id=talk.id)
        assert context["unread_count"] == 2  # with the greeting

        marks = await talk.bharat.client.call("mark_read", conversation_id=talk.id)
        assert marks == {"read_seq": NEXT_SEQ, "delivered_seq": NEXT_SEQ, "unread_count": 0}
        await talk.asha.hears(
            "message_seen", message_id=sent["id"], user_id=talk.bharat.id, seq=NEXT_SEQ
        )
        (newest, *_) = await talk.asha.client.call("get_messages", conversation_id=talk.id)
        assert (newest["status"], newest["seen"]) == ("read", True)


async def test_typing_and_status_reach_the_other_side_only(stack: Stack) -> None:
    async with talking(stack) as talk:
        await talk.asha.client.open_conversation(talk.id)
        await talk.bharat.client.open_conversation(talk.id, status="away")
        await talk.asha.hears("user_status_change", user_id=talk.bharat.id, status="away")
        await talk.bharat.hears("user_status_change", user_id=talk.asha.id, status="online")

        await talk.bharat.client.open_conversation(talk.id, status="online")
        await talk.asha.hears("user_status_change", user_id=talk.bharat.id, status="online")

        await talk.asha.client.set_typing(talk.id, True)
        await talk.bharat.hears("user_typing", user_id=talk.asha.id, is_typing=True)
        await talk.asha.client.set_typing(talk.id, False)
        await talk.bharat.hears("user_typing", user_id=talk.asha.id, is_typing=False)
        assert talk.asha.payloads("user_typing") == []

        await talk.bharat.client.close_conversation(talk.id)
        await talk.asha.hears("user_offline", user_id=talk.bharat.id)
        await talk.show_that_chitra_heard_nothing()
        assert talk.chitra.payloads("user_status_change") == []


async def test_a_stranger_can_join_neither_topic(stack: Stack) -> None:
    async with talking(stack) as talk:
        await talk.asha.client.open_conversation(talk.id)
        with pytest.raises(ParleyError) as refused:
            await talk.chitra.client.open_conversation(talk.id)
        assert refused.value.error_code == "CHANNEL_REFUSED"

        talk.chitra.client.user_id = talk.asha.id  # whose channel to ask for; the token is hers
        with pytest.raises(ParleyError) as refused:
            await talk.chitra.client.start()
        assert refused.value.error_code == "CHANNEL_REFUSED"


async def test_sign_up_and_sign_in_tell_a_person_from_a_wrong_password(stack: Stack) -> None:
    email = f"{uuid.uuid4().hex}@example.com"
    signed_up = await ParleyClient.sign_up(stack.api_url, stack.anon_key, email, PASSWORD)
    await signed_up.close()
    with pytest.raises(ParleyError) as refused:
        await ParleyClient.sign_up(stack.api_url, stack.anon_key, email, PASSWORD)
    assert refused.value.error_code == "user_already_exists"
    with pytest.raises(ParleyError) as refused:
        await ParleyClient.sign_in(stack.api_url, stack.anon_key, email, "wrong")
    assert refused.value.error_code == "invalid_credentials"
    signed_in_again = await ParleyClient.sign_in(stack.api_url, stack.anon_key, email, PASSWORD)
    assert signed_in_again.user_id == signed_up.user_id
    await signed_in_again.close()


async def test_a_profile_is_what_the_other_side_sees(stack: Stack) -> None:
    async with signed_in(stack) as asha, signed_in(stack) as bharat:
        profile = await asha.client.call(
            "complete_profile", role="influencer", display_name="Asha", phone="+91 98765 43210"
        )
        assert (profile["id"], profile["phone"]) == (asha.id, "+919876543210")
        opened = await bharat.client.call(
            "direct_connect", target_user_id=asha.id, initial_message="Hello Asha"
        )
        assert opened["created"] is True
        assert opened["message"]["message"] == "Hello Asha"
        assert opened["conversation"]["other_party"]["display_name"] == "Asha"
        again = await bharat.client.call("direct_connect", target_user_id=asha.id)
        assert again["created"] is False
        assert again["conversation"]["conversation_id"] == opened["conversation"]["conversation_id"]


async def test_only_the_database_speaks_on_a_users_channel(stack: Stack) -> None:
    async with talking(stack) as talk:
        session = await talk.asha.client.supabase.auth.get_session()
        assert session is not None
        headers = {"apikey": stack.anon_key, "Authorization": f"Bearer {session.access_token}"}
        forged = {"topic": f"user:{talk.bharat.id}", "event": "forged", "payload": {}}
        async with httpx.AsyncClient(headers=headers, timeout=PATIENCE) as http:
            for private in (True, False):
                await http.post(
                    f"{stack.api_url}/realtime/v1/api/broadcast",
                    json={"messages": [{**forged, "private": private}]},
                )
        (channel,) = talk.bharat.client.supabase.get_channels()
        await channel.send_broadcast("forged", {})

        await talk.asha.client.send(talk.id, "real")
        await talk.bharat.hears_text("real")
        assert talk.bharat.payloads("forged") == []


async def test_a_member_can_forge_nothing_on_the_channel_of_a_conversation(stack: Stack) -> None:
    async with talking(stack) as talk:
        other = await talk.asha.client.call("direct_connect", target_user_id=talk.chitra.id)
        other_id = other["conversation"]["conversation_id"]
        await talk.chitra.hears("new_message", conversation_id=other_id)
        for person in (talk.asha, talk.bharat):
            await person.client.open_conversation(talk.id)
        await talk.asha.hears("user_status_change", user_id=talk.bharat.id)
        client = talk.bharat.client
        channel = next(c for c in client.supabase.get_channels() if talk.id in c.topic)
        typing = {"conversation_id": talk.id, "user_id": talk.bharat.id, "is_typing": True}

        # What is his to say is heard.
        await channel.send_broadcast("user_typing", typing)
        await talk.asha.hears("user_typing", **typing)
        talk.asha.heard.clear()
        known = copy.deepcopy(talk.asha.client.known)

        seqs = {"conversation_id": other_id, "seq": 2, "user_id": talk.chitra.id}
        message = {"id": str(uuid.uuid4()), "message": "forged", "message_type": "user_input"}
        forged: list[tuple[str, Any]] = [
            ("new_message", {"conversation_id": other_id, "message": {**message, **seqs}}),
            ("message_seen", seqs),
            ("message_delivered", seqs),
            ("quota_changed", {"points_balance": 999_999}),
            ("notification", {"type": "points_low", "data": {}}),
            ("conversation_state_changed", {"conversation_id": other_id}),
            ("user_status_change", {"conversation_id": other_id, "user_id": talk.chitra.id}),
            ("synced", {"conversations": []}),
            ("user_typing", {**typing, "conversation_id": other_id}),
            ("user_typing", {**typing, "user_id": talk.chitra.id}),
            ("user_typing", {**typing, "user_id": talk.asha.id}),
            ("user_typing", {}),
        ]
        for event, payload in forged:
            await channel.send_broadcast(event, payload)
        await channel.send_broadcast("user_typing", {**typing, "is_typing": False})
        await talk.asha.hears("user_typing", is_typing=False)
        assert [heard["event"] for heard in talk.asha.heard] == ["user_typing"]
        assert talk.asha.client.known == known

        await talk.chitra.client.send(other_id, "real")
        assert (await talk.asha.hears_text("real"))["seq"] == seqs["seq"]


async def test_nobody_shows_up_in_a_conversation_under_another_name(stack: Stack) -> None:
    async with talking(stack) as talk:
        await talk.asha.client.open_conversation(talk.id)
        bharat_id = talk.bharat.id
        talk.bharat.client.user_id = talk.chitra.id  # the name under which he shows up
        await talk.bharat.client.open_conversation(talk.id)
        await talk.bharat.client.close_conversation(talk.id)
        talk.bharat.client.user_id = talk.asha.id
        await talk.bharat.client.open_conversation(talk.id, status="away")
        await talk.bharat.client.close_conversation(talk.id)
        talk.bharat.client.user_id = bharat_id
        await talk.bharat.client.open_conversation(talk.id)
        await talk.asha.hears("user_status_change")
        shown = talk.asha.payloads("user_status_change") + talk.asha.payloads("user_offline")
        assert [payload["user_id"] for payload in shown] == [bharat_id]


async def test_who_sends_too_fast_is_told_when_to_try_again(stack: Stack) -> None:
    rate = {"per_second": 5, "burst": 10}
    with changed_settings(stack.db_url, {"rate_send": rate}):
        async with talking(stack) as talk:
            calls = [
                talk.asha.client.call("send_message", conversation_id=talk.id, message=str(n))
                for n in range(16)
            ]
            answers = await asyncio.gather(*calls, return_exceptions=True)
            refused = [answer for answer in answers if isinstance(answer, ParleyError)]
            assert {error.error_code for error in refused} == {"RATE_LIMITED"}
            assert all(error.details["retry_after"] > 0 for error in refused)

            sent = await talk.asha.client.send(talk.id, "patiently")
            assert sent["message"]["seq"] == NEXT_SEQ + 16 - len(refused)


async def test_a_disappearing_message_is_announced_without_its_text(stack: Stack) -> None:
    async with talking(stack) as talk:
        announced: list[Json] = []
        channel = talk.bharat.client.supabase.get_channels()[0]
        channel.on_broadcast("new_message", lambda sent: announced.append(sent["payload"]))
        await talk.asha.client.send(talk.id, "burn after reading", expiration_hours=1)
        await talk.bharat.hears_text("burn after reading")
        (payload,) = announced
        assert payload["message"]["content_withheld"] is True
        assert "burn after reading" not in json.dumps(payload)
