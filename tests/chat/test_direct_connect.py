"""direct_connect: one conversation for a pair, whoever opens it."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.chat.scenes import (
    CONTEXT_KEYS,
    MESSAGE_KEYS,
    SYSTEM_USER,
    all_messages,
    block,
    everything,
)
from tests.support.databases import PATIENCE, Database
from tests.support.operators import set_setting


@pytest.fixture
def pair(db: Database) -> tuple[uuid.UUID, uuid.UUID]:
    """Asha and Bharat, who have not met."""
    return db.create_user("Asha"), db.create_user("Bharat")


def connect(db: Database, user: uuid.UUID, target: uuid.UUID | None, **more: Any) -> Any:
    with db.signed_in_as(user):
        return db.call("direct_connect", target_user_id=target, **more)


def test_both_sides_come_to_the_same_conversation(
    db: Database, pair: tuple[uuid.UUID, uuid.UUID]
) -> None:
    asha, bharat = pair
    first = connect(db, asha, bharat)
    again = connect(db, asha, bharat)
    back = connect(db, bharat, asha)
    assert [answer["created"] for answer in (first, again, back)] == [True, False, False]
    ids = {answer["conversation"]["conversation_id"] for answer in (first, again, back)}
    assert len(ids) == 1
    assert first["message"] is None
    assert first["conversation"].keys() >= CONTEXT_KEYS
    assert first["conversation"]["other_party"]["id"] == str(bharat)
    assert back["conversation"]["other_party"]["id"] == str(asha)
    assert db.value("select count(*) from private.participants") == 2


def test_a_new_conversation_starts_with_a_line_that_is_nobodys_unread(
    db: Database, pair: tuple[uuid.UUID, uuid.UUID]
) -> None:
    asha, bharat = pair
    talk = connect(db, asha, bharat)["conversation"]
    assert (talk["kind"], talk["chat_status"], talk["my_role"]) == ("direct", "real_time", "member")
    assert talk["free_text_allowed"] is True
    for user in pair:
        (line,) = all_messages(db, user, talk["conversation_id"])
        assert (line["seq"], line["sender_id"], line["message_type"]) == (
            1,
            str(SYSTEM_USER),
            "system",
        )
    assert connect(db, bharat, asha)["conversation"]["unread_count"] == 0


def test_two_who_open_at_the_same_time_get_one_conversation(
    db: Database, pair: tuple[uuid.UUID, uuid.UUID]
) -> None:
    asha, bharat = pair
    other = db.session()
    with db.transaction(), db.signed_in_as(asha), other.signed_in_as(bharat):
        first = db.call("direct_connect", target_user_id=bharat, initial_message="hi")
        waiting = other.start("direct_connect", target_user_id=asha, initial_message="hello")
        db.wait_until_blocked(other)
    second = waiting.result(PATIENCE)
    assert (first["created"], second["created"]) == (True, False)
    talk = first["conversation"]["conversation_id"]
    assert second["conversation"]["conversation_id"] == talk
    said = [message["message"] for message in all_messages(db, asha, talk)]
    assert said[1:] == ["hi", "hello"]


def test_a_crowd_of_both_sides_makes_one_conversation_once(
    db: Database, pair: tuple[uuid.UUID, uuid.UUID]
) -> None:
    sides = [pair, pair[::-1]] * 4
    sessions = [db.session() for _ in sides]
    with ThreadPoolExecutor(len(sides)) as crowd:
        answers = list(crowd.map(lambda session, side: connect(session, *side), sessions, sides))
    assert sum(answer["created"] for answer in answers) == 1
    assert len({answer["conversation"]["conversation_id"] for answer in answers}) == 1
    assert db.value("select count(*) from private.conversations") == 1
    assert db.value("select count(*) from public.messages") == 1


def test_an_opener_whose_rival_fails_opens_it(
    db: Database, pair: tuple[uuid.UUID, uuid.UUID]
) -> None:
    asha, bharat = pair
    other = db.session()
    with db.transaction():
        with db.signed_in_as(asha), other.signed_in_as(bharat):
            db.call("direct_connect", target_user_id=bharat)
            waiting = other.start("direct_connect", target_user_id=asha)
            db.wait_until_blocked(other)
        raise psycopg.Rollback
    assert waiting.result(PATIENCE)["created"] is True


def test_a_first_message_is_sent_once_however_often_it_is_tried(
    db: Database, pair: tuple[uuid.UUID, uuid.UUID]
) -> None:
    asha, bharat = pair
    first, again = (
        connect(db, asha, bharat, initial_message=" hi ", client_message_id=SYSTEM_USER)
        for _ in range(2)
    )
    assert first["message"].keys() >= MESSAGE_KEYS
    assert (first["message"]["message"], first["message"]["seq"]) == ("hi", 2)
    assert again["message"] == first["message"]
    talk = first["conversation"]
    assert talk["last_seq"] == 2
    assert talk["last_message"]["id"] == first["message"]["id"]
    assert len(all_messages(db, bharat, talk["conversation_id"])) == 2


def test_a_repeated_first_message_is_answered_whatever_came_between(
    db: Database, pair: tuple[uuid.UUID, uuid.UUID]
) -> None:
    asha, bharat = pair
    said = {"initial_message": "hi", "client_message_id": uuid.uuid4(), "points_cost": 0}
    first = connect(db, asha, bharat, **said)
    set_setting(db, "chat_open_points", 7)
    assert connect(db, asha, bharat, **said)["message"] == first["message"]
    with db.signed_in_as(bharat):
        db.call("delete_my_account")
    again = connect(db, asha, bharat, **said)
    assert again["message"] == first["message"]
    assert again["conversation"]["other_party"]["is_deleted"] is True
    with db.refused("USER_NOT_FOUND", 404):
        connect(db, asha, bharat, **said | {"client_message_id": uuid.uuid4()})


def test_a_refused_first_message_opens_nothing(
    db: Database, pair: tuple[uuid.UUID, uuid.UUID]
) -> None:
    asha, bharat = pair
    before = everything(db)
    with db.refused("MESSAGE_TOO_LONG", 422):
        connect(db, asha, bharat, initial_message="a" * 5001)
    with db.refused("MESSAGE_EMPTY", 422):
        connect(db, asha, bharat, initial_message=" ")
    assert everything(db) == before


def test_nobody_can_open_a_chat_with_themselves_or_with_nobody(
    db: Database, pair: tuple[uuid.UUID, uuid.UUID]
) -> None:
    asha, _ = pair
    with db.refused("SELF_CONVERSATION", 422):
        connect(db, asha, asha)
    for nobody in (uuid.uuid4(), SYSTEM_USER, None):
        with db.refused("USER_NOT_FOUND", 404):
            connect(db, asha, nobody)
    assert db.value("select count(*) from private.conversations") == 0


def test_a_user_who_deletes_the_login_at_that_moment_is_not_there(
    db: Database, pair: tuple[uuid.UUID, uuid.UUID]
) -> None:
    asha, bharat = pair
    other = db.session()
    with db.transaction(), other.signed_in_as(asha):
        with db.signed_in_as(bharat):
            db.call("delete_my_account")
        waiting = other.start("direct_connect", target_user_id=bharat)
        db.wait_until_blocked(other)
    with db.refused("USER_NOT_FOUND", 404):
        waiting.result(PATIENCE)
    assert db.value("select count(*) from private.conversations") == 0


def test_a_block_closes_the_door_in_both_directions_also_to_an_old_chat(
    db: Database, pair: tuple[uuid.UUID, uuid.UUID]
) -> None:
    asha, bharat = pair
    chitra = db.create_user("Chitra")
    connect(db, asha, bharat)
    block(db, asha, bharat)
    block(db, asha, chitra)
    for user, target in ((asha, bharat), (bharat, asha), (asha, chitra), (chitra, asha)):
        with db.refused("BLOCKED", 403):
            connect(db, user, target)
    assert connect(db, bharat, chitra)["created"] is True


def test_a_client_that_expects_another_price_is_told_the_price(
    db: Database, pair: tuple[uuid.UUID, uuid.UUID]
) -> None:
    asha, bharat = pair
    with db.refused("POINTS_COST_MISMATCH", 409, details={"points_cost": 0}):
        connect(db, asha, bharat, points_cost=5)
    assert db.value("select count(*) from private.conversations") == 0
    assert connect(db, asha, bharat, points_cost=0)["created"] is True
