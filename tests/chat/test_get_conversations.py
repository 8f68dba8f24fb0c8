"""get_conversations: the caller's list, newest first, in pages."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.chat.scenes import (
    CONTEXT_KEYS,
    add_messages,
    context_of,
    dice,
    open_deal,
    open_talk,
    send,
)
from tests.support.databases import Database


@pytest.fixture
def asha(db: Database) -> uuid.UUID:
    """Whose list it is."""
    return db.create_user("Asha")


def page_of(db: Database, user: uuid.UUID, **arguments: Any) -> tuple[list[str], str | None]:
    """The ids of one page, and the cursor of the next."""
    with db.signed_in_as(user):
        answer = db.call("get_conversations", **arguments)
    assert answer.keys() == {"conversations", "next_cursor"}
    ids = [context["conversation_id"] for context in answer["conversations"]]
    return ids, answer["next_cursor"]


def pages_of(db: Database, user: uuid.UUID, **arguments: Any) -> list[str]:
    """The ids of all pages."""
    ids, cursor = page_of(db, user, **arguments)
    while cursor is not None:
        more, cursor = page_of(db, user, cursor=cursor, **arguments)
        assert more
        assert not set(more) & set(ids), "a page comes again"
        ids += more
    return ids


def open_talks(db: Database, user: uuid.UUID, count: int) -> list[str]:
    """Chats with that many people, opened from either side, oldest first."""
    others = [db.create_user(f"Guest {uuid.uuid4()}") for _ in range(count)]
    return [
        open_talk(db, user, other) if n % 2 else open_talk(db, other, user)
        for n, other in enumerate(others)
    ]


def test_the_conversation_with_the_newest_message_comes_first(
    db: Database, asha: uuid.UUID
) -> None:
    first, second, third = open_talks(db, asha, 3)
    assert page_of(db, asha) == ([third, second, first], None)
    send(db, asha, first, "hi")
    assert page_of(db, asha) == ([first, third, second], None)


def test_each_entry_is_the_conversations_context(db: Database, asha: uuid.UUID) -> None:
    open_talks(db, asha, 2)
    open_deal(db, asha, db.create_user("Ravi"))
    with db.signed_in_as(asha):
        listed = db.call("get_conversations")["conversations"]
    assert len(listed) == 3
    for entry in listed:
        context = context_of(db, asha, entry["conversation_id"])
        assert entry.keys() >= CONTEXT_KEYS
        assert {**entry, "server_now": None} == {**context, "server_now": None}


def test_pages_of_any_size_put_together_are_the_list_also_among_equal_times(
    db: Database, asha: uuid.UUID
) -> None:
    talks = open_talks(db, asha, 9)
    everything = talks[::-1]
    for size in (1, 2, 3, 8, 9, 10, 100):
        assert pages_of(db, asha, page_size=size) == everything
    db.query(
        "update private.conversations set last_message_at = '2026-01-01 12:00:00.000001+00',"
        " listed_at = '2026-01-01 12:00:00+00'"
    )
    for size in (1, 4):
        assert pages_of(db, asha, page_size=size) == sorted(talks, reverse=True)


def test_the_key_of_the_list_is_the_hour_of_the_newest_message(
    db: Database, asha: uuid.UUID
) -> None:
    (talk,) = open_talks(db, asha, 1)

    def key_is_true() -> bool:
        return bool(
            db.value(
                "select bool_and(listed_at = date_bin('1 hour', last_message_at,"
                " timestamptz '2000-01-01 00:00:00+00')) from private.conversations"
            )
        )

    assert key_is_true()
    db.query(
        "update private.conversations set last_message_at = '2026-01-01 00:00:00+00',"
        " listed_at = '2026-01-01 00:00:00+00'"
    )
    assert key_is_true()
    send(db, asha, talk, "hi")
    assert key_is_true()


def test_what_is_older_is_neither_skipped_nor_repeated_while_messages_come_in(
    db: Database, asha: uuid.UUID
) -> None:
    talks = open_talks(db, asha, 8)
    chance = dice(11)
    seen, cursor = page_of(db, asha, page_size=2)
    untouched = set(talks) - set(seen)
    while cursor is not None:
        busy = chance.choice(talks)
        send(db, asha, busy, "bump")
        talks += open_talks(db, asha, 1) if chance.random() < 0.5 else []
        more, next_cursor = page_of(db, asha, page_size=2, cursor=cursor)
        untouched.discard(busy)
        assert not set(more) & set(seen)
        seen, cursor = seen + more, next_cursor
    assert untouched <= set(seen)


def test_a_page_has_10_conversations_if_not_said_otherwise_and_at_least_one(
    db: Database, asha: uuid.UUID
) -> None:
    open_talks(db, asha, 12)
    for asked, count in ((None, 10), (0, 1), (-3, 1), (11, 11), (2147483647, 12)):
        assert len(page_of(db, asha, page_size=asked)[0]) == count
    assert len(page_of(db, asha)[0]) == 10


def test_every_filter_lists_exactly_its_conversations(db: Database, asha: uuid.UUID) -> None:
    ravi = db.create_user("Ravi")
    archived, woken, unread, closed = open_talks(db, asha, 4)
    mine = open_deal(db, ravi, asha, flow_state="a", awaiting_role="influencer")
    theirs = open_deal(db, asha, ravi, flow_state="a", awaiting_role="influencer", kind="campaign")
    for talk in (archived, woken):
        db.query(
            """
            update private.participants as p set archived_seq = c.last_seq
            from private.conversations as c
            where c.id = p.conversation_id and c.id = %s and p.user_id = %s
            """,
            *(talk, asha),
        )
    send(db, asha, woken, "back again")
    (guest,) = db.query(
        "select user_id from private.participants where conversation_id = %s and user_id <> %s",
        *(unread, asha),
    )
    send(db, guest["user_id"], unread, "hello?")
    send(db, asha, closed, "read by nobody else")
    db.query("update private.conversations set flow_state = 'chat_closed' where id = %s", closed)

    expected = {
        "open": {woken, unread, mine, theirs},
        "archived": {archived},
        "my_turn": {mine},
        "unread": {unread},
        "direct": {archived, woken, unread, closed},
        "deals": {mine, theirs},
        "all": {archived, woken, unread, closed, mine, theirs},
    }
    for name, conversations in expected.items():
        assert set(page_of(db, asha, filter=name)[0]) == conversations, name
        assert set(pages_of(db, asha, filter=name, page_size=1)) == conversations, name
    assert set(page_of(db, asha)[0]) == expected["open"]
    assert page_of(db, guest["user_id"], filter="all") == ([unread], None)
    assert set(page_of(db, ravi, filter="my_turn")[0]) == {theirs}


def test_what_the_caller_cannot_read_is_not_unread(db: Database, asha: uuid.UUID) -> None:
    ravi = db.create_user("Ravi")
    deal = open_deal(db, ravi, asha)
    add_messages(
        db,
        deal,
        [
            {"sender_id": ravi, "receiver_id": ravi, "visible_to": "brand_owner"},
            {"sender_id": ravi, "expires_in": "-1 second"},
        ],
    )
    assert page_of(db, asha, filter="unread") == ([], None)
    assert page_of(db, asha, filter="all") == ([deal], None)


def test_a_list_is_its_owners_alone(db: Database, asha: uuid.UUID) -> None:
    open_talks(db, asha, 2)
    stranger = db.create_user("Chitra")
    _, cursor = page_of(db, asha, page_size=1)
    assert cursor is not None
    for name in ("open", "all", "direct", "unread"):
        assert page_of(db, stranger, filter=name) == ([], None)
        assert page_of(db, stranger, filter=name, cursor=cursor) == ([], None)


def test_a_broken_cursor_and_an_unknown_filter_are_refused(
    db: Database, asha: uuid.UUID, subtests: pytest.Subtests
) -> None:
    open_talks(db, asha, 1)
    some_id = str(uuid.uuid4())
    for cursor in (
        "",
        "1",
        "abc",
        f"x_{some_id}",
        f"-1_{some_id}",
        f"1e3_{some_id}",
        f"1_{some_id}x",
        f"1_{some_id}\n",
        f"{'9' * 19}_{some_id}",
        "1_" + "0" * 36,
        f"1_{some_id}'; select 1",
    ):
        details = {"field": "cursor", "rule": "format"}
        with subtests.test(repr(cursor)), db.refused("INPUT_INVALID", 422, details=details):
            page_of(db, asha, cursor=cursor)
    for name in ("", "Open", "closed", "open "):
        details = {"field": "filter", "rule": "one_of"}
        with subtests.test(repr(name)), db.refused("INPUT_INVALID", 422, details=details):
            page_of(db, asha, filter=name)


def test_a_cursor_in_capitals_is_the_same_position(db: Database, asha: uuid.UUID) -> None:
    open_talks(db, asha, 3)
    _, cursor = page_of(db, asha, page_size=1)
    assert cursor
    assert page_of(db, asha, cursor=cursor.upper()) == page_of(db, asha, cursor=cursor)


def test_a_cursor_of_any_time_is_a_position(db: Database, asha: uuid.UUID) -> None:
    (talk,) = open_talks(db, asha, 1)
    assert page_of(db, asha, cursor=f"0_{uuid.uuid4()}") == ([], None)
    assert page_of(db, asha, cursor=f"{'9' * 18}_{uuid.uuid4()}") == ([talk], None)
