"""A repeated client_message_id answers what the first try answered and changes nothing."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.chat.scenes import Talk, everything, let_pass, open_talk, send
from tests.support.databases import PATIENCE, Database

PICTURE = "https://cdn.example.com/a.jpg"


def repeat(db: Database, user: uuid.UUID, **arguments: Any) -> Any:
    with db.signed_in_as(user):
        return db.call("send_message", **arguments)


def test_a_repeat_answers_the_same_and_writes_nothing(db: Database, talk: Talk) -> None:
    original = send(db, talk.bharat, talk.id, "question")
    arguments = {
        "conversation_id": talk.id,
        "message": "answer",
        "media_url": PICTURE,
        "reply_to": original["id"],
        "client_message_id": str(uuid.uuid4()),
    }
    first = repeat(db, talk.asha, **arguments)
    messages = "select count(*), sum(last_seq) from private.conversations"
    before = db.query(messages), everything(db)["realtime.messages"]
    again = repeat(db, talk.asha, **arguments)
    assert again["message"] == first["message"]
    assert again.keys() == first.keys()
    # The same text as it will be stored is the same message, however it was typed.
    retyped = {**arguments, "message": " answer\n"}
    assert repeat(db, talk.asha, **retyped)["message"] == first["message"]
    assert (db.query(messages), everything(db)["realtime.messages"]) == before


def test_sixteen_tries_at_once_make_one_message_and_get_one_answer(
    db: Database, talk: Talk
) -> None:
    arguments = {
        "conversation_id": talk.id,
        "message": "once",
        "client_message_id": str(uuid.uuid4()),
    }
    sessions = [db.session() for _ in range(16)]
    with ThreadPoolExecutor(len(sessions)) as crowd:
        answers = list(crowd.map(lambda session: repeat(session, talk.asha, **arguments), sessions))
    assert all(answer["message"] == answers[0]["message"] for answer in answers)
    assert answers[0]["message"]["seq"] == 2
    assert db.value("select count(*) from public.messages where message = 'once'") == 1
    assert db.value("select last_seq from private.conversations") == 2


def test_an_id_cannot_be_used_again_for_anything_else(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    original = send(db, talk.bharat, talk.id, "question")
    arguments = {
        "conversation_id": talk.id,
        "message": "answer",
        "media_url": PICTURE,
        "reply_to": original["id"],
        "client_message_id": str(uuid.uuid4()),
    }
    first = repeat(db, talk.asha, **arguments)
    elsewhere = open_talk(db, talk.asha, talk.chitra)
    before = everything(db)
    differences: list[dict[str, Any]] = [
        {"message": "Answer"},
        {"message": ""},
        {"media_url": None},
        {"media_url": PICTURE + "?"},
        {"reply_to": None},
        {"reply_to": first["message"]["id"]},
        {"conversation_id": elsewhere, "reply_to": None},
        {"expiration_hours": 1},
    ]
    for difference in differences:
        with subtests.test(str(difference)), db.refused("IDEMPOTENCY_MISMATCH", 409):
            repeat(db, talk.asha, **{**arguments, **difference})
    assert everything(db) == before


def test_another_sender_may_use_the_same_id(db: Database, talk: Talk) -> None:
    arguments = {
        "conversation_id": talk.id,
        "message": "hi",
        "client_message_id": str(uuid.uuid4()),
    }
    first = repeat(db, talk.asha, **arguments)["message"]
    second = repeat(db, talk.bharat, **arguments)["message"]
    assert (first["seq"], second["seq"]) == (2, 3)
    assert repeat(db, talk.bharat, **arguments)["message"]["id"] == second["id"]


def test_a_refused_try_does_not_use_its_id_up(db: Database, talk: Talk) -> None:
    own_id = str(uuid.uuid4())
    with db.refused("MESSAGE_EMPTY", 422):
        send(db, talk.asha, talk.id, " ", client_message_id=own_id)
    assert send(db, talk.asha, talk.id, "hi", client_message_id=own_id)["seq"] == 2


def test_a_repeat_after_the_chat_was_closed_is_still_answered(db: Database, talk: Talk) -> None:
    own_id = str(uuid.uuid4())
    first = send(db, talk.asha, talk.id, "hi", client_message_id=own_id)
    db.query("update private.conversations set flow_state = 'chat_closed'")
    assert send(db, talk.asha, talk.id, "hi", client_message_id=own_id) == first


def test_the_repeat_of_a_message_that_has_expired_never_shows_it_again(
    db: Database, talk: Talk
) -> None:
    arguments = {
        "conversation_id": talk.id,
        "message": "burn after reading",
        "expiration_hours": 1,
        "client_message_id": str(uuid.uuid4()),
    }
    first = repeat(db, talk.asha, **arguments)
    assert repeat(db, talk.asha, **arguments) == first
    let_pass(db, first["message"]["id"], "61 minutes")
    before = everything(db)
    again = repeat(db, talk.asha, **arguments)
    assert (first["expired"], again["expired"]) == (False, True)
    assert again["message"] is None
    with db.refused("IDEMPOTENCY_MISMATCH", 409):
        repeat(db, talk.asha, **{**arguments, "message": "something else"})
    assert everything(db) == before


def test_one_id_for_two_conversations_at_once_is_used_once(db: Database, talk: Talk) -> None:
    elsewhere = open_talk(db, talk.asha, talk.chitra)
    arguments = {"message": "once", "client_message_id": str(uuid.uuid4())}
    other = db.session()
    with db.transaction(), db.signed_in_as(talk.asha), other.signed_in_as(talk.asha):
        db.call("send_message", conversation_id=talk.id, **arguments)
        waiting = other.start("send_message", conversation_id=elsewhere, **arguments)
        db.wait_until_blocked(other)
    with db.refused("IDEMPOTENCY_MISMATCH", 409):
        waiting.result(PATIENCE)
