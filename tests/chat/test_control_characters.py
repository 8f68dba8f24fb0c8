"""Characters that no text may hold."""

from __future__ import annotations

from tests.chat.scenes import Talk, everything, send
from tests.support.databases import Database


def test_control_characters_are_refused_one_and_all(db: Database) -> None:
    controls = {chr(code) for code in (*range(1, 0x20), *range(0x7F, 0xA0))} - {"\t", "\n"}
    for control in controls:
        details = {"field": "message", "rule": "control_characters"}
        # A carriage return is the end of a line, and stored as one.
        if control == "\r":
            continue
        with db.refused("INPUT_INVALID", 422, details=details):
            db.call_private("read_text", p_text=f"a{control}b", p_field="message", p_max=9)
    every_other = "".join(chr(code) for code in range(1, 0x300) if chr(code) not in controls)
    db.call_private("read_text", p_text=every_other, p_field="message", p_max=1000)


def test_a_message_with_a_control_character_is_not_sent(db: Database, talk: Talk) -> None:
    before = everything(db)
    details = {"field": "message", "rule": "control_characters"}
    with db.refused("INPUT_INVALID", 422, details=details):
        send(db, talk.asha, talk.id, "red \u001b[31m")
    assert everything(db) == before


def test_text_that_is_no_text_is_refused_by_postgres_itself(db: Database, talk: Talk) -> None:
    before = everything(db)
    with db.refused("22P05"):
        send(db, talk.asha, talk.id, "a\u0000b")
    with db.refused("22P02"):
        send(db, talk.asha, talk.id, "half a pair \ud83d of surrogates")
    assert everything(db) == before
