"""set_privacy: last seen, and read marks that only those see who show theirs."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.chat.scenes import (
    Talk,
    all_messages,
    broadcasts,
    context_of,
    everything,
    open_talk,
    send,
)
from tests.support.databases import Database


def set_privacy(db: Database, user: uuid.UUID, **choices: bool | None) -> Any:
    with db.signed_in_as(user):
        return db.call("set_privacy", **choices)


def mark_read(db: Database, user: uuid.UUID, talk: Talk) -> None:
    with db.signed_in_as(user):
        db.call("mark_read", conversation_id=talk.id)


def test_everything_is_shown_until_somebody_hides_it(db: Database, talk: Talk) -> None:
    assert set_privacy(db, talk.asha) == {"last_seen": True, "read_receipts": True}
    assert set_privacy(db, talk.asha, last_seen=False) == {
        "last_seen": False,
        "read_receipts": True,
    }
    assert set_privacy(db, talk.asha, read_receipts=False) == {
        "last_seen": False,
        "read_receipts": False,
    }
    assert set_privacy(db, talk.asha, last_seen=None, read_receipts=True) == {
        "last_seen": False,
        "read_receipts": True,
    }


def test_last_seen_is_shown_or_hidden_also_afterwards(db: Database, talk: Talk) -> None:
    with db.signed_in_as(talk.asha):
        db.call("sync", known={})

    def seen_by_bharat() -> Any:
        return context_of(db, talk.bharat, talk.id)["other_party"]["last_seen_at"]

    assert seen_by_bharat() is not None
    set_privacy(db, talk.asha, last_seen=False)
    assert seen_by_bharat() is None
    with db.signed_in_as(talk.bharat):
        listed = db.call("get_conversations")["conversations"]
        synced = db.call("sync", known={})["conversations"]
    assert [context["other_party"]["last_seen_at"] for context in listed + synced] == [None, None]
    set_privacy(db, talk.asha, last_seen=True)
    assert seen_by_bharat() is not None


@pytest.mark.parametrize("who_hides", ["reader", "sender"])
def test_read_marks_are_seen_by_neither_when_one_hides_them(
    db: Database, talk: Talk, who_hides: str
) -> None:
    # Asha writes, Bharat reads; and the other way round.
    hider = talk.bharat if who_hides == "reader" else talk.asha
    send(db, talk.asha, talk.id, "hi")
    send(db, talk.bharat, talk.id, "hello")
    set_privacy(db, hider, read_receipts=False)
    db.query("delete from realtime.messages")
    for reader, writer in ((talk.bharat, talk.asha), (talk.asha, talk.bharat)):
        mark_read(db, reader, talk)
        own = [
            message
            for message in all_messages(db, writer, talk.id)
            if message["sender_id"] == str(writer)
        ]
        shown = [(m["seen"], m["is_read"], m["read_at"], m["status"]) for m in own]
        assert shown == [(False, False, None, "delivered")]
        assert context_of(db, writer, talk.id)["other_read_seq"] == 0
        # Where oneself has read is no secret from oneself.
        assert context_of(db, reader, talk.id)["unread_count"] == 0
        assert context_of(db, reader, talk.id)["read_seq"] == 3
    assert broadcasts(db, "message_seen") == []
    told = [
        (row["topic"], row["payload"]["user_id"]) for row in broadcasts(db, "message_delivered")
    ]
    assert sorted(told) == sorted(
        [(f"user:{talk.asha}", str(talk.bharat)), (f"user:{talk.bharat}", str(talk.asha))]
    )


def test_read_marks_come_back_when_both_show_them(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "hi")
    for user in (talk.asha, talk.bharat):
        set_privacy(db, user, read_receipts=False)
    mark_read(db, talk.bharat, talk)
    set_privacy(db, talk.asha, read_receipts=True)
    assert all_messages(db, talk.asha, talk.id)[-1]["status"] == "delivered"
    set_privacy(db, talk.bharat, read_receipts=True)
    newest = all_messages(db, talk.asha, talk.id)[-1]
    assert (newest["status"], newest["seen"]) == ("read", True)
    assert newest["read_at"] is not None
    assert context_of(db, talk.asha, talk.id)["other_read_seq"] == 2


def test_who_hides_read_marks_hides_them_in_later_chats_too(db: Database, talk: Talk) -> None:
    set_privacy(db, talk.chitra, read_receipts=False)
    chat = open_talk(db, talk.asha, talk.chitra)
    sent = send(db, talk.asha, chat, "hi")
    with db.signed_in_as(talk.chitra):
        db.call("mark_read", conversation_id=chat)
    assert context_of(db, talk.chitra, chat)["read_seq"] == sent["seq"]
    assert context_of(db, talk.asha, chat)["other_read_seq"] == 0


def test_a_hidden_read_mark_is_not_given_away_by_a_version_or_a_repeat(
    db: Database, talk: Talk
) -> None:
    own_id = uuid.uuid4()
    send(db, talk.asha, talk.id, "hi", client_message_id=own_id)
    set_privacy(db, talk.bharat, read_receipts=False)
    mark_read(db, talk.bharat, talk)
    again = send(db, talk.asha, talk.id, "hi", client_message_id=own_id)
    assert (again["seen"], again["status"], again["read_at"]) == (False, "delivered", None)
    with db.signed_in_as(talk.asha):
        found = db.call("search_messages", query="hi")
    assert [(m["seen"], m["status"], m["read_at"]) for m in found] == [(False, "delivered", None)]


def test_the_choice_is_seen_in_the_version_by_the_other_side(db: Database, talk: Talk) -> None:
    known = context_of(db, talk.bharat, talk.id)["version"]
    set_privacy(db, talk.asha, last_seen=False)
    assert context_of(db, talk.bharat, talk.id)["version"] > known


def test_nobody_reads_the_choices_of_others(db: Database, talk: Talk) -> None:
    before = everything(db)
    with db.signed_in_as(talk.bharat), db.refused("42501"):
        db.select("select shares_last_seen from private.accounts")
    with db.as_anon(), db.refused("42501"):
        db.call("set_privacy", last_seen=False)
    assert everything(db) == before
