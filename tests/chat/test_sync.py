"""sync: whatever was missed, a client that calls it ends with the truth."""

from __future__ import annotations

import random
import uuid
from typing import Any

import pytest

from tests.chat.scenes import (
    CONTEXT_KEYS,
    MESSAGE_KEYS,
    Talk,
    add_messages,
    all_messages,
    context_of,
    dice,
    everything,
    open_deal,
    open_talk,
    send,
)
from tests.support.databases import Database

# What a client shows of a conversation and only messages change.
SHOWN = ("last_seq", "last_message", "unread_count")


class Client:
    """A phone that keeps what it hears, as long as it hears it."""

    def __init__(self, db: Database, user: uuid.UUID) -> None:
        self.db = db
        self.user = user
        self.messages: dict[str, dict[int, str]] = {}
        self.contexts: dict[str, Any] = {}

    @property
    def known(self) -> dict[str, int]:
        """The last seq of each conversation that it has something of."""
        return {talk: max(messages) for talk, messages in self.messages.items()}

    def ask(self, page_size: int) -> Any:
        """Call sync; the answer."""
        with self.db.signed_in_as(self.user):
            answer = self.db.call("sync", known=self.known, page_size=page_size)
        assert answer.keys() >= {"conversations", "messages", "has_more", "server_now"}
        assert len(answer["messages"]) <= page_size
        return answer

    def keep(self, messages: list[Any], contexts: list[Any]) -> None:
        """Store what an answer brought."""
        for message in messages:
            talk = self.messages.setdefault(message["conversation_id"], {})
            assert message["seq"] not in talk, "a message came twice"
            talk[message["seq"]] = message["id"]
        for context in contexts:
            self.contexts[context["conversation_id"]] = context

    def catch_up(self, page_size: int) -> int:
        """Ask until there is no more; returns how often."""
        for count in range(1, 10_000):
            answer = self.ask(page_size)
            self.keep(answer["messages"], answer["conversations"])
            if not answer["has_more"]:
                return count
        raise AssertionError("sync never ends")

    def assert_true(self) -> None:
        """Compare with what the server says to direct questions."""
        with self.db.signed_in_as(self.user):
            listed = self.db.call("get_conversations", page_size=100, filter="all")
        assert self.contexts.keys() == {
            context["conversation_id"] for context in listed["conversations"]
        }
        for talk, context in self.contexts.items():
            truth = {
                message["seq"]: message["id"] for message in all_messages(self.db, self.user, talk)
            }
            assert self.messages.get(talk, {}) == truth
            now = context_of(self.db, self.user, talk)
            assert {key: context[key] for key in SHOWN} == {key: now[key] for key in SHOWN}


def play(db: Database, talk: Talk, talks: list[str], chance: random.Random) -> None:
    """Something happens in one of the conversations of Asha and Bharat."""
    conversation = chance.choice(talks)
    sender = chance.choice([talk.asha, talk.bharat])
    if chance.random() < 0.7:
        send(db, sender, conversation, "x")
        return
    hidden = {"sender_id": sender, "receiver_id": sender, "visible_to": "sender"}
    gone = {"sender_id": sender, "expires_in": "-1 second"}
    add_messages(db, conversation, [chance.choice([hidden, gone])])


def test_a_client_that_loses_answers_at_random_always_ends_with_the_truth(
    db: Database, talk: Talk
) -> None:
    chance = dice(23)
    talks = [talk.id, open_deal(db, talk.bharat, talk.asha), open_deal(db, talk.asha, talk.bharat)]
    client = Client(db, talk.bharat)
    for _ in range(40):
        for _ in range(chance.randint(0, 4)):
            play(db, talk, talks, chance)
        answer = client.ask(chance.randint(1, 6))
        messages = answer["messages"]
        fate = chance.random()
        if fate < 0.3:
            continue  # The answer was lost.
        # Or the app was closed while it stored the page.
        kept = chance.randint(0, len(messages)) if fate < 0.6 else len(messages)
        client.keep(messages[:kept], answer["conversations"] if kept == len(messages) else [])
    client.catch_up(4)
    client.assert_true()


