"""mark_read: what was read, forward only; unread is derived from it."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.chat.scenes import Talk, all_messages, context_of, dice, everything, send
from tests.support.databases import PATIENCE, Database


@pytest.fixture
def busy(db: Database, talk: Talk) -> Talk:
    """Asha has sent four messages: seq 2 to 5."""
    for n in range(4):
        send(db, talk.asha, talk.id, str(n))
    return talk


def test_marks_move_forward_and_never_back(db: Database, busy: Talk) -> None:
    steps = [(3, 3), (2, 3), (0, 3), (-7, 3), (3, 3), (4, 4), (99, 5), (1, 5), (None, 5)]
    with db.signed_in_as(busy.bharat):
        for asked, mark in steps:
            answer = db.call("mark_read", conversation_id=busy.id, up_to_seq=asked)
            assert answer == {"read_seq": mark, "delivered_seq": mark, "unread_count": 5 - mark}


def test_without_a_number_everything_is_read(db: Database, busy: Talk) -> None:
    with db.signed_in_as(busy.bharat):
        answer = db.call("mark_read", conversation_id=busy.id)
    assert answer == {"read_seq": 5, "delivered_seq": 5, "unread_count": 0}


def test_a_mark_stops_at_the_newest_message_and_does_not_read_the_future(
    db: Database, busy: Talk
) -> None:
    with db.signed_in_as(busy.bharat):
        db.call("mark_read", conversation_id=busy.id, up_to_seq=2**63 - 1)
    assert send(db, busy.asha, busy.id, "later")["seen"] is False
    assert context_of(db, busy.bharat, busy.id)["unread_count"] == 1


@pytest.mark.parametrize("mark", ["read", "delivered"])
def test_a_mark_waits_for_the_end_of_the_send_whose_event_was_heard_before_it(
    db: Database, talk: Talk, mark: str
) -> None:
    other = db.session()
    with db.transaction(), other.signed_in_as(talk.bharat):
        sent = send(db, talk.asha, talk.id, "heard early")
        waiting = other.start(f"mark_{mark}", conversation_id=talk.id, up_to_seq=sent["seq"])
        db.wait_until_blocked(other)
    assert waiting.result(PATIENCE)[f"{mark}_seq"] == sent["seq"]


def test_a_mark_waits_for_the_conversation_whose_first_message_was_heard_before_it(
    db: Database, talk: Talk
) -> None:
    other = db.session()
    with db.transaction(), other.signed_in_as(talk.bharat):
        with db.signed_in_as(talk.chitra):
            opened = db.call("direct_connect", target_user_id=talk.bharat, initial_message="hi")
        new = opened["conversation"]["conversation_id"]
        waiting = other.start("mark_delivered", conversation_id=new, up_to_seq=2)
        db.wait_until_blocked(other)
    assert waiting.result(PATIENCE)["delivered_seq"] == 2


def test_what_is_read_was_delivered_and_the_sender_sees_both(db: Database, busy: Talk) -> None:
    with db.signed_in_as(busy.bharat):
        db.call("mark_delivered", conversation_id=busy.id, up_to_seq=4)
        db.call("mark_read", conversation_id=busy.id, up_to_seq=3)
    messages = all_messages(db, busy.asha, busy.id)[1:]
    assert [message["status"] for message in messages] == ["read", "read", "delivered", "sent"]
    assert [message["seen"] for message in messages] == [True, True, False, False]
    assert [message["is_read"] for message in messages] == [True, True, False, False]
    assert [message["read_at"] is not None for message in messages] == [True, True, False, False]
    context = context_of(db, busy.asha, busy.id)
    assert (context["other_read_seq"], context["other_delivered_seq"]) == (3, 4)
    assert context_of(db, busy.bharat, busy.id)["read_seq"] == 3


def test_the_senders_own_marks_do_not_make_a_message_seen(db: Database, busy: Talk) -> None:
    with db.signed_in_as(busy.asha):
        db.call("mark_read", conversation_id=busy.id)
    assert all_messages(db, busy.asha, busy.id)[-1]["status"] == "sent"
    assert all_messages(db, busy.bharat, busy.id)[-1]["status"] == "sent"


def test_a_mark_waits_for_its_own_other_device_and_the_farther_one_stays(
    db: Database, busy: Talk
) -> None:
    other = db.session()
    with db.transaction(), db.signed_in_as(busy.bharat), other.signed_in_as(busy.bharat):
        db.call("mark_read", conversation_id=busy.id, up_to_seq=4)
        waiting = other.start("mark_read", conversation_id=busy.id, up_to_seq=2)
        db.wait_until_blocked(other)
    assert waiting.result(PATIENCE)["read_seq"] == 4


def test_unread_counts_agree_with_an_oracle_over_random_days(db: Database, talk: Talk) -> None:
    people = [talk.asha, talk.bharat]
    senders: list[uuid.UUID | None] = [None]  # the opening line, by the system
    read = dict.fromkeys(people, 1)
    chance = dice(7)

    def unread(user: uuid.UUID) -> int:
        return sum(sender != user for sender in senders[read[user] :])

    for _ in range(60):
        user = chance.choice(people)
        if chance.random() < 0.6:
            send(db, user, talk.id, "x")
            senders.append(user)
        else:
            mark = chance.randint(0, len(senders) + 1)
            read[user] = max(read[user], min(mark, len(senders)))
            with db.signed_in_as(user):
                answer = db.call("mark_read", conversation_id=talk.id, up_to_seq=mark)
            assert (answer["read_seq"], answer["unread_count"]) == (read[user], unread(user))
        for reader in people:
            assert context_of(db, reader, talk.id)["unread_count"] == unread(reader)
            with db.signed_in_as(reader):
                listed = db.call("get_conversations", filter="unread")["conversations"]
            assert bool(listed) == bool(unread(reader))


def test_marks_and_sends_at_once_never_deadlock_and_never_go_back(db: Database, talk: Talk) -> None:
    def work(session: Database, user: uuid.UUID) -> list[int]:
        marks = []
        for n in range(12):
            send(session, user, talk.id, str(n))
            with session.signed_in_as(user):
                marks.append(session.call("mark_read", conversation_id=talk.id)["read_seq"])
        return marks

    people = [talk.asha, talk.bharat] * 2
    sessions = [db.session() for _ in people]
    with ThreadPoolExecutor(len(people)) as crowd:
        for marks in crowd.map(work, sessions, people):
            assert marks == sorted(marks)
    for user in (talk.asha, talk.bharat):
        with db.signed_in_as(user):
            answer = db.call("mark_read", conversation_id=talk.id)
        assert answer == {"read_seq": 49, "delivered_seq": 49, "unread_count": 0}


def test_a_stranger_gets_the_very_answer_of_a_wrong_id_and_moves_nothing(
    db: Database, busy: Talk
) -> None:
    before = everything(db)
    for function in ("mark_read", "mark_delivered"):
        with db.signed_in_as(busy.chitra):
            with db.refused("CONVERSATION_NOT_FOUND", 404) as foreign:
                db.call(function, conversation_id=busy.id, up_to_seq=3)
            with db.refused("CONVERSATION_NOT_FOUND", 404) as unknown:
                db.call(function, conversation_id=uuid.uuid4())
        assert vars(foreign) == vars(unknown)
    assert everything(db) == before
