"""Blocks: at once, in both directions, and nobody else's business."""

from __future__ import annotations

import threading
import uuid

import psycopg
import pytest

from tests.chat.scenes import (
    Talk,
    all_messages,
    broadcasts,
    context_of,
    everything,
    open_deal,
    open_talk,
    send,
)
from tests.support.crowds import OK, outcome
from tests.support.databases import PATIENCE, Database, read_refusal

BLOCKS = "select blocker_id, blocked_id from public.blocks"


def block(db: Database, user: uuid.UUID, other: uuid.UUID) -> None:
    with db.signed_in_as(user):
        answer = db.call("block_user", user_id=other)
    assert answer == {"user_id": str(other), "blocked": True}


def unblock(db: Database, user: uuid.UUID, other: uuid.UUID) -> None:
    with db.signed_in_as(user):
        answer = db.call("unblock_user", user_id=other)
    assert answer == {"user_id": str(other), "blocked": False}


def test_a_block_stops_both_and_nobody_else(db: Database, talk: Talk) -> None:
    elsewhere = open_talk(db, talk.asha, talk.chitra)
    send(db, talk.asha, talk.id, "before")
    block(db, talk.bharat, talk.asha)
    for user, other in ((talk.asha, talk.bharat), (talk.bharat, talk.asha)):
        with db.refused("BLOCKED", 403):
            send(db, user, talk.id, "hi")
        with db.refused("BLOCKED", 403):
            open_talk(db, user, other)
        assert context_of(db, user, talk.id)["free_text_allowed"] is False
        # What was said stays readable.
        assert [message["seq"] for message in all_messages(db, user, talk.id)] == [1, 2]
    assert send(db, talk.asha, elsewhere, "hi")["seq"] == 2
    assert context_of(db, talk.asha, elsewhere)["free_text_allowed"] is True


def test_a_block_reaches_every_conversation_of_the_two(db: Database, talk: Talk) -> None:
    deal = open_deal(db, talk.bharat, talk.asha)
    block(db, talk.asha, talk.bharat)
    for user in (talk.asha, talk.bharat):
        with db.refused("BLOCKED", 403):
            send(db, user, deal, "hi")


def test_each_takes_back_only_the_own_block(db: Database, talk: Talk) -> None:
    block(db, talk.asha, talk.bharat)
    block(db, talk.bharat, talk.asha)
    unblock(db, talk.asha, talk.bharat)
    for user in (talk.asha, talk.bharat):
        with db.refused("BLOCKED", 403):
            send(db, user, talk.id, "hi")
    unblock(db, talk.bharat, talk.asha)
    for user in (talk.asha, talk.bharat):
        assert context_of(db, user, talk.id)["free_text_allowed"] is True
        send(db, user, talk.id, "hi")


def test_blocking_again_and_unblocking_again_change_nothing(db: Database, talk: Talk) -> None:
    block(db, talk.asha, talk.bharat)
    made = db.query("select * from public.blocks")
    block(db, talk.asha, talk.bharat)
    assert db.query("select * from public.blocks") == made
    unblock(db, talk.asha, talk.bharat)
    unblock(db, talk.asha, talk.bharat)
    unblock(db, talk.asha, talk.chitra)
    assert db.query(BLOCKS) == []


def test_nobody_sees_who_blocks_them(db: Database, talk: Talk) -> None:
    block(db, talk.asha, talk.bharat)
    with db.signed_in_as(talk.asha):
        assert db.select(BLOCKS) == [{"blocker_id": talk.asha, "blocked_id": talk.bharat}]
    for user in (talk.bharat, talk.chitra):
        with db.signed_in_as(user):
            db.assert_hidden(BLOCKS)
    refusals = []
    for user in (talk.asha, talk.bharat):
        with db.refused("BLOCKED", 403) as refusal:
            send(db, user, talk.id, "hi")
        refusals.append(vars(refusal))
    assert refusals[0] == refusals[1]


