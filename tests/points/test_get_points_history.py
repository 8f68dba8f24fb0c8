"""get_points_history: the caller's own ledger, page by page."""

from __future__ import annotations

from typing import Any

from tests.chat.scenes import Talk, send
from tests.points.purse import give_points, set_quota
from tests.support.databases import Database


def test_pages_show_every_entry_once_newest_first(db: Database, talk: Talk) -> None:
    set_quota(db, talk.asha, free=0, price=1)
    give_points(db, talk.asha, 20)
    give_points(db, talk.bharat, 20)
    message = [send(db, talk.asha, talk.id, str(number))["id"] for number in range(7)][-1]
    seen: list[Any] = []
    with db.signed_in_as(talk.asha):
        while page := db.call(
            "get_points_history", page_size=3, before=seen[-1]["id"] if seen else None
        ):
            assert len(page) <= 3
            seen += page
        assert db.call("get_points_history") == seen
    assert [entry["delta"] for entry in seen] == [-1] * 7 + [20]
    assert [entry["balance_after"] for entry in seen] == [*range(13, 20), 20]
    assert seen[0].keys() == {
        "id",
        "delta",
        "reason",
        "balance_after",
        "message_id",
        "created_at",
    }
    assert seen[0]["message_id"] == message
    ids = [entry["id"] for entry in seen]
    assert ids == sorted(ids, reverse=True)


def test_a_page_has_one_to_a_hundred_entries(db: Database, talk: Talk) -> None:
    for _ in range(3):
        give_points(db, talk.asha, 1)
    with db.signed_in_as(talk.asha):
        assert len(db.call("get_points_history", page_size=0)) == 1
        assert len(db.call("get_points_history", page_size=-5)) == 1
        assert len(db.call("get_points_history", page_size=1000)) == 3
    with db.signed_in_as(talk.bharat):
        assert db.call("get_points_history") == []


def test_anon_has_no_quota_and_no_history(db: Database) -> None:
    with db.as_anon():
        for function in ("get_quota", "get_points_history"):
            with db.refused("42501"):
                db.call(function)
