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
        once = db.call_private("clean_text", p_text=text)
        assert db.call_private("clean_text", p_text=once) == once
