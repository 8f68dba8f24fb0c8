"""A text as it is stored: what people wrote, without what they cannot see."""

from __future__ import annotations

import unicodedata

import pytest

from tests.chat.scenes import Talk, send
from tests.support.databases import Database

# Joiners and marks carry meaning in these; losing one would change a word or a picture.
UNTOUCHED = {
    "hindi": "क्षमा करें, कृपया क्\u200dष लिखें",
    "malayalam with joiners": "ന്\u200d ല്\u200d ര്\u200d",
    "persian with a non-joiner": "می\u200cخواهم",  # noqa: RUF001
    "tamil": "வணக்கம்",
    "family emoji": "👩\u200d👩\u200d👧\u200d👦 ok",
    "flag and skin": "🇮🇳 👍🏽",
    "variation selector": "❤\ufe0f",
    "arabic": "مرحبا \u200f123",
    "lines and tabs": "a\n\n\tb",
    "markup": "<script>alert('x')</script> & \"q\" \\n %s {0}",
    "private use and last plane": "\ue000 \U0010fffd",
}
CLEANED = {
    "line ends": ("a\r\nb\rc", "a\nb\nc"),
    "bidi override": ("invoice\u202egpj.exe\u202c", "invoicegpj.exe"),
    "bidi isolates": ("\u2066+91 98765\u2069 call", "+91 98765 call"),
    "every direction control": ("a\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069b", "ab"),
    "composed": ("cafe\u0301", "café"),
    "hangul": ("\u1112\u1161\u11ab", "한"),
    "space around": (" \t\n\u00a0 hi there \u200b\ufeff\u3000", "hi there"),
    "space inside": ("a  \u00a0 b", "a  \u00a0 b"),
    # A control that hid a space at the end, or parted a letter from its accent.
    "space under a control": ("hi \u202c", "hi"),
    "accent under a control": ("e\u2066\u0301", "é"),
}


def read(db: Database, text: str, field: str = "details", limit: int = 1000) -> str:
    """The text as `private.read_text` takes it."""
    return str(db.call_private("read_text", p_text=text, p_field=field, p_max=limit))


def test_text_of_all_scripts_comes_back_as_it_was(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    for name, text in UNTOUCHED.items():
        with subtests.test(name):
            assert unicodedata.is_normalized("NFC", text)
            assert send(db, talk.asha, talk.id, text)["message"] == text


def test_what_cannot_be_seen_is_taken_out(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    for name, (text, stored) in CLEANED.items():
        with subtests.test(name):
            assert send(db, talk.asha, talk.id, text)["message"] == stored


def test_cleaning_twice_is_cleaning_once(db: Database) -> None:
    texts = [*UNTOUCHED.values(), *(text for text, _ in CLEANED.values())]
    for text in texts:
        once = read(db, text)
        assert read(db, once) == once


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a" * 1001, "length"),
        ("\u0915" * 1001, "length"),
        # Never normalized: the size in bytes says enough.
        ("a" + "\u0301\u0316" * 50_000, "length"),
        # As large as it may be in bytes, and one letter on the screen.
        ("a" + "\u0301\u0316" * 2_000, "combining_marks"),
        ("a" + "\u0301" * 33, "combining_marks"),
        # One pile, once the direction controls in it are gone.
        ("a" + ("\u0301" * 32 + "\u202a") * 2, "combining_marks"),
    ],
)
def test_what_is_too_long_or_piled_up_is_refused(db: Database, text: str, rule: str) -> None:
    with db.refused("INPUT_INVALID", 422, details={"field": "details", "rule": rule}):
        read(db, text)


def test_a_message_that_is_too_long_has_a_code_of_its_own(db: Database) -> None:
    with db.refused("MESSAGE_TOO_LONG", 422, details={"length": 1001, "max": 1000}):
        read(db, "a" * 1001, "message")


def test_what_fits_once_it_is_composed_fits(db: Database) -> None:
    assert read(db, "\u1112\u1161\u11ab" * 1000) == "\ud55c" * 1000
    assert read(db, "e\r\n" * 500) == ("e\n" * 500).strip()
    pile = "a" + "\u0316" * 32
    assert read(db, pile) == pile


def test_every_mark_that_normalizing_sorts_counts_as_one(db: Database) -> None:
    """PostgreSQL itself is asked: a mark changes places with U+0334 (class 1) or U+0345 (240)."""
    missed = db.query(
        """
        select to_hex(n) as code from generate_series(1, 1114111) as n
        where n not between 55296 and 57343
          and (
            substr(normalize('q' || chr(n) || U&'\\0334', nfd), 2, 1) = U&'\\0334'
            or substr(normalize('q' || U&'\\0345' || chr(n), nfd), 2, 1) <> U&'\\0345'
          )
          and not private.has_piled_marks(repeat(chr(n), 33))
        """
    )
    assert missed == []
