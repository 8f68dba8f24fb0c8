"""Broadcasts are lost and doubled at random: after a sync both sides have what the database has."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from examples.python.parley_client import ParleyError
from scripts.dev.demo.person import Json, Person
from tests.chat.scenes import dice
from tests.end_to_end.people import NEXT_SEQ, Talk, sdk_warnings, talking
from tests.support.stacks import Stack

pytestmark = [pytest.mark.anyio, sdk_warnings]

ACTIONS = 40  # only the other side's are heard: enough for each fate of a broadcast
TASKS = 2  # of each person at the same time
# Far beyond what the actions take on a busy machine.
PATIENCE = 60.0


@dataclass
class Noise:
    """Loses and doubles a person's broadcasts before the client hears them."""

    chance: random.Random
    loss: float = 0.3
    doubling: float = 0.2
    became: Counter[str] = field(default_factory=Counter)
    _newest: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def disturb(self, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        """Come between the person's channel and client."""
        hear = person.client._hear

        def hear_in_noise(event: str, payload: Json) -> None:
            if event == "new_message":
                self._newest = max(self._newest, payload["message"]["seq"])
                self._news.set()
            luck = self.chance.random()
            if luck < self.loss:
                self.became["lost"] += 1
                return
            self.became["heard"] += 1
            hear(event, payload)
            if luck > 1 - self.doubling:
                self.became["doubled"] += 1
                hear(event, payload)

        monkeypatch.setattr(person.client, "_hear", hear_in_noise)

    async def meets(self, seq: int) -> None:
        """Wait for the broadcast of this message, or of a newer one, lost or not."""
        while self._newest < seq:
            self._news.clear()
            await self._news.wait()


async def live(talk: Talk, person: Person, chance: random.Random) -> list[str]:
    """Write, read, block and unblock in random order; the keys of the messages that were taken."""
    client = person.client
    (other,) = {talk.asha.id, talk.bharat.id} - {person.id}
    taken = []
    for _ in range(ACTIONS):
        action = chance.choices(["write", "read", "block"], [8, 3, 1])[0]
        if action == "read":
            up_to_seq = chance.randint(1, client.known[talk.id]["seq"])
            await client.call("mark_read", conversation_id=talk.id, up_to_seq=up_to_seq)
        elif action == "block":
            await client.call("block_user", user_id=other)
            await client.call("unblock_user", user_id=other)
        elif key := await write(talk, person):
            taken.append(key)
    return taken


async def write(talk: Talk, person: Person) -> str | None:
    """Send a message whose text is its key; None when a block stops it."""
    key = str(uuid.uuid4())
    arguments = {"conversation_id": talk.id, "message": key, "client_message_id": key}
    try:
        await person.client.call_until_answered("send_message", **arguments)
    except ParleyError as error:
        if error.error_code != "BLOCKED":
            raise
        return None
    return key


def heard_messages(person: Person) -> list[tuple[int, str, str]]:
    """Seq, id and text of each message that the client passed on, in the order it did."""
    heard = [payload["message"] for payload in person.payloads("new_message")]
    return [(message["seq"], message["id"], message["message"]) for message in heard]


def last_marks(person: Person, talk: Talk) -> tuple[int, int]:
    """How far oneself and the other has read, as the client was told last by a sync."""
    synced = [c for payload in person.payloads("synced") for c in payload["conversations"]]
    context = [c for c in synced if c["conversation_id"] == talk.id][-1]
    return context["read_seq"], context["other_read_seq"]


def stored(stack: Stack, query: str, *parameters: Any) -> list[Any]:
    """What the database holds."""
    with psycopg.connect(stack.db_url) as connection:
        return connection.execute(query, parameters).fetchall()


def last_of_the_other(stack: Stack, talk: Talk, person: Person) -> int:
    """The seq of the newest message that the other side sent; one's own need not be told."""
    query = "select max(seq) from public.messages where conversation_id = %s and sender_id <> %s"
    ((seq,),) = stored(stack, query, talk.id, person.id)
    return int(seq)


@pytest.mark.parametrize("seed", [11, *(pytest.param(n, marks=pytest.mark.long) for n in (12, 13))])
async def test_both_sides_have_what_the_database_has_whatever_broadcasts_do(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = dice(seed)
    async with asyncio.timeout(PATIENCE), talking(stack) as talk:
        people = (talk.asha, talk.bharat)
        noises = [Noise(dice(chance.randrange(2**32))) for _ in people]
        for person, noise in zip(people, noises, strict=True):
            noise.disturb(person, monkeypatch)
        lives = [
            live(talk, person, dice(chance.randrange(2**32)))
            for person in people
            for _ in range(TASKS)
        ]
        taken = [key for keys in await asyncio.gather(*lives) for key in keys]
        for person, noise in zip(people, noises, strict=True):
            await noise.meets(last_of_the_other(stack, talk, person))
            assert min(noise.became[fate] for fate in ("lost", "heard", "doubled")) >= 5

        # The client repairs what a later message shows it. Nothing shows it the last ones:
        # let them be lost for certain, when the repairs under way are done.
        for person, noise in zip(people, noises, strict=True):
            noise.loss = 1
            await asyncio.gather(*person.client._tasks)
        for person in people:
            await person.client.call("mark_read", conversation_id=talk.id)
            last = await write(talk, person)
            assert last
            taken.append(last)
        everything = stored(
            stack,
            """
            select seq, id::text, message from public.messages
            where conversation_id = %s and seq >= %s order by seq
            """,
            *(talk.id, NEXT_SEQ),
        )
        for person in people:
            assert heard_messages(person) != everything

        for person in people:
            await person.client.sync()
        assert [seq for seq, _, _ in everything] == list(range(NEXT_SEQ, NEXT_SEQ + len(taken)))
        assert sorted(text for _, _, text in everything) == sorted(taken)
        for person in people:
            assert heard_messages(person) == everything
        read_seqs = dict(
            stored(
                stack,
                """
                select user_id::text, read_seq from private.participants
                where conversation_id = %s
                """,
                talk.id,
            )
        )
        asha, bharat = (read_seqs[person.id] for person in people)
        assert bharat > asha > NEXT_SEQ
        assert last_marks(talk.asha, talk) == (asha, bharat)
        assert last_marks(talk.bharat, talk) == (bharat, asha)
