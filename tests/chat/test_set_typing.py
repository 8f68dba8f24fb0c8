"""set_typing: kept for six seconds, written nowhere else, and not across a block."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from tests.chat.scenes import Talk, block, context_of, everything
from tests.support.databases import PATIENCE, Database

SHIFT = """
update private.participants set typing_until = %s where conversation_id = %s and user_id = %s
"""


def set_typing(db: Database, user: uuid.UUID, conversation: Any, is_typing: Any = True) -> None:
    with db.signed_in_as(user):
        db.call("set_typing", conversation_id=conversation, is_typing=is_typing)


def test_the_other_side_sees_for_six_seconds_who_types(db: Database, talk: Talk) -> None:
    assert context_of(db, talk.bharat, talk.id)["other_typing"] is False
    with db.transaction(), db.signed_in_as(talk.asha):
        db.call("set_typing", conversation_id=talk.id, is_typing=True)
        (clock,) = db.select("select now() as time")
    until = "select typing_until from private.participants where user_id = %s"
    assert db.value(until, talk.asha) == clock["time"] + timedelta(seconds=6)
    assert context_of(db, talk.bharat, talk.id)["other_typing"] is True
    assert context_of(db, talk.asha, talk.id)["other_typing"] is False
    arranging = db.session()
    for ahead, shown in ((1, True), (0, False)):
        with db.transaction(), db.signed_in_as(talk.bharat):
            (clock,) = db.select("select now() as time")
            moment = clock["time"] + timedelta(microseconds=ahead)
            arranging.query(SHIFT, moment, talk.id, talk.asha)
            context = db.call("get_conversation_context", conversation_id=talk.id)
            assert context["other_typing"] is shown


@pytest.mark.parametrize("stop", [False, None])
def test_whoever_stops_is_no_longer_typing(db: Database, talk: Talk, stop: bool | None) -> None:
    set_typing(db, talk.asha, talk.id)
    set_typing(db, talk.asha, talk.id, stop)
    assert context_of(db, talk.bharat, talk.id)["other_typing"] is False


def test_typing_is_never_a_row_of_realtime(db: Database, talk: Talk) -> None:
    db.query("delete from realtime.messages")
    set_typing(db, talk.asha, talk.id)
    set_typing(db, talk.asha, talk.id, False)
    assert db.query("select event from realtime.messages") == []


@pytest.mark.parametrize("who_blocks", ["asha", "bharat"])
def test_nobody_is_shown_typing_across_a_block(db: Database, talk: Talk, who_blocks: str) -> None:
    pair = (talk.asha, talk.bharat)
    block(db, *(pair if who_blocks == "asha" else reversed(pair)))
    set_typing(db, talk.asha, talk.id)
    assert context_of(db, talk.bharat, talk.id)["other_typing"] is False


def test_who_types_at_the_moment_of_a_block_is_not_shown(db: Database, talk: Talk) -> None:
    other = db.session()
    with db.transaction(), db.signed_in_as(talk.bharat), other.signed_in_as(talk.asha):
        db.call("block_user", user_id=talk.asha)
        typing = other.start("set_typing", conversation_id=talk.id, is_typing=True)
        db.wait_until_blocked(other)
    assert typing.result(PATIENCE) is None
    assert context_of(db, talk.bharat, talk.id)["other_typing"] is False


def test_a_stranger_types_in_no_conversation_and_learns_nothing(db: Database, talk: Talk) -> None:
    before = everything(db)
    answers = []
    for conversation in (talk.id, uuid.uuid4(), None):
        with db.refused("CONVERSATION_NOT_FOUND", 404) as refusal:
            set_typing(db, talk.chitra, conversation)
        answers.append(vars(refusal))
    assert answers[0] == answers[1] == answers[2]
    with db.as_anon(), db.refused("42501"):
        db.call("set_typing", conversation_id=talk.id, is_typing=True)
    assert everything(db) == before
