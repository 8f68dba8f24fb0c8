"""notify: kept, told and pushed once; clients never read the rows."""

from __future__ import annotations

import json

from tests.chat.scenes import Talk, broadcasts
from tests.notifications.devices import register, waiting
from tests.support.databases import Database


def test_a_note_is_kept_told_and_pushed_once(db: Database, talk: Talk) -> None:
    register(db, talk.bharat, "phone")
    db.query("delete from realtime.messages")
    db.call_private(
        "notify",
        p_user_id=talk.bharat,
        p_type="work",
        p_conversation_id=talk.id,
        p_data={"state": "first"},
    )
    (row,) = db.query("select * from private.notifications")
    assert (row["user_id"], row["type"], row["data"]) == (talk.bharat, "work", {"state": "first"})
    assert (str(row["conversation_id"]), row["message_id"]) == (str(talk.id), None)
    (told,) = broadcasts(db, "notification")
    payload = {key: told["payload"][key] for key in ("type", "data")}
    assert told["topic"] == f"user:{talk.bharat}"
    assert payload == {
        "type": "work",
        "data": {"conversation_id": talk.id, "message_id": None, "state": "first"},
    }
    (push,) = waiting(db)
    assert push["payload"] == payload


def test_rows_are_private_and_of_known_types(db: Database, talk: Talk) -> None:
    with db.signed_in_as(talk.asha), db.refused("42501"):
        db.select("select * from private.notifications")
    with db.refused("23514"):
        db.query(
            "insert into private.notifications (user_id, type, data) values (%s, 'gossip', %s)",
            *(talk.asha, json.dumps({})),
        )
