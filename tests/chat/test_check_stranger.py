"""A stranger says little until there is an answer."""

from __future__ import annotations

import uuid

from tests.chat.scenes import Talk, everything, open_deal, open_talk, send
from tests.support.databases import Database
from tests.support.operators import let_expire, set_setting


def refused_as_stranger(
    db: Database, sender: uuid.UUID, conversation: str, allowed: int = 1
) -> None:
    details = {"guard": "first_message_unanswered", "max_messages": allowed}
    with db.refused("GUARD_FAILED", 409, details=details):
        send(db, sender, conversation, "please answer")


def test_a_new_project_lets_a_stranger_say_one_thing(limited_db: Database) -> None:
    asha, bharat = limited_db.create_user("Asha"), limited_db.create_user("Bharat")
    talk = open_talk(limited_db, asha, bharat)
    send(limited_db, asha, talk, "hi")
    before = everything(limited_db)
    refused_as_stranger(limited_db, asha, talk)
    assert everything(limited_db) == before
    send(limited_db, bharat, talk, "hello")
    send(limited_db, asha, talk, "how are you?")
    send(limited_db, asha, talk, "I have an idea")


def test_the_initial_message_is_the_first_one(limited_db: Database) -> None:
    asha, bharat = limited_db.create_user("Asha"), limited_db.create_user("Bharat")
    own_id = uuid.uuid4()
    opening = {
        "target_user_id": bharat,
        "initial_message": "hi",
        "client_message_id": own_id,
    }
    with limited_db.signed_in_as(asha):
        first = limited_db.call("direct_connect", **opening)
        # A retry is no second message.
        assert limited_db.call("direct_connect", **opening)["message"] == first["message"]
    refused_as_stranger(limited_db, asha, first["conversation"]["conversation_id"])


def test_whoever_was_addressed_may_answer_at_length(db: Database, talk: Talk) -> None:
    set_setting(db, "stranger_messages", 1)
    send(db, talk.asha, talk.id, "hi")
    for text in ("hello", "nice to meet you", "where are you?"):
        send(db, talk.bharat, talk.id, text)
    send(db, talk.asha, talk.id, "here")


def test_the_stranger_is_who_writes_first_not_who_opened(db: Database, talk: Talk) -> None:
    set_setting(db, "stranger_messages", 1)
    send(db, talk.bharat, talk.id, "you called?")
    refused_as_stranger(db, talk.bharat, talk.id)
    send(db, talk.asha, talk.id, "I did")
    send(db, talk.bharat, talk.id, "well?")


def test_the_setting_says_how_many_and_null_any(db: Database, talk: Talk) -> None:
    set_setting(db, "stranger_messages", 3)
    for number in range(3):
        send(db, talk.asha, talk.id, str(number))
    refused_as_stranger(db, talk.asha, talk.id, 3)
    set_setting(db, "stranger_messages", None)
    send(db, talk.asha, talk.id, "one more")
    set_setting(db, "stranger_messages", 0)
    refused_as_stranger(db, talk.chitra, open_talk(db, talk.chitra, talk.asha), 0)


def test_an_answer_opens_the_chat_also_when_the_setting_gets_stricter_later(
    db: Database, talk: Talk
) -> None:
    for number in range(4):
        send(db, talk.asha, talk.id, str(number))
    send(db, talk.bharat, talk.id, "an answer")
    set_setting(db, "stranger_messages", 1)
    send(db, talk.asha, talk.id, "thank you")
    send(db, talk.bharat, talk.id, "welcome")


def test_a_message_that_disappears_does_not_give_another_first_one(
    db: Database, talk: Talk
) -> None:
    set_setting(db, "stranger_messages", 1)
    let_expire(db, send(db, talk.asha, talk.id, "psst", expiration_hours=1)["id"])
    refused_as_stranger(db, talk.asha, talk.id)
    let_expire(db, send(db, talk.bharat, talk.id, "what?", expiration_hours=1)["id"])
    send(db, talk.asha, talk.id, "nothing")


def test_in_a_deal_nobody_is_a_stranger(db: Database, talk: Talk) -> None:
    set_setting(db, "stranger_messages", 1)
    deal = open_deal(db, talk.bharat, talk.asha)
    for number in range(3):
        send(db, talk.asha, deal, str(number))
