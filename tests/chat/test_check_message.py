"""What a message may say, and how long."""

from __future__ import annotations

import pytest

from tests.chat.scenes import Talk, send
from tests.support.databases import Database

# One character to a reader and after NFC; two code points as some keyboards write it.
DECOMPOSED = "e\u0301"


def test_a_message_that_says_nothing_is_refused(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    for text in ("", " ", "\n\t\r\n", "\u00a0\u2003\u3000", "\u200b\ufeff\u2060", "\u202e\u2069"):
        with subtests.test(repr(text)), db.refused("MESSAGE_EMPTY", 422):
            send(db, talk.asha, talk.id, text)
    with db.signed_in_as(talk.asha):
        with db.refused("MESSAGE_EMPTY", 422):
            db.call("send_message", conversation_id=talk.id)
        with db.refused("MESSAGE_EMPTY", 422):
            db.call("send_message", conversation_id=talk.id, message=None, media_url="")


def test_5000_characters_fit_and_one_more_does_not(db: Database, talk: Talk) -> None:
    for text in ("a" * 5000, "न" * 5000, "😀" * 5000, DECOMPOSED * 5000, " \n" + "a" * 5000 + " "):
        assert len(send(db, talk.asha, talk.id, text)["message"]) == 5000
    for text in ("a" * 5001, "😀" * 5001, DECOMPOSED * 5001, " " + "a" * 5001):
        with db.refused("MESSAGE_TOO_LONG", 422, details={"length": 5001, "max": 5000}):
            send(db, talk.asha, talk.id, text)


def test_a_long_text_is_refused_and_not_cut(db: Database, talk: Talk) -> None:
    with db.refused("MESSAGE_TOO_LONG", 422, details={"length": 1_000_000}):
        send(db, talk.asha, talk.id, "a" * 1_000_000)
