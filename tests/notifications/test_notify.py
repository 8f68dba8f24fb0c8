"""notify: kept, told and pushed once; clients never read the rows."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.chat.scenes import Talk, broadcasts, send
from tests.notifications.devices import register, waiting
from tests.support.databases import Database


def notify(db: Database, user: uuid.UUID, message: Any, **data: Any) -> None:
    db.call_private(
        "notify",
        p_user_id=user,
        p_type="work",
        p_conversation_id=message["conversation_id"],
        p_message_id=message["id"],
        p_data=data,
    )


def test_a_second_note_about_a_message_is_the_first_one(db: Database, talk: Talk) -> None:
    register(db, talk.bharat, "phone")
    sent = send(db, talk.asha, talk.id, "done")
    db.query("delete from realtime.messages")
    db.query("delete from private.push_outbox")
    for state in ("first", "second"):
        notify(db, talk.bharat, sent, state=state)
    (row,) = db.query("select * from private.notifications")
    assert (row["user_id"], row["type"], row["data"]) == (talk.bharat, "work", {"state": "first"})
    (told,) = broadcasts(db, "notification")
    payload = {key: told["payload"][key] for key in ("type", "data")}
    assert told["topic"] == f"user:{talk.bharat}"
    assert payload == {
        "type": "work",
        "data": {
            "conversation_id": talk.id,
            "message_id": sent["id"],
            "state": "first",
        },
    }
    (push,) = waiting(db)
    assert push["payload"] == payload
    # The other side is somebody else.
    notify(db, talk.asha, sent)
    assert len(db.query("select 1 as one from private.notifications")) == 2


def test_rows_are_private_and_of_known_types(db: Database, talk: Talk) -> None:
    with db.signed_in_as(talk.asha), db.refused("42501"):
        db.select("select * from private.notifications")
    with db.refused("23514"):
        db.query(
            "insert into private.notifications (user_id, type, data) values (%s, 'gossip', %s)",
            *(talk.asha, json.dumps({})),
        )
