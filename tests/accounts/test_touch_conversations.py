"""What a user's conversations show of that user has changed."""

from __future__ import annotations

import psycopg

from tests.chat.scenes import context_of, open_talk
from tests.support.databases import PATIENCE, Database


def test_a_new_name_moves_the_version_of_every_conversation_and_no_other(db: Database) -> None:
    asha, bharat, chitra = (db.create_user(name) for name in ("Asha", "Bharat", "Chitra"))
    talks = [open_talk(db, asha, other) for other in (bharat, chitra)]
    foreign = open_talk(db, bharat, chitra)
    before = {talk: context_of(db, asha, talk)["version"] for talk in talks}
    untouched = context_of(db, bharat, foreign)["version"]
    with db.signed_in_as(asha):
        db.call("complete_profile", role="influencer", display_name="Asha Rao")
    for talk in talks:
        assert context_of(db, asha, talk)["version"] > before[talk]
    assert context_of(db, bharat, foreign)["version"] == untouched


def test_two_devices_of_one_user_lock_conversations_in_one_order(db: Database) -> None:
    asha = db.create_user("Asha")
    talks = sorted(open_talk(db, db.create_user(f"Guest {n}"), asha) for n in range(3))
    # So that the order in which rows are found is the opposite of the order of the ids.
    for scan in ("indexscan", "bitmapscan"):
        db.query(f'alter database "{db.name}" set enable_{scan} = off')
    for talk in reversed(talks):
        db.query(
            "update private.participants set version = version where conversation_id = %s", talk
        )
    # So that sync has no visit to note, and does not meet the other device at the account already.
    db.query("update private.accounts set last_seen_at = now()")
    phone, laptop = db.session(), db.session()
    with psycopg.connect(db.dsn()) as middle:
        middle.execute(
            """
            select from private.participants where conversation_id = %s and user_id = %s for update
            """,
            (talks[1], asha),
        )
        with phone.signed_in_as(asha), laptop.signed_in_as(asha):
            synced = phone.start("sync", known={})
            named = laptop.start("complete_profile", role="influencer", display_name="Asha")
            db.wait_until_blocked(phone)
            db.wait_until_blocked(laptop)
    assert named.result(PATIENCE)["display_name"] == "Asha"
    assert len(synced.result(PATIENCE)["conversations"]) == 3
