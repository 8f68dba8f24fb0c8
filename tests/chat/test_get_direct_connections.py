"""get_direct_connections: the caller's direct chats, page by page."""

from __future__ import annotations

import uuid
from typing import Any

from tests.chat.scenes import CONTEXT_KEYS, Talk, open_deal, open_talk, send
from tests.support.databases import Database


def pages(db: Database, user: uuid.UUID, page_size: int) -> list[Any]:
    """All pages, each a list of contexts."""
    found: list[Any] = []
    with db.signed_in_as(user):
        answer = db.call("get_direct_connections", page_size=page_size)
        while True:
            found.append(answer["conversations"])
            if answer["next_cursor"] is None:
                return found
            answer = db.call(
                "get_direct_connections", page_size=page_size, cursor=answer["next_cursor"]
            )


def test_only_direct_chats_of_the_caller_come_newest_first_each_once(
    db: Database, talk: Talk
) -> None:
    open_deal(db, talk.bharat, talk.asha)
    people = [db.create_user(f"Friend {number}") for number in range(4)]
    talks = [talk.id]
    for number, person in enumerate(people):
        pair = (talk.asha, person) if number % 2 else (person, talk.asha)
        talks.append(open_talk(db, *pair))
    open_talk(db, talk.bharat, talk.chitra)
    send(db, talk.bharat, talk.id, "me first")
    expected = [talk.id, *talks[:0:-1]]
    for page_size in (1, 2, 5, 100):
        found = pages(db, talk.asha, page_size)
        assert all(len(page) <= page_size for page in found)
        contexts = [context for page in found for context in page]
        assert [context["conversation_id"] for context in contexts] == expected
        assert all(context.keys() >= CONTEXT_KEYS for context in contexts)
        assert {context["kind"] for context in contexts} == {"direct"}
    assert pages(db, people[0], 10)[0][0]["other_party"]["id"] == str(talk.asha)


def test_who_has_no_chat_gets_an_empty_page(db: Database, talk: Talk) -> None:
    assert pages(db, talk.chitra, 10) == [[]]


def test_a_cursor_that_is_none_is_refused(db: Database, talk: Talk) -> None:
    with db.signed_in_as(talk.asha):
        for cursor in ("", "nonsense", f"0_{talk.id}x", f"-1_{talk.id}"):
            details = {"field": "cursor", "rule": "format"}
            with db.refused("INPUT_INVALID", 422, details=details):
                db.call("get_direct_connections", cursor=cursor)
    with db.as_anon(), db.refused("42501"):
        db.call("get_direct_connections")
