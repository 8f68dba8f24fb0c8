"""get_messages: pages in both directions."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.chat.scenes import (
    MESSAGE_KEYS,
    Talk,
    add_messages,
    dice,
    open_deal,
    open_talk,
    send,
)
from tests.support.databases import Database

MANY = """
with sent as (
  insert into public.messages (conversation_id, seq, sender_id, message, message_type)
  select %s::uuid, n, %s::uuid, 'number ' || n, 'user_input' from generate_series(2, %s::int) as n
  returning conversation_id, seq
)
update private.conversations as c
set last_seq = (select max(s.seq) from sent as s)
where c.id = (select min(s.conversation_id::text)::uuid from sent as s)
"""


def read(db: Database, user: uuid.UUID, conversation: str, **arguments: Any) -> list[int]:
    """The seqs of one page."""
    with db.signed_in_as(user):
        page = db.call("get_messages", conversation_id=conversation, **arguments)
    return [message["seq"] for message in page]


def test_pages_of_any_size_put_together_are_all_messages(db: Database, talk: Talk) -> None:
    total = 130
    db.query(MANY, talk.id, talk.asha, total)
    chance = dice(4)
    ids = {
        message["seq"]: message["id"]
        for message in db.query("select seq, id from public.messages where seq >= 1")
    }
    for sizes in ([1, 2, 3, 50, 100], [7], [100], [130]):
        forward: list[int] = []
        while page := read(
            db,
            talk.bharat,
            talk.id,
            after_seq=forward[-1] if forward else 0,
            page_size=chance.choice(sizes),
        ):
            assert not forward or page[0] > forward[-1]
            forward += page
        assert forward == list(range(1, total + 1))

        backward = read(db, talk.bharat, talk.id, page_size=chance.choice(sizes))
        while page := read(
            db,
            talk.bharat,
            talk.id,
            page_size=chance.choice(sizes),
            **chance.choice([{"before_seq": backward[-1]}, {"before": ids[backward[-1]]}]),
        ):
            assert page[0] < backward[-1]
            backward += page
        assert backward == list(range(total, 0, -1))


def test_a_page_has_50_messages_if_not_said_otherwise_and_1_to_100_in_any_case(
    db: Database, talk: Talk
) -> None:
    db.query(MANY, talk.id, talk.asha, 130)
    asked: list[tuple[dict[str, Any], int]] = [
        ({}, 50),
        ({"page_size": None}, 50),
        ({"page_size": 0}, 1),
        ({"page_size": -5}, 1),
        ({"page_size": 1}, 1),
        ({"page_size": 100}, 100),
        ({"page_size": 101}, 100),
        ({"page_size": 2147483647}, 100),
        ({"page_size": 2147483647, "after_seq": 0}, 100),
    ]
    for arguments, count in asked:
        assert len(read(db, talk.asha, talk.id, **arguments)) == count, arguments


def test_positions_beyond_the_ends_are_answered(db: Database, talk: Talk) -> None:
    most = 2**63 - 1
    assert read(db, talk.asha, talk.id, after_seq=-1) == [1]
    assert read(db, talk.asha, talk.id, after_seq=-most - 1) == [1]
    assert read(db, talk.asha, talk.id, after_seq=1) == []
    assert read(db, talk.asha, talk.id, after_seq=most) == []
    assert read(db, talk.asha, talk.id, before_seq=most) == [1]
    assert read(db, talk.asha, talk.id, before_seq=1) == []
    assert read(db, talk.asha, talk.id, before_seq=-most - 1) == []


def test_messages_that_are_gone_or_for_the_other_are_passed_over_and_the_page_is_full(
    db: Database, talk: Talk
) -> None:
    deal = open_deal(db, talk.bharat, talk.asha)
    hidden = {"sender_id": talk.bharat, "receiver_id": talk.bharat, "visible_to": "brand_owner"}
    gone = {"sender_id": talk.bharat, "expires_in": "-1 minute"}
    shown = {"sender_id": talk.bharat}
    rows = add_messages(db, deal, [shown, hidden, gone, shown, gone, hidden, shown, gone])
    assert read(db, talk.asha, deal, page_size=2) == [7, 4]
    assert read(db, talk.asha, deal, page_size=2, after_seq=1) == [4, 7]
    assert read(db, talk.bharat, deal) == [7, 6, 4, 2, 1]
    # What has expired still marks a position.
    assert read(db, talk.asha, deal, before=rows[4]["id"]) == [4, 1]


def test_a_message_is_answered_with_all_its_keys(db: Database, talk: Talk) -> None:
    sent = send(db, talk.asha, talk.id, "hi", client_message_id=uuid.uuid4())
    with db.signed_in_as(talk.bharat):
        page = db.call("get_messages", conversation_id=talk.id)
    assert all(message.keys() == MESSAGE_KEYS for message in page)
    assert page[0] == sent


def test_a_page_from_anywhere_says_the_same_of_each_message(db: Database, talk: Talk) -> None:
    for number in range(4):
        send(db, talk.asha, talk.id, f"number {number}")
        send(db, talk.bharat, talk.id, f"number {number}")
    for reader, seq in ((talk.asha, 5), (talk.bharat, 3)):
        with db.signed_in_as(reader):
            db.call("mark_read", conversation_id=talk.id, up_to_seq=seq)
            db.call("mark_delivered", conversation_id=talk.id, up_to_seq=seq + 3)
    with db.signed_in_as(talk.asha):
        whole = db.call("get_messages", conversation_id=talk.id)
        assert {message["status"] for message in whole} == {"sent", "delivered", "read"}
        assert db.call("get_messages", conversation_id=talk.id, after_seq=0) == whole[::-1]
        for before in range(1, 11):
            page = db.call("get_messages", conversation_id=talk.id, before_seq=before)
            assert page == [message for message in whole if message["seq"] < before]


def test_two_positions_at_once_are_refused(db: Database, talk: Talk) -> None:
    details = {"field": "before_seq", "rule": "one_position"}
    positions: list[dict[str, Any]] = [
        {"before_seq": 1, "after_seq": 1},
        {"before_seq": 1, "before": uuid.uuid4()},
        {"after_seq": 1, "before": uuid.uuid4()},
    ]
    for position in positions:
        with db.refused("INPUT_INVALID", 422, details=details):
            read(db, talk.asha, talk.id, **position)


def test_a_before_of_another_conversation_is_no_position(db: Database, talk: Talk) -> None:
    foreign = send(db, talk.chitra, open_talk(db, talk.chitra, talk.asha), "psst")
    for unknown in (foreign["id"], uuid.uuid4()):
        with db.refused("MESSAGE_NOT_FOUND", 404):
            read(db, talk.asha, talk.id, before=unknown)


def test_a_stranger_gets_the_very_answer_of_a_wrong_id(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    for arguments in ({}, {"after_seq": 0}, {"before_seq": 5, "after_seq": 5}):
        with subtests.test(str(arguments)):
            with db.refused("CONVERSATION_NOT_FOUND", 404) as foreign:
                read(db, talk.chitra, talk.id, **arguments)
            with db.refused("CONVERSATION_NOT_FOUND", 404) as unknown:
                read(db, talk.chitra, str(uuid.uuid4()), **arguments)
            assert vars(foreign) == vars(unknown)
