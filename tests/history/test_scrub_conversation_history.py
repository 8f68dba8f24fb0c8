"""Erasing what was said leaves that it was said provable."""

from __future__ import annotations

from typing import Any

import pytest

from tests.history.steps import (
    Story,
    events_of,
    open_deal_with_money,
    take_step,
    tamper,
    verify,
)
from tests.support.databases import PATIENCE, Database
from tests.support.operators import find_text

WHY = "Asha asked for it"


def scrub(db: Database, conversation: str, reason: str | None = WHY) -> Any:
    """What the service gets for scrubbing a history."""
    with db.as_service():
        return db.call("scrub_conversation_history", conversation_id=conversation, reason=reason)


def test_what_was_said_is_gone_and_the_chain_still_holds(db: Database, story: Story) -> None:
    whole = verify(db, story.id)
    assert find_text(db, "Quetzal at noon") == {"public.conversation_events": 1}
    assert scrub(db, story.id) == {"scrubbed": 6}
    assert find_text(db, "Quetzal at noon") == {}
    assert [event["details"] for event in events_of(db, story.id)] == [None] * 6
    assert db.value("select count(*) from private.event_salts") == 0
    assert verify(db, story.id) == {**whole, "scrubbed": 6}


def test_scrubbing_again_changes_nothing(db: Database, story: Story) -> None:
    scrub(db, story.id)
    before = (events_of(db, story.id), db.query("select * from private.alerts"))
    assert scrub(db, story.id) == {"scrubbed": 0}
    assert (events_of(db, story.id), db.query("select * from private.alerts")) == before


def test_a_scrubbed_history_goes_on(db: Database, story: Story) -> None:
    scrub(db, story.id)
    take_step(db, story.id, "reopen_chat", "real_time", story.asha, details={"note": "again"})
    answer = verify(db, story.id)
    assert (answer["valid"], answer["events"], answer["scrubbed"]) == (True, 7, 6)
    assert scrub(db, story.id) == {"scrubbed": 1}
    answer = verify(db, story.id)
    assert (answer["valid"], answer["events"], answer["scrubbed"]) == (True, 7, 7)
    assert db.value("select count(*) from private.alerts where kind = 'history_scrubbed'") == 2


def test_a_changed_column_of_a_scrubbed_event_is_still_found(db: Database, story: Story) -> None:
    scrub(db, story.id)
    tamper(db, "update public.conversation_events set actor_id = null where version = 2")
    assert verify(db, story.id)["broken_at"] == 2


def test_details_that_come_back_are_found_and_can_be_scrubbed_again(
    db: Database, story: Story
) -> None:
    scrub(db, story.id)
    tamper(db, """update public.conversation_events set details = '{"a": 1}' where version = 2""")
    assert verify(db, story.id)["broken_at"] == 2
    assert scrub(db, story.id) == {"scrubbed": 1}
    assert verify(db, story.id)["valid"]
    assert db.value("select seen from private.alerts") == 2


def test_a_trace_says_who_did_it_and_why_and_whether_it_was_whole_before(
    db: Database, story: Story
) -> None:
    operator = db.create_user("Olga")
    db.query("insert into private.admins (user_id) values (%s)", operator)
    tamper(db, "update public.conversation_events set details = '{}' where version = 3")
    before = verify(db, story.id)
    with db.signed_in_as(operator):
        db.call("scrub_conversation_history", conversation_id=story.id, reason=f" {WHY}\n")
    (trace,) = db.query("select * from private.alerts")
    assert (trace["kind"], trace["severity"]) == ("history_scrubbed", "info")
    assert str(trace["conversation_id"]) == story.id
    assert trace["details"] == {"reason": WHY, "operator": str(operator), "before": before}
    assert before["broken_at"] == 3


def test_members_and_strangers_scrub_nothing(db: Database, story: Story) -> None:
    for user in (story.asha, story.chitra):
        with db.signed_in_as(user), db.refused("FORBIDDEN", 403):
            db.call("scrub_conversation_history", conversation_id=story.id, reason=WHY)
    assert verify(db, story.id)["scrubbed"] == 0


def test_a_wrong_id_is_not_found(db: Database) -> None:
    with db.refused("CONVERSATION_NOT_FOUND", 404):
        scrub(db, "00000000-0000-4000-8000-000000000000")


@pytest.mark.parametrize(
    ("reason", "rule"),
    [
        (None, "length"),
        (" \n", "length"),
        ("\u0007", "control_characters"),
        ("a" * 1001, "length"),
    ],
)
def test_a_reason_is_needed(db: Database, story: Story, reason: str | None, rule: str) -> None:
    with db.refused("INPUT_INVALID", 422, details={"field": "reason", "rule": rule}):
        scrub(db, story.id, reason)


def test_nothing_is_scrubbed_while_a_deal_holds_money(db: Database, story: Story) -> None:
    deal = open_deal_with_money(db, story.bharat, story.asha)
    take_step(db, deal, "start_work", "work_in_progress", story.asha, details={"a": 1})
    with db.refused("FUNDS_HELD", 409):
        scrub(db, deal)
    assert verify(db, deal)["scrubbed"] == 0
    db.query(
        "update private.conversations set held_minor = 0, released_minor = captured_minor "
        "where id = %s",
        deal,
    )
    assert scrub(db, deal) == {"scrubbed": 1}


def test_nothing_is_scrubbed_under_a_legal_hold(db: Database, story: Story) -> None:
    db.query(
        "insert into private.legal_holds (conversation_id, reason) values (%s, 'court')", story.id
    )
    with db.refused("GUARD_FAILED", 409, details={"guard": "legal_hold"}):
        scrub(db, story.id)
    assert verify(db, story.id)["scrubbed"] == 0
    db.query("delete from private.legal_holds")
    assert scrub(db, story.id) == {"scrubbed": 6}


def test_two_who_scrub_at_once_scrub_once(db: Database, story: Story) -> None:
    other = db.session()
    arguments = {"conversation_id": story.id, "reason": WHY}
    with db.transaction(), db.as_service(), other.as_service():
        assert db.call("scrub_conversation_history", **arguments) == {"scrubbed": 6}
        waiting = other.start("scrub_conversation_history", **arguments)
        db.wait_until_blocked(other)
    assert waiting.result(PATIENCE) == {"scrubbed": 0}


def test_an_operator_erases_no_history_of_their_own(db: Database, story: Story) -> None:
    db.query("insert into private.admins (user_id) values (%s)", story.asha)
    before = events_of(db, story.id)
    with db.signed_in_as(story.asha), db.refused("FORBIDDEN", 403):
        db.call("scrub_conversation_history", conversation_id=story.id, reason=WHY)
    assert events_of(db, story.id) == before
