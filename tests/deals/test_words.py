"""Words of a party reach the other side as a quote, or not at all; who is told of a step."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.flow.checks import heard_of
from tests.flow.deals import Cast, Play, gather_cast, open_play
from tests.flow.rows import BRAND_OWNER, INFLUENCER
from tests.notifications.devices import register
from tests.support.databases import Database

MARKER = "Meet me at the harbour"
WORK = {"deliverables": "https://drive.example/posts", "description": MARKER}


@pytest.fixture
def people(db: Database) -> Cast:
    """Asha, Bharat, Chitra and Omkar."""
    return gather_cast(db)


def seen_by(play: Play, role: str) -> str:
    """All that a party can read of the deal, as one text."""
    with play.db.signed_in_as(play.user(role)):
        seen: list[Any] = [
            play.db.call("get_conversation_context", conversation_id=play.id),
            play.db.call("get_messages", conversation_id=play.id, page_size=100),
            play.db.call("get_conversation_history", conversation_id=play.id),
            play.db.select("select * from public.work_submissions"),
            play.db.select("select * from public.conversations"),
        ]
    told = [row["payload"] for row in heard_of(play) if row["topic"] == f"user:{play.user(role)}"]
    return json.dumps([*seen, *told], default=str)


def block(play: Play, role: str, other: str) -> None:
    with play.db.signed_in_as(play.user(role)):
        play.db.call("block_user", user_id=play.user(other))


def notified(play: Play) -> list[tuple[str, str]]:
    """Who was notified of the newest step, and of what."""
    return [
        (row["topic"], row["payload"]["notification"]["type"])
        for row in heard_of(play)
        if row["payload"].get("notification")
    ]


@pytest.mark.parametrize("blocker", [INFLUENCER, BRAND_OWNER])
def test_across_a_block_a_step_counts_and_its_words_are_not_delivered(
    db: Database, people: Cast, blocker: str
) -> None:
    play = open_play(db, people, "bid", "work_in_progress")
    other = BRAND_OWNER if blocker == INFLUENCER else INFLUENCER
    block(play, blocker, other)
    play.call(INFLUENCER, "request_cancellation", {"reason": MARKER})
    assert play.stored()["flow_state"] == "cancellation_requested"
    play.call(INFLUENCER, "withdraw_cancellation", {})
    play.call(INFLUENCER, "submit_work", WORK)
    assert WORK["deliverables"] in seen_by(play, BRAND_OWNER)
    play.call(BRAND_OWNER, "request_revision", {"feedback": MARKER})
    play.call(INFLUENCER, "raise_dispute", {"reason": MARKER})
    assert play.stored()["flow_state"] == "disputed"
    for role in (INFLUENCER, BRAND_OWNER):
        assert MARKER not in seen_by(play, role)
    # Operators, who decide about it, read why.
    assert db.value("select reason from private.disputes") == MARKER


def test_without_a_block_the_same_words_are_read(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "work_in_progress")
    play.call(INFLUENCER, "submit_work", WORK)
    assert MARKER in seen_by(play, BRAND_OWNER)


def test_a_direct_chat_closes_without_a_reason(db: Database, people: Cast) -> None:
    with db.signed_in_as(people.asha):
        talk = db.call("direct_connect", target_user_id=people.bharat)
        id_ = talk["conversation"]["conversation_id"]
        for action in ("close_conversation", "reopen_conversation"):
            db.call("take_action", conversation_id=id_, action=action, input={"reason": MARKER})
        (close,) = db.call("get_available_actions", conversation_id=id_)
    assert (close["action"], close["input"]) == ("close_conversation", None)
    for table in ("public.messages", "public.conversation_events", "realtime.messages"):
        rows = f"select coalesce(string_agg(t::text, ' '), '') from {table} as t"  # noqa: S608
        assert MARKER not in db.value(rows)


def test_nobody_is_notified_of_an_own_step(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "work_in_progress")
    db.query("delete from realtime.messages")
    db.query("delete from private.notifications")
    play.call(INFLUENCER, "raise_dispute", {})
    assert notified(play) == [(f"user:{people.bharat}", "dispute")]
    assert [row["user_id"] for row in db.query("select user_id from private.notifications")] == [
        people.bharat
    ]


def test_a_muted_deal_is_heard_and_notifies_nobody(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "work_in_progress")
    register(db, people.bharat, "phone")
    with db.signed_in_as(people.bharat):
        later = db.value("select now()") + timedelta(days=1)
        db.call("set_conversation_preferences", conversation_id=play.id, muted_until=str(later))
    db.query("delete from realtime.messages")
    db.query("delete from private.notifications")
    play.call(INFLUENCER, "submit_work", WORK)
    assert [row["event"] for row in heard_of(play) if row["topic"].endswith(str(people.bharat))]
    assert notified(play) == []
    assert db.value("select count(*) from private.notifications") == 0
    assert db.value("select count(*) from private.push_outbox") == 0


def test_a_repeat_never_shows_a_message_that_has_disappeared(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "real_time")
    key = "00000000-0000-4000-8000-000000000002"
    press = {"conversation_id": play.id, "action": "rate_collaboration", "client_action_id": key}
    with db.signed_in_as(people.bharat):
        db.call("send_message", conversation_id=play.id, message=MARKER, expiration_hours=1)
        first = db.call("take_action", **press, input={"rating": 5})
        db.query(
            "update public.messages set expires_at = now() - interval '1 hour'"
            " where expires_at is not null"
        )
        again = db.call("take_action", **press, input={"rating": 5})
    assert again["flow_update"] == first["flow_update"]
    assert MARKER not in json.dumps(again)
    kept = "select string_agg(r::text, ' ') from private.action_results as r"
    assert MARKER not in db.value(kept)
