"""get_notifications: what a device that was away reads, a page at a time."""

from __future__ import annotations

import uuid
from typing import Any

from tests.chat.scenes import Talk
from tests.support.databases import Database


def tell(db: Database, user: uuid.UUID, talk: Talk, *left: int) -> None:
    """Tell a user of so many free messages left, one notification each."""
    for number in left:
        db.call_private(
            "notify",
            p_user_id=user,
            p_type="quota_low",
            p_conversation_id=talk.id,
            p_data={"left": number},
        )


def read(db: Database, user: uuid.UUID, **arguments: Any) -> list[dict[str, Any]]:
    with db.signed_in_as(user):
        page: list[dict[str, Any]] = db.call("get_notifications", **arguments)
    return page


def test_the_newest_come_first_and_nobody_reads_those_of_others(db: Database, talk: Talk) -> None:
    tell(db, talk.asha, talk, 3, 2, 1)
    tell(db, talk.bharat, talk, 9)
    page = read(db, talk.asha)
    assert [row["data"]["left"] for row in page] == [1, 2, 3]
    assert {row["type"] for row in page} == {"quota_low"}
    assert {row["conversation_id"] for row in page} == {str(talk.id)}
    assert [row["data"]["left"] for row in read(db, talk.bharat)] == [9]
    assert read(db, db.create_user("Esha")) == []


def test_pages_follow_each_other_without_a_gap(db: Database, talk: Talk) -> None:
    tell(db, talk.asha, talk, *range(5))
    seen: list[int] = []
    before = None
    while page := read(db, talk.asha, page_size=2, before=before):
        assert len(page) <= 2
        seen += [row["data"]["left"] for row in page]
        before = page[-1]["id"]
    assert seen == [4, 3, 2, 1, 0]


def test_only_a_signed_in_user_may_ask(db: Database, talk: Talk) -> None:
    tell(db, talk.asha, talk, 1)
    with db.as_anon(), db.refused("42501"):
        db.call("get_notifications")
    with db.signed_in_as(uuid.uuid4()), db.refused("AUTH_REQUIRED", 401):
        db.call("get_notifications")
