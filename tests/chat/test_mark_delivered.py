"""mark_delivered: what arrived, forward only, without reading it."""

from __future__ import annotations

from tests.chat.scenes import Talk, all_messages, send
from tests.support.databases import Database


def test_delivery_moves_forward_and_reads_nothing(db: Database, talk: Talk) -> None:
    for n in range(4):
        send(db, talk.asha, talk.id, str(n))
    steps = [(3, 3), (2, 3), (-1, 3), (0, 3), (4, 4), (77, 5), (1, 5), (None, 5)]
    with db.signed_in_as(talk.bharat):
        for asked, mark in steps:
            answer = db.call("mark_delivered", conversation_id=talk.id, up_to_seq=asked)
            assert answer == {"read_seq": 1, "delivered_seq": mark, "unread_count": 4}
    for user in (talk.asha, talk.bharat):
        messages = all_messages(db, user, talk.id)[1:]
        assert {message["status"] for message in messages} == {"delivered"}
        assert {message["seen"] for message in messages} == {False}


def test_without_a_number_everything_was_delivered(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "hi")
    with db.signed_in_as(talk.bharat):
        answer = db.call("mark_delivered", conversation_id=talk.id)
    assert answer == {"read_seq": 1, "delivered_seq": 2, "unread_count": 1}


def test_a_read_message_stays_read(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "hi")
    with db.signed_in_as(talk.bharat):
        db.call("mark_read", conversation_id=talk.id)
        answer = db.call("mark_delivered", conversation_id=talk.id, up_to_seq=1)
    assert answer == {"read_seq": 2, "delivered_seq": 2, "unread_count": 0}
    assert all_messages(db, talk.asha, talk.id)[-1]["status"] == "read"