def test_pages_of_one_bring_everything_and_has_more_tells_when_to_stop(
    db: Database, talk: Talk
) -> None:
    other = open_talk(db, talk.chitra, talk.bharat)
    for n in range(3):
        send(db, talk.asha, talk.id, str(n))
        send(db, talk.chitra, other, str(n))
    for size, calls in ((1, 8), (3, 3), (4, 2), (7, 2), (8, 1), (9, 1)):
        client = Client(db, talk.bharat)
        assert client.catch_up(size) == calls, size
        client.assert_true()
        assert client.catch_up(size) == 1


def test_conversations_that_are_not_named_come_whole_and_known_ones_from_there(
    db: Database, talk: Talk
) -> None:
    other = open_talk(db, talk.chitra, talk.bharat)
    for conversation, user in ((talk.id, talk.asha), (other, talk.chitra)):
        for n in range(3):
            send(db, user, conversation, str(n))
    with db.signed_in_as(talk.bharat):
        answer = db.call("sync", known={talk.id: 2})
        assert [(message["conversation_id"], message["seq"]) for message in answer["messages"]] == [
            (other, 1),
            (other, 2),
            (other, 3),
            (other, 4),
            (talk.id, 3),
            (talk.id, 4),
        ]
        assert {context["conversation_id"] for context in answer["conversations"]} == {
            talk.id,
            other,
        }
        assert all(message.keys() == MESSAGE_KEYS for message in answer["messages"])
        assert all(context.keys() >= CONTEXT_KEYS for context in answer["conversations"])
        assert answer["has_more"] is False

        nothing = db.call("sync", known={talk.id: 4, other: 4})
        assert (nothing["messages"], nothing["conversations"]) == ([], [])
        assert nothing["has_more"] is False
        # A client that claims the future is told nothing, and nothing breaks.
        assert db.call("sync", known={talk.id: 10**17, other: 4})["messages"] == []


def test_a_page_reads_its_own_messages_and_not_those_that_wait_behind_it(
    db: Database, talk: Talk
) -> None:
    for _ in range(11):
        open_deal(db, talk.asha, talk.bharat)
    db.query(
        """
        with grown as (
          update private.conversations as c set last_seq = c.last_seq + 60
          where %s in (c.user_a, c.user_b)
          returning c.id, c.last_seq
        )
        insert into public.messages (conversation_id, seq, sender_id, message, message_type)
        select g.id, g.last_seq - n, %s, 'hello', 'user_input'
        from grown as g, generate_series(0, 59) as n
        returning id
        """,
        *(talk.bharat, talk.asha),
    )
    fetched = (
        "select coalesce(max(idx_tup_fetch), 0) as n from pg_stat_xact_user_tables"
        " where relid = 'public.messages'::regclass"
    )
    with db.signed_in_as(talk.bharat), db.transaction():
        (before,) = db.select(fetched)
        assert db.call("sync", known={}, page_size=50)["has_more"] is True
        (after,) = db.select(fetched)
    # The page, and the unread ones of its one context; twelve conversations have 720.
    assert 50 <= after["n"] - before["n"] <= 250


def test_a_user_without_conversations_gets_an_empty_answer(db: Database, talk: Talk) -> None:
    with db.signed_in_as(talk.chitra):
        for known in ({}, {talk.id: 0}, {str(uuid.uuid4()): 3}):
            answer = db.call("sync", known=known)
            assert (answer["messages"], answer["conversations"]) == ([], [])
            assert answer["has_more"] is False


def test_what_is_returned_counts_as_delivered_and_no_more(db: Database, talk: Talk) -> None:
    for n in range(4):
        send(db, talk.asha, talk.id, str(n))

    def delivered() -> int:
        return int(context_of(db, talk.asha, talk.id)["other_delivered_seq"])

    with db.signed_in_as(talk.bharat):
        db.call("sync", known={talk.id: 1}, page_size=2)
    assert delivered() == 3
    with db.signed_in_as(talk.bharat):
        answer = db.call("sync", known={talk.id: 3}, page_size=2)
    assert delivered() == 5
    assert answer["conversations"][0]["read_seq"] == 1
    assert answer["conversations"][0]["unread_count"] == 4
    # An older client of the same user takes nothing back.
    with db.signed_in_as(talk.bharat):
        db.call("sync", known={}, page_size=1)
    assert delivered() == 5
    assert context_of(db, talk.asha, talk.id)["other_read_seq"] == 1


