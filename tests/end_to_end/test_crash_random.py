"""All is killed at random moments under load: no message is lost, doubled or paid for twice."""

from __future__ import annotations

import asyncio
import uuid

import httpx
import psycopg
import pytest

from scripts.dev.demo.person import Person
from tests.chat.scenes import dice
from tests.end_to_end.people import (
    NEXT_SEQ,
    kill,
    needs_our_process,
    sdk_warnings,
    service_headers,
    start_again,
    talking,
)
from tests.support.stacks import Stack

pytestmark = [pytest.mark.anyio, sdk_warnings, needs_our_process]

SEED = 47
CRASHES = 3
MESSAGES = 300
TASKS = 4  # of each sender at the same time
POINTS = 100_000
PRICE = 7
# Far beyond what the sends and the restarts take on a busy machine.
PATIENCE = 120.0


@pytest.mark.long
async def test_nothing_is_lost_doubled_or_paid_twice_by_three_crashes_under_load(
    own_stack: Stack,
) -> None:
    async with asyncio.timeout(PATIENCE), talking(own_stack) as talk:
        senders = {person.id: person for person in (talk.asha, talk.bharat)}
        for user_id in senders:
            give_points(own_stack, user_id)
        waiting = [
            (list(senders.values())[number % 2], str(uuid.uuid4())) for number in range(MESSAGES)
        ]
        answers: dict[str, tuple[str, str]] = {}
        # After so many answers; the last one well before all is sent.
        moments = {
            count: asyncio.Event()
            for count in sorted(dice(SEED).sample(range(MESSAGES - 4 * TASKS), CRASHES))
        }

        async def send_on() -> None:
            while waiting:
                sender, key = waiting.pop()
                answer = await send(sender, talk.id, key)
                answers[key] = (sender.id, answer)
                if moment := moments.get(len(answers)):
                    moment.set()

        async def crash_and_start() -> None:
            for moment in moments.values():
                await moment.wait()
                assert waiting, "everything was sent before the crash"
                # The API as well: alone it would pass on what a dying Postgres still answers, and
                # no send would be repeated that was stored already.
                kill(own_stack, "api.lock")
                kill(own_stack, "postgres/postmaster.pid")
                await start_again(own_stack)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(crash_and_start())
            for _ in range(TASKS * len(senders)):
                tasks.create_task(send_on())

        assert len(answers) == MESSAGES
        with psycopg.connect(own_stack.db_url) as connection:
            messages = connection.execute(
                """
                select seq, client_message_id::text, sender_id::text, id::text
                from public.messages where conversation_id = %s and seq >= %s order by seq
                """,
                (talk.id, NEXT_SEQ),
            ).fetchall()
            payments = connection.execute(
                """
                select user_id::text, message_id::text, delta
                from private.points_ledger where delta < 0
                """
            ).fetchall()
            balances = connection.execute(
                """
                select a.user_id::text, a.points_balance, sum(l.delta)::bigint
                from private.accounts as a
                join private.points_ledger as l on l.user_id = a.user_id
                group by a.user_id
                """
            ).fetchall()
        assert [seq for seq, *_ in messages] == list(range(NEXT_SEQ, NEXT_SEQ + MESSAGES))
        assert {key: (sender, id_) for _, key, sender, id_ in messages} == answers
        assert sorted(payments) == sorted((sender, id_, -PRICE) for _, _, sender, id_ in messages)
        left = POINTS - PRICE * MESSAGES // len(senders)
        assert sorted(balances) == sorted((user_id, left, left) for user_id in senders)

        # Both connect again by themselves: they hear all of it, once and in order.
        await talk.asha.client.send(talk.id, "the end")
        for person in senders.values():
            await person.hears_text("the end")
            assert person.texts()[:-1] == [key for _, key, _, _ in messages]


def give_points(stack: Stack, user_id: str) -> None:
    """Let a user pay for each message from now on, with points that the service grants."""
    with psycopg.connect(stack.db_url) as connection:
        connection.execute(
            """
            update private.accounts set daily_free_limit = 0, points_per_message = %s
            where user_id = %s
            """,
            (PRICE, user_id),
        )
    grant = {"user_id": user_id, "points": POINTS, "reason": "gift", "grant_id": str(uuid.uuid4())}
    httpx.post(
        f"{stack.api_url}/rest/v1/rpc/grant_points", headers=service_headers(stack), json=grant
    ).raise_for_status()


async def send(sender: Person, conversation_id: str, key: str) -> str:
    """Send a message until it is answered; its id."""
    answer = await sender.client.call_until_answered(
        "send_message", conversation_id=conversation_id, message=key, client_message_id=key
    )
    return str(answer["message"]["id"])
