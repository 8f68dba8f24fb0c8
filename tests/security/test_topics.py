"""Who may hear a private channel, and who may speak on it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from tests.chat.scenes import Talk, block, open_talk
from tests.market.scenes import WARES, Market, close, create, open_deal_on, open_market
from tests.support.databases import Database

INSERT = "insert into realtime.messages (topic, extension, private) values (%s, %s, true)"


@pytest.fixture
def talk(db: Database) -> Talk:
    """Asha's and Bharat's chat; Chitra has one with Dev."""
    asha, bharat, chitra, dev = (
        db.create_user(name) for name in ("Asha", "Bharat", "Chitra", "Dev")
    )
    open_talk(db, chitra, dev)
    return Talk(open_talk(db, asha, bharat), asha, bharat, chitra)


@pytest.fixture
def market(db: Database) -> Market:
    """People who may deal with each other, and an event of somebody else's."""
    db.query(INSERT, "elsewhere", "broadcast")
    return open_market(db)


def may_hear(db: Database, user: uuid.UUID, topic: str) -> bool:
    """Whether Realtime would let the user join; it reads a row of the topic as the user."""
    heard: list[dict[str, object]] = []
    with db.transaction(), db.signed_in_as(user):
        db.select("select set_config('realtime.topic', %s, true)", topic)
        heard = db.select("select id from realtime.messages")
    return bool(heard)


def may_speak(db: Database, user: uuid.UUID, topic: str, extension: str = "broadcast") -> bool:
    """Whether Realtime would pass on what the user sends; it inserts a row as the user."""
    with db.transaction(), db.signed_in_as(user):
        db.select("select set_config('realtime.topic', %s, true)", topic)
        try:
            db.select(INSERT, topic, extension)
        except psycopg.errors.InsufficientPrivilege:
            return False
        raise psycopg.Rollback
    return True


def misspelt(topic: str) -> Iterator[str]:
    """Spellings of a channel's topic that name no channel."""
    kind, _, own = topic.partition(":")
    yield from (
        f"{kind}:",
        f"{kind}:{uuid.uuid4()}",
        f"{kind}:{uuid.UUID(int=0)}",
        f"{kind.upper()}:{own}",
        f"{kind}:{own} ",
        f" {kind}:{own}",
        f"{kind}:{own}\n",
        f"{kind}:{own}:x",
        f"{kind}::{own}",
        f"{kind}{own}",
        f"{kind}s:{own}",
        f"x:{kind}:{own}",
        f"{kind}:{{{own}}}",
        f"{kind}:{own.replace('-', '')}",
        f"{kind}:%",
        f"{kind}:*",
        f"realtime:{kind}:{own}",
    )


def wrong_topics(talk: Talk) -> Iterator[str]:
    """Topics that name no channel, whoever asks."""
    yield from misspelt(f"user:{talk.asha}")
    yield from misspelt(f"conversation:{talk.id}")
    yield from ("", ":", "user", "conversation", "*", "%", "room:1", "a" * 10_000)
    # A channel's id under another kind.
    for kind in ("bid", "campaign"):
        yield from (kind, f"{kind}:{talk.id}", f"{kind}:{talk.asha}")


def test_ones_own_topic_is_heard_and_never_spoken_on(db: Database, talk: Talk) -> None:
    assert db.query("select id from realtime.messages"), "there is something to be heard"
    people = (talk.asha, talk.bharat, talk.chitra)
    for owner in people:
        for user in people:
            assert may_hear(db, user, f"user:{owner}") == (user == owner)
            for extension in ("broadcast", "presence"):
                assert not may_speak(db, user, f"user:{owner}", extension)


def test_a_conversation_is_heard_and_spoken_on_by_its_members(db: Database, talk: Talk) -> None:
    topic = f"conversation:{talk.id}"
    for user in (talk.asha, talk.bharat):
        assert may_hear(db, user, topic)
        assert may_speak(db, user, topic, "broadcast")
        assert may_speak(db, user, topic, "presence")
    assert not may_hear(db, talk.chitra, topic)
    assert not may_speak(db, talk.chitra, topic, "broadcast")
    assert not may_speak(db, talk.chitra, topic, "presence")


