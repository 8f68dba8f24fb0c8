"""Notices: at a fifth and at nothing, of the free messages and of the points, once each."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chat.scenes import Talk, broadcasts, open_session, open_talk, send
from tests.points.purse import give_points, quota_of, set_quota
from tests.support.databases import Database
from tests.support.operators import set_account, set_setting

KINDS = ("quota_low", "points_low")


class Told:
    """What a user heard during a `with` block."""

    quota_changed: list[Any]
    notices: list[tuple[str, int]]


@contextmanager
def heard_by(db: Database, user: uuid.UUID) -> Iterator[Told]:
    """Collect the quota events and notices that the user gets, and that nobody else does.

    The user has another device that listens: the one that calls reads the quota in its answer.
    """
    open_session(db, user)
    db.query("delete from realtime.messages")
    told = Told()
    yield told
    own = broadcasts(db, "quota_changed", "notification")
    notes = [row for row in own if row["payload"].get("type") in KINDS]
    changes = [row for row in own if row["event"] == "quota_changed"]
    assert {row["topic"] for row in notes + changes} <= {f"user:{user}"}
    told.quota_changed = [row["payload"] for row in changes]
    told.notices = [
        (
            row["payload"]["type"],
            row["payload"]["data"][
                "free_left" if row["payload"]["type"] == "quota_low" else "points_balance"
            ],
        )
        for row in notes
    ]


def test_the_free_messages_are_told_at_a_fifth_and_at_none(db: Database, talk: Talk) -> None:
    set_quota(db, talk.asha, free=10, price=0)
    heard: dict[int, Any] = {}
    for number in range(1, 14):
        with heard_by(db, talk.asha) as told:
            send(db, talk.asha, talk.id, str(number))
        if told.notices or told.quota_changed:
            heard[number] = told.notices
            assert told.quota_changed == [quota_of(db, talk.asha)]
    assert heard == {8: [("quota_low", 2)], 10: [("quota_low", 0)]}
    kept = db.query("select type, data, message_id from private.notifications order by id")
    assert [row["type"] for row in kept] == ["quota_low", "quota_low"]


def test_a_user_with_one_device_reads_the_quota_in_the_answer_alone(
    db: Database, talk: Talk
) -> None:
    set_quota(db, talk.asha, free=0, price=1)
    give_points(db, talk.asha, 1000)
    own = open_session(db, talk.asha)
    db.query("delete from realtime.messages")
    with db.signed_in_as(talk.asha, session_id=own):
        db.call("send_message", conversation_id=talk.id, message="paid")
    assert broadcasts(db, "quota_changed") == []
    give_points(db, talk.asha, 1)
    assert len(broadcasts(db, "quota_changed")) == 1


def test_each_day_is_told_anew(db: Database, talk: Talk) -> None:
    set_quota(db, talk.asha, free=1, price=0)
    for _ in range(2):
        with heard_by(db, talk.asha) as told:
            send(db, talk.asha, talk.id, "hi")
            send(db, talk.asha, talk.id, "hi")
        assert told.notices == [("quota_low", 0)]
        set_account(db, talk.asha, quota_date=datetime.now(UTC).date() - timedelta(days=1))


def test_points_are_told_at_a_fifth_of_the_newest_balance_and_when_they_buy_nothing(
    db: Database, talk: Talk
) -> None:
    set_quota(db, talk.asha, free=0, price=10)
    give_points(db, talk.asha, 105)
    heard: dict[int, Any] = {}
    for number in range(1, 11):
        with heard_by(db, talk.asha) as told:
            send(db, talk.asha, talk.id, str(number))
        assert told.quota_changed == [quota_of(db, talk.asha)]
        if told.notices:
            heard[number] = told.notices
    assert heard == {9: [("points_low", 15)], 10: [("points_low", 5)]}
    give_points(db, talk.asha, 45)
    with heard_by(db, talk.asha) as told:
        for number in range(5):
            send(db, talk.asha, talk.id, str(number))
    assert told.notices == [("points_low", 10), ("points_low", 0)]


def test_a_grant_tells_nobody_that_little_is_left(db: Database, talk: Talk) -> None:
    set_quota(db, talk.asha, free=1, price=10)
    send(db, talk.asha, talk.id, "the only free one")
    for points in (1, 100):
        with heard_by(db, talk.asha) as told:
            give_points(db, talk.asha, points)
        assert told.notices == []
        assert told.quota_changed == [quota_of(db, talk.asha)]
    set_account(db, talk.asha, quota_date=datetime.now(UTC).date() - timedelta(days=1))
    with heard_by(db, talk.asha) as told:
        give_points(db, talk.asha, 1)
    assert told.notices == []


def test_paid_sends_after_the_free_ones_repeat_no_notice_of_the_free_ones(
    db: Database, talk: Talk
) -> None:
    set_quota(db, talk.asha, free=1, price=1)
    give_points(db, talk.asha, 1000)
    send(db, talk.asha, talk.id, "free")
    with heard_by(db, talk.asha) as told:
        for number in range(3):
            send(db, talk.asha, talk.id, str(number))
    assert told.notices == []
    assert [quota["points_balance"] for quota in told.quota_changed] == [999, 998, 997]


def test_a_paid_chat_tells_what_it_left(db: Database, talk: Talk) -> None:
    set_setting(db, "chat_open_points", 30)
    give_points(db, talk.asha, 35)
    with heard_by(db, talk.asha) as told:
        open_talk(db, talk.asha, talk.chitra)
    assert told.quota_changed == [quota_of(db, talk.asha)]
    assert told.notices == [("points_low", 5)]


def test_a_refused_or_repeated_send_tells_nothing(db: Database, talk: Talk) -> None:
    set_quota(db, talk.asha, free=1, price=10)
    own_id = uuid.uuid4()
    send(db, talk.asha, talk.id, "hi", client_message_id=own_id)
    with heard_by(db, talk.asha) as told:
        send(db, talk.asha, talk.id, "hi", client_message_id=own_id)
        with db.refused("INSUFFICIENT_POINTS", 402):
            send(db, talk.asha, talk.id, "more")
    assert (told.notices, told.quota_changed) == ([], [])