def test_a_conversation_that_moved_without_a_message_for_the_caller_still_comes(
    db: Database, talk: Talk
) -> None:
    add_messages(
        db,
        talk.id,
        [{"sender_id": talk.asha, "receiver_id": talk.asha, "visible_to": "sender"}],
    )
    with db.signed_in_as(talk.bharat):
        answer = db.call("sync", known={talk.id: 1})
    assert answer["messages"] == []
    assert [context["last_seq"] for context in answer["conversations"]] == [2]


BAD: list[tuple[Any, str]] = [
    (None, "object"),
    ([], "object"),
    ("x", "object"),
    (7, "object"),
    ({"x": 1}, "ids_and_seqs"),
    ({"": 1}, "ids_and_seqs"),
    ({str(uuid.UUID(int=7)): "1"}, "ids_and_seqs"),
    ({str(uuid.UUID(int=7)): None}, "ids_and_seqs"),
    ({str(uuid.UUID(int=7)): -1}, "ids_and_seqs"),
    ({str(uuid.UUID(int=7)): 1.5}, "ids_and_seqs"),
    ({str(uuid.UUID(int=7)): 10**18}, "ids_and_seqs"),
    ({str(uuid.UUID(int=7)): {}}, "ids_and_seqs"),
    ({str(uuid.UUID(int=7)): {"version": 1}}, "ids_and_seqs"),
    ({str(uuid.UUID(int=7)): {"seq": 1, "version": None}}, "ids_and_seqs"),
    ({str(uuid.UUID(int=7)): {"seq": 1, "Version": 1}}, "ids_and_seqs"),
    ({str(uuid.UUID(int=7)): 1, "version": 1}, "ids_and_seqs"),
    ({str(uuid.UUID(int=0xABC)): 1, str(uuid.UUID(int=0xABC)).upper(): 1}, "ids_and_seqs"),
    ({uuid.UUID(int=7).hex: 1}, "ids_and_seqs"),
    ({str(uuid.UUID(int=n)): 1 for n in range(2001)}, "entries"),
    ({str(uuid.UUID(int=7)): {"seq": 1, "more": "x" * 600_000}}, "size"),
    ({str(uuid.UUID(int=7)) + "\n": 1}, "ids_and_seqs"),
    ({str(uuid.UUID(int=7)): 1, "x": 1}, "ids_and_seqs"),
]


def test_an_id_in_any_case_is_the_same_id(db: Database, talk: Talk) -> None:
    with db.signed_in_as(talk.bharat):
        assert db.call("sync", known={talk.id.upper(): 1})["messages"] == []
        assert db.call("sync", known={str(uuid.UUID(int=n)): 1 for n in range(2000)})["messages"]


def test_a_known_that_is_no_list_of_marks_is_refused(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    before = everything(db)
    for known, rule in BAD:
        details = {"field": "known", "rule": rule}
        with (
            subtests.test(str(known)[:80]),
            db.signed_in_as(talk.bharat),
            db.refused("INPUT_INVALID", 422, details=details),
        ):
            db.call("sync", known=known)
    assert everything(db) == before


def test_a_known_whose_numbers_are_very_much_text_is_refused(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    for number in ("1e131071", "0e-16383"):
        known = ", ".join(f'"a{n}": {number}' for n in range(1900))
        details = {"field": "known", "rule": "size"}
        with (
            subtests.test(number),
            db.signed_in_as(talk.bharat),
            db.refused("INPUT_INVALID", 422, details=details),
        ):
            db.select("select public.sync(%s::jsonb)", f"{{{known}}}")


def test_a_page_has_1_to_1000_messages(db: Database, talk: Talk) -> None:
    for n in range(2):
        send(db, talk.asha, talk.id, str(n))
    with db.signed_in_as(talk.bharat):
        for asked, count in ((0, 1), (-1, 1), (None, 3), (2147483647, 3)):
            assert len(db.call("sync", page_size=asked)["messages"]) == count