def test_wrong_ids_are_refused_and_write_nothing(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    before = everything(db)
    for function in ("block_user", "unblock_user"):
        with subtests.test(function), db.signed_in_as(talk.asha):
            details = {"field": "user_id", "rule": "not_yourself"}
            with db.refused("INPUT_INVALID", 422, details=details):
                db.call(function, user_id=talk.asha)
            for unknown in (uuid.uuid4(), None):
                with db.refused("USER_NOT_FOUND", 404):
                    db.call(function, user_id=unknown)
        with db.as_anon(), db.refused("42501"):
            db.call(function, user_id=talk.asha)
    assert everything(db) == before


def test_both_sides_learn_from_the_version_that_something_changed(db: Database, talk: Talk) -> None:
    for change in (block, unblock):
        known = {u: context_of(db, u, talk.id)["version"] for u in (talk.asha, talk.bharat)}
        change(db, talk.asha, talk.bharat)
        for user, version in known.items():
            with db.signed_in_as(user):
                context = db.call(
                    "get_conversation_context", conversation_id=talk.id, known_version=version
                )
            assert "not_modified" not in context


def test_in_the_middle_of_a_stream_no_send_succeeds_after_the_block_has_returned(
    db: Database, talk: Talk
) -> None:
    ends: list[tuple[bool, str]] = []
    blocked, enough = threading.Event(), threading.Event()
    sender = db.session()

    def stream() -> None:
        while len([end for end in ends if end[0]]) < 5:
            after = blocked.is_set()
            ends.append((after, outcome(lambda: send(sender, talk.asha, talk.id, "and"))))
            if len(ends) >= 10:
                enough.set()

    thread = threading.Thread(target=stream)
    thread.start()
    assert enough.wait(PATIENCE)
    block(db, talk.bharat, talk.asha)
    blocked.set()
    thread.join(PATIENCE)
    assert {end for after, end in ends if after} == {"BLOCKED"}
    assert ends[0] == (False, OK)
    codes = [end for _, end in ends]
    assert codes == sorted(codes, key=lambda code: code == "BLOCKED")
    assert set(codes) == {OK, "BLOCKED"}


@pytest.mark.parametrize("kind", ["direct", "deal"])
def test_a_block_waits_for_a_send_that_came_first(db: Database, talk: Talk, kind: str) -> None:
    conversation = talk.id if kind == "direct" else open_deal(db, talk.bharat, talk.asha)
    other = db.session()
    with db.transaction(), other.signed_in_as(talk.bharat):
        send(db, talk.asha, conversation, "just in time")
        waiting = other.start("block_user", user_id=talk.asha)
        db.wait_until_blocked(other)
    assert waiting.result(PATIENCE)["blocked"] is True
    with db.refused("BLOCKED", 403):
        send(db, talk.asha, conversation, "too late")


def test_a_send_that_came_second_waits_for_the_block(db: Database, talk: Talk) -> None:
    other = db.session()
    with db.transaction(), other.signed_in_as(talk.asha):
        block(db, talk.bharat, talk.asha)
        waiting = other.start("send_message", conversation_id=talk.id, message="too late")
        db.wait_until_blocked(other)
    with pytest.raises(psycopg.Error) as caught:
        waiting.result(PATIENCE)
    assert read_refusal(caught.value).code == "BLOCKED"


def test_a_first_message_to_somebody_who_is_just_blocking_comes_before_or_not_at_all(
    db: Database, talk: Talk
) -> None:
    other = db.session()
    with db.transaction(), other.signed_in_as(talk.chitra):
        with db.signed_in_as(talk.asha):
            db.call("direct_connect", target_user_id=talk.chitra, initial_message="hi")
        waiting = other.start("block_user", user_id=talk.asha)
        db.wait_until_blocked(other)
    assert waiting.result(PATIENCE)["blocked"] is True


def test_two_who_block_each_other_while_they_write_never_deadlock(db: Database, talk: Talk) -> None:
    sessions = [db.session() for _ in range(4)]
    pairs = [(talk.asha, talk.bharat), (talk.bharat, talk.asha)] * 2
    ends: list[str] = []

    def play(place: int) -> None:
        session, (user, other) = sessions[place], pairs[place]
        for number in range(12):
            calls = (
                lambda: block(session, user, other),
                lambda: send(session, user, talk.id, "hi"),
                lambda: unblock(session, user, other),
            )
            ends.append(outcome(calls[number % 3]))

    threads = [threading.Thread(target=play, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(ends) == 48
    assert set(ends) <= {OK, "BLOCKED"}


def test_a_block_itself_is_told_to_nobody(db: Database, talk: Talk) -> None:
    db.query("delete from realtime.messages")
    block(db, talk.asha, talk.bharat)
    unblock(db, talk.asha, talk.bharat)
    assert broadcasts(db, "new_message", "notification", "user_typing") == []


def test_a_block_takes_the_rows_of_a_pair_in_the_order_that_everybody_keeps(
    db: Database, talk: Talk
) -> None:
    for _ in range(7):
        open_deal(db, talk.bharat, talk.asha)
    rows = "select conversation_id from private.participants"
    first = db.value("select min(conversation_id::text)::uuid from private.participants")
    other = db.session()
    with psycopg.connect(db.dsn()) as holder, other.signed_in_as(talk.asha):
        holder.execute(f"{rows} where conversation_id = %s for update", [first])
        waiting = other.start("block_user", user_id=talk.bharat)
        db.wait_until_blocked(other)
        # While it waits for the first, it keeps nobody from any other.
        free = db.query(f"{rows} where conversation_id <> %s for update skip locked", first)
        assert len(free) == 14
    assert waiting.result(PATIENCE)["blocked"] is True


def test_words_reach_the_other_side_unless_there_is_a_block_or_nobody_there(
    db: Database, talk: Talk
) -> None:
    def reach() -> list[bool]:
        pairs = ((talk.asha, talk.bharat), (talk.bharat, talk.asha))
        return [db.call_private("may_reach", p_user_id=a, p_other_id=b) for a, b in pairs]

    assert reach() == [True, True]
    block(db, talk.asha, talk.bharat)
    assert reach() == [False, False]
    unblock(db, talk.asha, talk.bharat)
    assert reach() == [True, True]
    db.query_as_superuser("delete from auth.users where id = %s", talk.bharat)
    assert reach() == [False, False]
