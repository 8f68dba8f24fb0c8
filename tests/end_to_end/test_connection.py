"""The connection is lost, the server restarts, the token runs out: nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import time

import jwt
import pytest

from scripts.dev.demo.person import PATIENCE
from scripts.dev.demo.relay import open_relay
from tests.end_to_end.people import NEXT_SEQ, sdk_warnings, talking
from tests.support.stacks import Stack

pytestmark = [pytest.mark.anyio, sdk_warnings]


async def test_messages_of_a_lost_connection_come_once_and_in_order(stack: Stack) -> None:
    async with (
        open_relay(stack.api_url) as relay,
        talking(stack, bharat_url=relay.url) as talk,
    ):
        await talk.asha.client.send(talk.id, "before")
        await talk.bharat.hears_text("before")
        await relay.cut()
        waiting = asyncio.create_task(talk.bharat.client.send(talk.id, "from the tunnel"))
        for text in ("one", "two", "three"):
            await talk.asha.client.send(talk.id, text)
        assert len(talk.bharat.client.unsent) == 1
        await relay.mend()

        answer = await asyncio.wait_for(waiting, PATIENCE)
        assert answer["message"]["seq"] == NEXT_SEQ + 4
        await talk.bharat.hears_text("from the tunnel")
        await talk.asha.hears_text("from the tunnel")
        await talk.asha.client.send(talk.id, "after")
        await talk.bharat.hears_text("after")
        everything = ["before", "one", "two", "three", "from the tunnel", "after"]
        assert talk.bharat.texts() == talk.asha.texts() == everything


async def test_what_changed_without_a_message_comes_back_with_the_connection(
    stack: Stack,
) -> None:
    async with (
        open_relay(stack.api_url) as relay,
        talking(stack, bharat_url=relay.url) as talk,
    ):
        sent = (await talk.bharat.client.send(talk.id, "seen?"))["message"]
        await talk.asha.hears_text("seen?")
        await talk.bharat.client.sync()
        talk.bharat.heard.clear()
        await relay.cut()
        await talk.asha.client.call("mark_read", conversation_id=talk.id)
        await relay.mend()

        await talk.bharat.sees(talk.id, other_read_seq=sent["seq"], free_text_allowed=True)
        assert talk.bharat.payloads("message_seen") == []
        (newest, *_) = await talk.bharat.client.call("get_messages", conversation_id=talk.id)
        assert (newest["id"], newest["status"]) == (sent["id"], "read")

        await relay.cut()
        await talk.asha.client.call("block_user", user_id=talk.bharat.id)
        await relay.mend()
        await talk.bharat.sees(talk.id, free_text_allowed=False)

        await talk.bharat.client.sync()
        assert talk.bharat.payloads("synced")[-1] == {"conversations": []}


async def test_typing_and_status_come_back_with_the_connection(stack: Stack) -> None:
    async with (
        open_relay(stack.api_url) as relay,
        talking(stack, bharat_url=relay.url) as talk,
    ):
        await talk.asha.client.open_conversation(talk.id)
        await talk.bharat.client.open_conversation(talk.id, status="away")
        await talk.asha.hears("user_status_change", user_id=talk.bharat.id, status="away")
        await relay.cut()
        await talk.asha.hears("user_offline", user_id=talk.bharat.id)
        talk.asha.heard.clear()
        await relay.mend()
        await talk.asha.hears("user_status_change", user_id=talk.bharat.id, status="away")


async def test_a_channel_closed_for_an_expired_token_is_joined_again(stack: Stack) -> None:
    async with talking(stack) as talk:
        before = len(talk.bharat.payloads("synced"))
        await talk.bharat.client.supabase.realtime.set_auth(short_token(stack, talk.bharat.id, 1))
        await talk.bharat.syncs(before + 1)
        await talk.asha.client.send(talk.id, "still there?")
        await talk.bharat.hears_text("still there?")


async def test_a_refreshed_session_reaches_realtime(stack: Stack) -> None:
    async with talking(stack) as talk:
        client = talk.bharat.client
        await client.supabase.realtime.set_auth(short_token(stack, talk.bharat.id, 3600))
        await client.supabase.auth.refresh_session()
        session = await client.supabase.auth.get_session()
        assert session is not None
        await asyncio.gather(*client.supabase._background_tasks)
        assert client.supabase.realtime.access_token == session.access_token
        await talk.asha.client.send(talk.id, "with the new token")
        await talk.bharat.hears_text("with the new token")


def short_token(stack: Stack, user_id: str, lifetime: int) -> str:
    """A token like the user's own that is valid for so many seconds."""
    now = int(time.time())
    claims = {"sub": user_id, "role": "authenticated", "aud": "authenticated"}
    return jwt.encode({**claims, "iat": now, "exp": now + lifetime}, stack.jwt_secret)
