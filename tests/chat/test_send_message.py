"""send_message: one transaction, numbered without gaps, refused without a trace."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.chat.scenes import (
    MESSAGE_KEYS,
    Talk,
    add_messages,
    all_messages,
    block,
    everything,
    open_talk,
    send,
)
from tests.support.databases import PATIENCE, Database


def test_a_message_is_answered_as_both_members_will_read_it(db: Database, talk: Talk) -> None:
    own_id = uuid.uuid4()
    with db.signed_in_as(talk.asha):
        answer = db.call(
            "send_message",
            conversation_id=talk.id,
            message="look",
            media_url="https://cdn.example.com/a.jpg",
            client_message_id=own_id,
        )
    assert answer.keys() >= {"message", "quota"}
    sent = answer["message"]
    assert sent.keys() == MESSAGE_KEYS
    expected = {
        "conversation_id": talk.id,
        "seq": 2,
        "sender_id": str(talk.asha),
        "receiver_id": str(talk.bharat),
        "message": "look",
        "media_url": "https://cdn.example.com/a.jpg",
        "message_type": "user_input",
        "visible_to": "all",
        "is_automated": False,
        "client_message_id": str(own_id),
        "expires_at": None,
        "seen": False,
        "is_read": False,
        "read_at": None,
        "status": "sent",
    }
    assert {key: sent[key] for key in expected} == expected
    for user in (talk.asha, talk.bharat):
        assert all_messages(db, user, talk.id)[-1] == sent


def test_media_alone_is_a_message(db: Database, talk: Talk) -> None:
    sent = send(db, talk.asha, talk.id, " ", media_url="https://cdn.example.com/a.jpg")
    assert sent["message"] == ""


def test_seq_has_no_gap_and_time_grows_with_it_however_many_send_at_once(
    db: Database, talk: Talk
) -> None:
    each = 10

    def send_some(session: Database, user: uuid.UUID) -> list[int]:
        return [send(session, user, talk.id, f"{user} {n}")["seq"] for n in range(each)]

    senders = [talk.asha, talk.bharat] * 4
    sessions = [db.session() for _ in senders]
    with ThreadPoolExecutor(len(senders)) as crowd:
        seqs = list(crowd.map(send_some, sessions, senders))
    total = each * len(senders)
    assert sorted(seq for some in seqs for seq in some) == list(range(2, total + 2))
    stored = db.query("select seq, created_at from public.messages order by seq")
    assert [row["seq"] for row in stored] == list(range(1, total + 2))
    times = [row["created_at"] for row in stored]
    assert times == sorted(times)
    assert len(set(times)) == len(times)
    head = "select last_seq, last_message_at from private.conversations"
    assert db.query(head) == [{"last_seq": total + 1, "last_message_at": times[-1]}]


def test_a_reader_of_after_seq_sees_every_message_once_and_in_order_while_others_send(
    db: Database, talk: Talk
) -> None:
    each, senders = 15, [talk.asha, talk.bharat, talk.asha]
    sessions = [db.session() for _ in senders]

    def send_some(session: Database, user: uuid.UUID) -> None:
        for n in range(each):
            send(session, user, talk.id, str(n))

    seen: list[int] = []
    with ThreadPoolExecutor(len(senders)) as crowd, db.signed_in_as(talk.bharat):
        sending = [
            crowd.submit(send_some, session, user)
            for session, user in zip(sessions, senders, strict=True)
        ]
        while True:
            over = all(done.done() for done in sending)
            page = db.call(
                "get_messages",
                conversation_id=talk.id,
                after_seq=seen[-1] if seen else 0,
                page_size=7,
            )
            seen += [message["seq"] for message in page]
            assert len(seen) <= each * len(senders) + 1, "a message came twice"
            if over and not page:
                break
    for done in sending:
        done.result(PATIENCE)
    assert seen == list(range(1, each * len(senders) + 2))


REFUSALS: list[tuple[str, int, dict[str, Any]]] = [
    ("MESSAGE_EMPTY", 422, {"message": " \n "}),
    ("MESSAGE_TOO_LONG", 422, {"message": "a" * 5001}),
    ("INPUT_INVALID", 422, {"message": "a\u0007b"}),
    ("MEDIA_INVALID", 422, {"media_url": "ftp://example.com/a"}),
    ("MESSAGE_NOT_FOUND", 404, {"message": "hi", "reply_to": str(uuid.uuid4())}),
    ("CONVERSATION_NOT_FOUND", 404, {"message": "hi", "conversation_id": str(uuid.uuid4())}),
]


def test_a_refused_send_writes_nothing_and_takes_no_number(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    before = everything(db)
    for code, status, arguments in REFUSALS:
        with (
            subtests.test(code=code),
            db.signed_in_as(talk.asha),
            db.refused(code, status),
        ):
            db.call("send_message", **{"conversation_id": talk.id, **arguments})
    block(db, talk.bharat, talk.asha)
    with db.signed_in_as(talk.asha), db.refused("BLOCKED", 403):
        db.call("send_message", conversation_id=talk.id, message="hi")
    db.query("delete from public.blocks")
    assert everything(db) == before
    assert send(db, talk.asha, talk.id, "hi")["seq"] == 2


def test_a_send_that_is_rolled_back_leaves_its_number_to_the_next(db: Database, talk: Talk) -> None:
    other = db.session()
    with db.transaction():
        assert send(db, talk.asha, talk.id, "never mind")["seq"] == 2
        with other.signed_in_as(talk.bharat):
            waiting = other.start("send_message", conversation_id=talk.id, message="hi")
        db.wait_until_blocked(other)
        raise psycopg.Rollback
    assert waiting.result(PATIENCE)["message"]["seq"] == 2
    assert [message["message"] for message in all_messages(db, talk.asha, talk.id)][1:] == ["hi"]


def test_a_stranger_gets_the_very_answer_of_a_wrong_id(db: Database, talk: Talk) -> None:
    answers = []
    for conversation in (talk.id, str(uuid.uuid4()), None):
        with db.signed_in_as(talk.chitra):
            with db.refused("CONVERSATION_NOT_FOUND", 404) as refusal:
                db.call("send_message", conversation_id=conversation, message="hi")
            # A text is looked at before the conversation, and says nothing about it.
            with db.refused("MESSAGE_TOO_LONG", 422) as worse:
                db.call("send_message", conversation_id=conversation, message="a" * 6000)
        answers.append((vars(refusal), vars(worse)))
    assert all(answer == answers[0] for answer in answers)


def test_a_reply_points_to_a_message_of_the_conversation_that_the_sender_sees(
    db: Database, talk: Talk
) -> None:
    hidden, gone, shown = add_messages(
        db,
        talk.id,
        [
            {"sender_id": talk.bharat, "visible_to": "sender", "receiver_id": talk.bharat},
            {"sender_id": talk.bharat, "expires_in": "-1 second"},
            {"sender_id": talk.bharat, "expires_in": "1 hour"},
        ],
    )
    foreign = send(db, talk.chitra, open_talk(db, talk.chitra, talk.asha), "psst")
    assert send(db, talk.asha, talk.id, "yes", reply_to=shown["id"])["reply_to"] == str(shown["id"])
    for target in (hidden["id"], gone["id"], foreign["id"], uuid.uuid4()):
        with db.refused("MESSAGE_NOT_FOUND", 404):
            send(db, talk.asha, talk.id, "yes", reply_to=target)
    assert send(db, talk.bharat, talk.id, "me", reply_to=hidden["id"])["seq"] == 6


def test_two_who_write_to_each_other_at_once_never_deadlock(db: Database, talk: Talk) -> None:
    others = [open_talk(db, user, talk.chitra) for user in (talk.asha, talk.bharat)]
    people = {talk.asha: others[0], talk.bharat: others[1]}

    def play(session: Database, user: uuid.UUID) -> None:
        with session.signed_in_as(user):
            for n in range(10):
                for conversation in (talk.id, people[user]):
                    session.call("send_message", conversation_id=conversation, message=str(n))
                session.call("mark_read", conversation_id=talk.id)
                session.call("sync", known={talk.id: n})

    players = [talk.asha, talk.bharat] * 2
    sessions = [db.session() for _ in players]
    with ThreadPoolExecutor(len(players)) as crowd:
        list(crowd.map(play, sessions, players))
    assert db.value("select last_seq from private.conversations where id = %s", talk.id) == 41


def test_sends_wait_for_their_conversation_and_for_their_sender_and_for_nothing_else(
    db: Database, talk: Talk
) -> None:
    elsewhere = open_talk(db, talk.asha, talk.chitra)
    same_talk, same_sender, stranger = (db.session() for _ in range(3))
    with db.transaction():
        send(db, talk.asha, talk.id, "first")
        with same_talk.signed_in_as(talk.bharat), same_sender.signed_in_as(talk.asha):
            second = same_talk.start("send_message", conversation_id=talk.id, message="second")
            third = same_sender.start("send_message", conversation_id=elsewhere, message="third")
            db.wait_until_blocked(same_talk)
            db.wait_until_blocked(same_sender)
        assert send(stranger, talk.chitra, elsewhere, "meanwhile")["seq"] == 2
        with stranger.signed_in_as(talk.bharat):
            read = stranger.call("get_messages", conversation_id=talk.id, after_seq=1)
        assert read == []
    assert second.result(PATIENCE)["message"]["seq"] == 3
    assert third.result(PATIENCE)["message"]["seq"] == 3


def test_a_message_to_a_deleted_login_is_refused_and_costs_nothing(
    db: Database, talk: Talk
) -> None:
    send(db, talk.asha, talk.id, "hi")
    send(db, talk.bharat, talk.id, "hello")
    db.query("delete from auth.users where id = %s", talk.bharat)
    before = everything(db)
    with db.refused("USER_NOT_FOUND", 404):
        send(db, talk.asha, talk.id, "still there?")
    assert everything(db) == before


def test_a_crowd_of_equal_tries_stores_one_message_and_charges_it_once(
    db: Database, talk: Talk
) -> None:
    own_id = uuid.uuid4()
    sessions = [db.session() for _ in range(8)]

    def try_once(session: Database) -> Any:
        return send(session, talk.asha, talk.id, "once", client_message_id=own_id)

    with ThreadPoolExecutor(len(sessions)) as crowd:
        answers = list(crowd.map(try_once, sessions))
    assert all(answer == answers[0] for answer in answers)
    assert db.value("select count(*) from public.messages where sender_id = %s", talk.asha) == 1
    used = "select messages_sent_today from private.accounts where user_id = %s"
    assert db.value(used, talk.asha) == 1
