"""export_my_data: all that is the caller's own, page by page, and nobody else's."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.flow.deals import gather_cast, open_play
from tests.notifications.devices import register
from tests.support.databases import Database
from tests.support.operators import let_expire


def export(db: Database, user: uuid.UUID, page_size: int) -> dict[str, list[Any]]:
    """The rows of every section, over all pages."""
    sections: dict[str, list[Any]] = {}
    cursor = None
    with db.signed_in_as(user):
        while True:
            page = db.call("export_my_data", cursor=cursor, page_size=page_size)
            assert page["version"] == 1
            assert len(page["rows"]) <= page_size
            sections.setdefault(page["section"], []).extend(page["rows"])
            if page["next_cursor"] is None:
                return sections
            # An id in any case is the same id.
            section, _, after = page["next_cursor"].partition(":")
            cursor = f"{section}:{after.upper()}"


def test_it_has_all_of_the_callers_and_nothing_of_anybody_else(db: Database) -> None:
    cast = gather_cast(db)
    play = open_play(db, cast, "bid", "real_time")
    register(db, cast.asha, "phone")
    with db.signed_in_as(cast.asha):
        chat = db.call("direct_connect", target_user_id=cast.bharat, initial_message="mine one")
        talk = {"conversation_id": chat["conversation"]["conversation_id"]}
        gone = db.call("send_message", **talk, message="mine gone", expiration_hours=1)["message"]
        db.call("block_user", user_id=cast.chitra)
    with db.signed_in_as(cast.bharat):
        theirs = db.call("send_message", **talk, message="theirs")["message"]
    with db.signed_in_as(cast.asha):
        db.call("send_message", **talk, message="mine two")
        db.call("report_message", message_id=theirs["id"], reason="spam", details="mine too")
    let_expire(db, gone["id"])

    whole = export(db, cast.asha, 500)
    assert whole == export(db, cast.asha, 1)
    assert [row["message"] for row in whole["messages"] if row["message_type"] == "user_input"] == [
        "mine one",
        "mine two",
    ]
    (profile,) = whole["profile"]
    assert (profile["id"], profile["role"]) == (str(cast.asha), "influencer")
    assert {row["id"] for row in whole["conversations"]} == {play.id, talk["conversation_id"]}
    counts = {section: len(rows) for section, rows in whole.items()}
    for section in ("bids", "work", "payouts", "blocks", "reports", "devices"):
        assert counts[section] == 1, section
    text = json.dumps(whole)
    assert "theirs" not in text
    assert "mine gone" not in text
    # What the other side has is in the other's export.
    assert "theirs" in json.dumps(export(db, cast.bharat, 500)["messages"])
    assert export(db, cast.bharat, 500)["payouts"] == []


def test_a_cursor_that_was_not_given_out_is_refused(db: Database) -> None:
    asha = db.create_user("Asha")
    for cursor in ("", "users:", "bids:x", "bids:1; drop", "messages:" + "9" * 30):
        details = {"field": "cursor", "rule": "format"}
        with db.signed_in_as(asha), db.refused("INPUT_INVALID", 422, details=details):
            db.call("export_my_data", cursor=cursor)
