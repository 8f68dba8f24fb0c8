"""How long a message that disappears may live."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.chat.scenes import Talk, everything, open_deal, send
from tests.support.databases import Database


def test_a_message_lives_as_long_as_was_said(db: Database, talk: Talk) -> None:
    for hours in (1, 1.5, 24, 2160):
        sent = send(db, talk.asha, talk.id, "brief", expiration_hours=hours)
        lived = datetime.fromisoformat(sent["expires_at"]) - datetime.fromisoformat(
            sent["created_at"]
        )
        assert lived == timedelta(hours=hours)
    assert send(db, talk.asha, talk.id, "kept", expiration_hours=None)["expires_at"] is None


def test_any_other_lifetime_is_refused(db: Database, talk: Talk, subtests: pytest.Subtests) -> None:
    before = everything(db)
    details = {"min_hours": 1, "max_hours": 2160}
    for hours in (0, -1, 0.999, 2160.001, 10**9, "1e300", "NaN"):
        with subtests.test(str(hours)), db.refused("EXPIRATION_INVALID", 422, details=details):
            send(db, talk.asha, talk.id, "brief", expiration_hours=hours)
    assert everything(db) == before


def test_nothing_disappears_under_a_legal_hold(db: Database, talk: Talk) -> None:
    deal = open_deal(db, talk.bharat, talk.asha)
    db.query("insert into private.legal_holds (conversation_id, reason) values (%s, 'court')", deal)
    with db.refused("EXPIRATION_NOT_ALLOWED", 409):
        send(db, talk.asha, deal, "brief", expiration_hours=1)
    assert send(db, talk.asha, deal, "kept")["seq"] == 1
    assert send(db, talk.asha, talk.id, "brief", expiration_hours=1)["expires_at"]
