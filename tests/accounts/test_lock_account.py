"""Every write starts at the caller's account."""

from __future__ import annotations

import uuid

from tests.chat.scenes import SYSTEM_USER, open_talk, send
from tests.support.databases import Database


def test_a_write_notes_when_its_user_was_here(db: Database) -> None:
    asha, bharat = db.create_user("Asha"), db.create_user("Bharat")
    talk = open_talk(db, asha, bharat)
    db.query("update private.accounts set last_seen_at = now() - interval '1 day'")
    send(db, asha, talk, "hi")
    seen = (
        "select last_seen_at > now() - interval '1 hour' from private.accounts where user_id = %s"
    )
    assert db.value(seen, asha) is True
    assert db.value(seen, bharat) is False


def test_a_deleted_login_cannot_act_although_its_token_lives(db: Database) -> None:
    asha, bharat = db.create_user("Asha"), db.create_user("Bharat")
    talk = open_talk(db, asha, bharat)
    db.query("delete from auth.users where id = %s", asha)
    with db.signed_in_as(asha):
        with db.refused("AUTH_REQUIRED", 401):
            db.call("send_message", conversation_id=talk, message="still here")
        with db.refused("AUTH_REQUIRED", 401):
            db.call("direct_connect", target_user_id=bharat)
        with db.refused("AUTH_REQUIRED", 401):
            db.call("complete_profile", role="influencer", display_name="Ghost")


def test_a_token_of_nobody_cannot_act(db: Database) -> None:
    asha = db.create_user("Asha")
    for nobody in (uuid.uuid4(), SYSTEM_USER):
        with db.signed_in_as(nobody):
            with db.refused("AUTH_REQUIRED", 401):
                db.call("complete_profile", role="influencer", display_name="Nobody")
            with db.refused("AUTH_REQUIRED", 401):
                db.call("direct_connect", target_user_id=asha)
    assert db.query("select id from public.users where display_name = 'Nobody'") == []
    assert db.value("select display_name from public.users where id = %s", SYSTEM_USER) == "Parley"
