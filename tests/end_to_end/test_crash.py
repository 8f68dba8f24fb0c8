"""Processes die in the middle of many sends: each message is there once, numbered without a gap."""

from __future__ import annotations

import asyncio
import uuid

import psycopg
import pytest

from tests.end_to_end.people import (
    NEXT_SEQ,
    kill,
    needs_our_process,
    sdk_warnings,
    start_again,
    talking,
)
from tests.support.stacks import Stack

pytestmark = [pytest.mark.anyio, sdk_warnings, needs_our_process]

MESSAGES = 100
TASKS = 8
# Far beyond what the sends and the restart take on a busy machine.
PATIENCE = 120.0


@pytest.mark.parametrize("victim", ["api.lock", "postgres/postmaster.pid"])
async def test_no_send_is_lost_or_doubled_when_a_process_is_killed(
    own_stack: Stack, victim: str
) -> None:
    async with talking(own_stack) as talk:
        keys = [str(uuid.uuid4()) for _ in range(MESSAGES)]
        waiting = list(reversed(keys))
        answers: dict[str, str] = {}
        half_way = asyncio.Event()

        async def send_on() -> None:
            while waiting:
                key = waiting.pop()
                answer = await talk.asha.client.call_until_answered(
                    "send_message", conversation_id=talk.id, message=key, client_message_id=key
                )
                answers[key] = answer["message"]["id"]
                if len(answers) >= MESSAGES // 4:
                    half_way.set()

        async def crash_and_start() -> None:
            await half_way.wait()
            assert waiting, "everything was sent before the crash"
            kill(own_stack, victim)
            await start_again(own_stack)

        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            tasks.create_task(crash_and_start())
            for _ in range(TASKS):
                tasks.create_task(send_on())

        stored = stored_messages(own_stack, talk.id)
        assert [seq for seq, _, _ in stored] == list(range(NEXT_SEQ, MESSAGES + NEXT_SEQ))
        assert {key: id_ for _, key, id_ in stored} == answers
        assert sorted(answers) == sorted(keys)

        # Who was connected all the time hears all of it, once and in order.
        await talk.asha.client.send(talk.id, "the end")
        await talk.bharat.hears_text("the end")
        assert talk.bharat.texts()[:-1] == [key for _, key, _ in stored]


async def test_the_stack_starts_again_after_everything_was_killed(own_stack: Stack) -> None:
    async with talking(own_stack) as talk:
        await talk.asha.client.send(talk.id, "before")
        kill(own_stack, "api.lock")
        kill(own_stack, "postgres/postmaster.pid")
        await start_again(own_stack)
        await talk.asha.client.send(talk.id, "after")
        await talk.bharat.hears_text("after")
        assert talk.bharat.texts() == ["before", "after"]


def stored_messages(stack: Stack, conversation_id: str) -> list[tuple[int, str, str]]:
    """Seq, client_message_id and id of the messages after the greetings, in order of seq."""
    with psycopg.connect(stack.db_url) as connection:
        return connection.execute(
            """
            select seq, client_message_id::text, id::text from public.messages
            where conversation_id = %s and seq >= %s order by seq
            """,
            (conversation_id, NEXT_SEQ),
        ).fetchall()
