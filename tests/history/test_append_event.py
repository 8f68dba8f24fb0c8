"""Each step is one event, chained to the one before it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

from tests.history.steps import Story, events_of, open_chat, take_step, verify
from tests.support.calls import Row
from tests.support.databases import Database

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def expected_hash(event: Row, previous: bytes) -> bytes:
    """The hash as its documentation says it, made without the database."""
    columns = [
        str(event["conversation_id"]),
        event["version"],
        event["actor_role"],
        None if event["actor_id"] is None else str(event["actor_id"]),
        event["action"],
        event["from_state"],
        event["to_state"],
        microseconds(event["created_at"]),
        microseconds(event["effective_at"]),
    ]
    text = json.dumps(columns, ensure_ascii=False).encode()
    return hashlib.sha256(previous + text + event["commitment"]).digest()


def test_an_event_says_what_the_step_was(db: Database, story: Story) -> None:
    event = events_of(db, story.id)[1]
    assert (event["version"], event["actor_role"], event["actor_id"]) == (2, "member", story.asha)
    assert (event["action"], event["details"]) == ("close_chat", {"reason": "Quetzal at noon"})
    assert (event["from_state"], event["to_state"]) == ("real_time", "chat_closed")


def test_steps_of_the_system_and_of_operators_name_nobody(db: Database, story: Story) -> None:
    unnamed = [(e["actor_role"], e["actor_id"]) for e in events_of(db, story.id)[3:5]]
    assert unnamed == [("system", None), ("admin", None)]


def test_hashes_are_made_as_documented(db: Database, story: Story) -> None:
    take_step(db, story.id, 'odd "names",\n✓', "real_time", story.asha, details={"price": "₹ 5"})
    previous = b""
    for event in events_of(db, story.id):
        assert event["hash"] == expected_hash(event, previous)
        previous = event["hash"]


def test_commitments_are_made_as_documented_with_a_salt_for_each(
    db: Database, story: Story
) -> None:
    rows = db.query("""
        select e.commitment, s.salt, e.details::text as details
        from public.conversation_events as e
        join private.event_salts as s using (conversation_id, version)
    """)
    assert len({row["salt"] for row in rows}) == len(rows) == 6
    for row in rows:
        assert len(row["salt"]) >= 16
        said = row["salt"] + row["details"].encode()
        assert row["commitment"] == hashlib.sha256(said).digest()


def test_a_step_without_details_keeps_an_empty_object(db: Database, story: Story) -> None:
    assert events_of(db, story.id)[3]["details"] == {}


def test_an_event_is_written_now_and_says_when_it_happened(db: Database, story: Story) -> None:
    now: datetime = db.value("select clock_timestamp()")
    past = now - timedelta(days=90)
    take_step(db, story.id, "timer_idle", "real_time", role="system", at=past)
    event = events_of(db, story.id)[-1]
    assert event["effective_at"] == past
    assert now < event["created_at"] < now + timedelta(minutes=1)


def test_an_event_is_not_written_before_it_happened(db: Database, story: Story) -> None:
    ahead = db.value("select clock_timestamp()") + timedelta(minutes=5)
    take_step(db, story.id, "reopen_chat", "real_time", story.asha, at=ahead)
    event = events_of(db, story.id)[-1]
    assert event["created_at"] == event["effective_at"] == ahead


def test_two_steps_cannot_have_one_version(db: Database, story: Story) -> None:
    db.query("update private.conversations set version = version - 1")
    with db.refused("23505"):
        take_step(db, story.id, "close_chat", "chat_closed", story.asha)


def test_histories_are_chains_of_their_own(db: Database, story: Story) -> None:
    other = open_chat(db, story.asha, story.chitra)
    take_step(db, other, "direct_connect", "real_time", story.asha, from_state="initial")
    (event,) = events_of(db, other)
    assert event["hash"] == expected_hash(event, b"")
    take_step(db, story.id, "reopen_chat", "real_time", story.asha)
    assert [verify(db, chat)["valid"] for chat in (story.id, other)] == [True, True]
