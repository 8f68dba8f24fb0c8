"""A message is notified once, to the one who did not send it, in ids only."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.chat.scenes import Talk, add_messages, block, broadcasts, open_talk, send
from tests.notifications.devices import register, waiting
from tests.support.databases import Database
from tests.support.operators import in_a_year


def about(talk: Talk, sender: uuid.UUID, message: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "data": {
            "conversation_id": talk.id,
            "message_id": message["id"],
            "sender_id": str(sender),
        },
    }


def test_the_receiver_is_notified_once_a_message_and_the_sender_never(
    db: Database, talk: Talk
) -> None:
    own_id = uuid.uuid4()
    for user in (talk.asha, talk.bharat, talk.chitra):
        register(db, user, str(user))
    sent = send(db, talk.asha, talk.id, "hi", client_message_id=own_id)
    send(db, talk.asha, talk.id, "hi", client_message_id=own_id)
    (told,) = [row for row in broadcasts(db, "new_message") if row["payload"].get("notification")]
    assert (told["topic"], told["private"]) == (f"user:{talk.bharat}", True)
    assert told["payload"]["notification"] == about(talk, talk.asha, sent)
    assert broadcasts(db, "notification") == []
    (push,) = waiting(db)
    assert (push["user_id"], push["payload"]) == (talk.bharat, about(talk, talk.asha, sent))


def test_what_the_system_says_notifies_nobody(db: Database, talk: Talk) -> None:
    register(db, talk.chitra, "phone")
    open_talk(db, talk.asha, talk.chitra)
    assert broadcasts(db, "notification") == []
    assert waiting(db) == []


def test_a_refused_send_notifies_nobody(db: Database, talk: Talk) -> None:
    register(db, talk.bharat, "phone")
    block(db, talk.bharat, talk.asha)
    with db.refused("BLOCKED", 403):
        send(db, talk.asha, talk.id, "hi")
    assert broadcasts(db, "notification") == []
    assert waiting(db) == []


def test_every_device_of_the_receiver_gets_a_push_unless_muted(db: Database, talk: Talk) -> None:
    for name in ("phone", "tablet"):
        register(db, talk.bharat, name)
    send(db, talk.asha, talk.id, "hi")
    assert len(waiting(db)) == 2
    mute = {"conversation_id": talk.id, "muted_until": in_a_year()}
    with db.signed_in_as(talk.bharat):
        db.call("set_conversation_preferences", **mute)
    send(db, talk.asha, talk.id, "hi again")
    assert len(waiting(db)) == 2


@pytest.mark.parametrize("hours", [None, 1])
def test_neither_notification_nor_push_carries_a_word_of_the_message(
    db: Database, talk: Talk, hours: int | None
) -> None:
    register(db, talk.bharat, "phone")
    send(
        db,
        talk.asha,
        talk.id,
        "xylophone",
        media_url="https://cdn.example.com/xylophone.jpg",
        expiration_hours=hours,
    )
    (told,) = [
        row["payload"]["notification"]
        for row in broadcasts(db, "new_message")
        if row["payload"].get("notification")
    ]
    (push,) = waiting(db)
    payloads = [told, push["payload"]]
    assert None not in payloads
    assert "xylophone" not in json.dumps(payloads)


def test_a_message_for_its_own_writer_notifies_nobody_else(db: Database, talk: Talk) -> None:
    register(db, talk.asha, "phone")
    add_messages(
        db,
        talk.id,
        [{"sender_id": talk.bharat, "receiver_id": talk.bharat, "visible_to": "sender"}],
    )
    assert waiting(db) == []
