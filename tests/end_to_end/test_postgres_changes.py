"""Rows of `messages` through postgres_changes: members hear them, strangers do not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from realtime.message import SuccessSystemPayload
from realtime.types import PostgresChangesPayload, RealtimePostgresChangesListenEvent

from scripts.dev.demo.person import PATIENCE, Person
from tests.end_to_end.people import sdk_warnings, talking
from tests.support.stacks import Stack

pytestmark = [pytest.mark.anyio, sdk_warnings]


@dataclass
class Watch:
    """What one person hears of new rows."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, change: PostgresChangesPayload) -> None:
        """Keep the row of a change."""
        self.rows.append(change["data"]["record"] or {})
        self.news.set()

    async def sees(self, text: str) -> dict[str, Any]:
        """Wait for the row with this text."""
        async with asyncio.timeout(PATIENCE):
            while not (found := [row for row in self.rows if row["message"] == text]):
                self.news.clear()
                await self.news.wait()
        return found[0]


async def watch_messages(person: Person) -> Watch:
    """Listen to inserted messages; returns when the server says that it does."""
    watch, ready = Watch(), asyncio.Event()
    channel = person.client.supabase.channel("rows")
    channel.on_postgres_changes(
        RealtimePostgresChangesListenEvent.Insert, watch.hear, table="messages", schema="public"
    )

    def told(message: SuccessSystemPayload) -> None:
        if message.extension == "postgres_changes":
            ready.set()

    channel.on_system(told)
    await channel.subscribe()
    await asyncio.wait_for(ready.wait(), PATIENCE)
    return watch


async def test_a_member_hears_new_rows_and_a_stranger_none(stack: Stack) -> None:
    async with talking(stack) as talk:
        bharat, chitra = [await watch_messages(p) for p in (talk.bharat, talk.chitra)]
        sent = (await talk.asha.client.send(talk.id, "for the member"))["message"]
        row = await bharat.sees("for the member")
        assert (row["id"], row["seq"]) == (sent["id"], sent["seq"])

        await talk.show_that_chitra_heard_nothing()
        await chitra.sees("for Chitra")
        assert "for the member" not in [row["message"] for row in chitra.rows]