def test_a_bid_or_campaign_is_heard_by_its_owner_and_those_who_deal_on_it(
    db: Database, market: Market
) -> None:
    for ware in WARES:
        owner, partner = market.owner(ware), market.partner(ware)
        made, other = create(db, ware, owner), create(db, ware, owner)
        topic = f"{ware.kind}:{made['id']}"

        def listeners() -> set[uuid.UUID]:
            return {user for user in market.everybody if may_hear(db, user, topic)}  # noqa: B023

        assert listeners() == {owner}
        open_deal_on(db, ware, other, market.stranger(ware))
        open_deal_on(db, ware, made, partner, flow_state="chat_closed")
        assert listeners() == {owner, partner}
        close(db, ware, owner, made["id"])
        assert listeners() == {owner, partner}
        topic = f"{ware.kind}:{made['id'].upper()}"
        assert listeners() == {owner, partner}
        for user in market.everybody:
            for extension in ("broadcast", "presence"):
                assert not may_speak(db, user, topic, extension)
        for wrong in (*misspelt(topic), f"conversation:{made['id']}", f"user:{made['id']}"):
            assert not may_hear(db, owner, wrong), wrong


def test_a_bids_topic_is_no_campaigns(db: Database, market: Market) -> None:
    for ware, other in (WARES, WARES[::-1]):
        made = create(db, ware, market.owner(ware))
        open_deal_on(db, ware, made, market.partner(ware))
        for user in (market.owner(ware), market.partner(ware)):
            assert may_hear(db, user, f"{ware.kind}:{made['id']}")
            assert not may_hear(db, user, f"{other.kind}:{made['id']}")


def test_across_a_block_nobody_types_or_is_present(db: Database, talk: Talk) -> None:
    block(db, talk.bharat, talk.asha)
    topic = f"conversation:{talk.id}"
    for user in (talk.asha, talk.bharat):
        assert may_hear(db, user, topic)
        for spelt in (topic, f"conversation:{str(talk.id).upper()}"):
            for extension in ("broadcast", "presence"):
                assert not may_speak(db, user, spelt, extension)


def test_an_id_in_capitals_is_the_same_id(db: Database, talk: Talk) -> None:
    theirs = f"conversation:{str(talk.id).upper()}"
    assert theirs != f"conversation:{talk.id}"
    for user in (talk.asha, talk.bharat, talk.chitra):
        assert may_hear(db, user, f"user:{str(talk.asha).upper()}") == (user == talk.asha)
        assert not may_speak(db, user, f"user:{str(talk.asha).upper()}")
        assert may_hear(db, user, theirs) == (user != talk.chitra)
        assert may_speak(db, user, theirs) == (user != talk.chitra)


def test_only_broadcast_and_presence_are_spoken(db: Database, talk: Talk) -> None:
    for extension in ("postgres_changes", "", "Broadcast"):
        assert not may_speak(db, talk.asha, f"conversation:{talk.id}", extension)


def test_every_other_spelling_is_nobodys_and_breaks_nothing(db: Database, talk: Talk) -> None:
    for topic in wrong_topics(talk):
        for user in (talk.asha, talk.chitra):
            assert not may_hear(db, user, topic), topic
            assert not may_speak(db, user, topic), topic


def test_without_a_topic_or_a_user_nothing_is_heard(db: Database, talk: Talk) -> None:
    with db.signed_in_as(talk.asha):
        db.assert_hidden("select id from realtime.messages")
        with db.refused("42501"):
            db.select(INSERT, f"conversation:{talk.id}", "broadcast")
    for topic in (f"user:{talk.asha}", f"conversation:{talk.id}"):
        with db.transaction(), db.signed_in_as(talk.asha, sub=None):
            db.select("select set_config('realtime.topic', %s, true)", topic)
            db.assert_hidden("select id from realtime.messages")
        with db.transaction(), db.as_anon():
            db.select("select set_config('realtime.topic', %s, true)", topic)
            db.assert_hidden("select id from realtime.messages")
            with db.refused("42501"):
                db.select(INSERT, topic, "broadcast")


def test_a_row_may_be_empty_as_realtime_probes_it(db: Database, talk: Talk) -> None:
    topic = f"conversation:{talk.id}"
    probe = "insert into realtime.messages (topic, extension) values (%s, %s) returning id"
    with db.transaction(), db.signed_in_as(talk.asha):
        db.select("select set_config('realtime.topic', %s, true)", topic)
        assert len(db.select(probe, topic, "presence")) == 1
        raise psycopg.Rollback
