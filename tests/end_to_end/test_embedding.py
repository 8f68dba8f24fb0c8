"""Rows embedded in rows through the SDK, as far as the policies let their reader see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from tests.end_to_end.doors import answer_of, call
from tests.end_to_end.people import sdk_warnings, talking
from tests.support.stacks import Stack

pytestmark = [pytest.mark.anyio, sdk_warnings]


async def test_a_conversation_brings_its_messages_and_a_message_its_sender(stack: Stack) -> None:
    async with talking(stack) as talk:
        await talk.asha.client.send(talk.id, "Namaste")
        await talk.bharat.client.send(talk.id, "secret", expiration_hours=1)
        expire(stack, talk.id, "secret")

        async def select(person: Any, table: str, what: str) -> Any:
            rows = person.client.supabase.from_(table).select(what)
            column = "id" if table == "conversations" else "conversation_id"
            return (await rows.eq(column, talk.id).execute()).data

        (row,) = await select(talk.asha, "conversations", "*, messages(*)")
        texts = {message["seq"]: message["message"] for message in row["messages"]}
        assert row["last_seq"] == 5
        assert texts == {1: "Conversation started", 2: "Hello?", 3: "Hello.", 4: "Namaste"}

        newest = (
            talk.asha.client.supabase.from_("conversations")
            .select("id, messages(seq)")
            .eq("id", talk.id)
            .order("seq", desc=True, foreign_table="messages")
            .limit(1, foreign_table="messages")
        )
        assert (await newest.execute()).data == [{"id": talk.id, "messages": [{"seq": 4}]}]

        said = await select(
            talk.asha, "messages", "message, conversations(kind), sender(id), receiver(id)"
        )
        assert {
            "message": "Namaste",
            "conversations": {"kind": "direct"},
            "sender": {"id": talk.asha.id},
            "receiver": {"id": talk.bharat.id},
        } in said
        assert await select(talk.asha, "conversations", "brand_owner(id), influencer(id)") == [
            {"brand_owner": None, "influencer": None}
        ]
        # Through the view of conversations PostgREST finds the foreign keys of the table behind it.
        assert await select(
            talk.asha,
            "conversations",
            "id, bids(id), campaigns(id), offers(id), work_submissions(id)",
        ) == [
            {"id": talk.id, "bids": None, "campaigns": None, "offers": [], "work_submissions": []}
        ]
        # A stranger sees neither way.
        assert await select(talk.chitra, "conversations", "*, messages(*)") == []
        assert await select(talk.chitra, "messages", "*, conversations(*)") == []


def expire(stack: Stack, conversation_id: str, text: str) -> None:
    """Let the time of a message pass."""
    with psycopg.connect(stack.db_url) as connection:
        connection.execute(
            "update public.messages set expires_at = %s, created_at = created_at - interval '2 h' "
            "where conversation_id = %s and message = %s",
            [datetime.now(UTC) - timedelta(hours=1), conversation_id, text],
        )


def test_a_relationship_cannot_be_called(http: httpx.Client, user: dict[str, str]) -> None:
    for name in ("messages", "conversations", "sender"):
        assert answer_of(call(http, user, name)) == (404, "PGRST202")
