"""Free text needs an open chat and no block."""

from __future__ import annotations

import pytest

from tests.chat.scenes import Talk, block, context_of, everything, open_deal, send
from tests.support.databases import Database


def test_a_closed_chat_takes_nothing(db: Database, talk: Talk) -> None:
    db.query("update private.conversations set flow_state = 'chat_closed'")
    before = everything(db)
    for user in (talk.asha, talk.bharat):
        with db.refused("CHAT_CLOSED", 409):
            send(db, user, talk.id, "hello?")
        assert context_of(db, user, talk.id)["free_text_allowed"] is False
    assert everything(db) == before


def test_a_deal_takes_free_text_when_it_is_done_and_not_before(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    deal = open_deal(db, talk.bharat, talk.asha, flow_state="x", awaiting_role="brand_owner")
    for state in ("influencer_responding", "payment_pending", "work_submitted"):
        db.query("update private.conversations set flow_state = %s where id = %s", state, deal)
        details = {
            "current_state": state,
            "required_state": "real_time",
            "awaiting_role": "brand_owner",
        }
        for user in (talk.asha, talk.bharat):
            with (
                subtests.test(state=state),
                db.refused("FLOW_STATE_INVALID", 409, details=details),
            ):
                send(db, user, deal, "hi")
    db.query("update private.conversations set flow_state = 'real_time' where id = %s", deal)
    assert send(db, talk.asha, deal, "hi")["seq"] == 1


def test_a_block_silences_both_and_hides_nothing(db: Database, talk: Talk) -> None:
    send(db, talk.bharat, talk.id, "before")
    block(db, talk.asha, talk.bharat)
    for user in (talk.asha, talk.bharat):
        with db.refused("BLOCKED", 403) as refusal:
            send(db, user, talk.id, "after")
        assert refusal.details == {}
        context = context_of(db, user, talk.id)
        assert context["free_text_allowed"] is False
        assert context["last_message"]["message"] == "before"


def test_a_block_of_somebody_else_changes_nothing(db: Database, talk: Talk) -> None:
    block(db, talk.chitra, talk.asha)
    block(db, talk.bharat, talk.chitra)
    assert send(db, talk.asha, talk.id, "hi")["seq"] == 2
    assert context_of(db, talk.asha, talk.id)["free_text_allowed"] is True
