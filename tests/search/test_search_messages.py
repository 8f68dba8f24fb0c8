"""search_messages: every word, in any script, in what the caller may read now and nothing else."""

from __future__ import annotations

import unicodedata
import uuid
from datetime import timedelta
from typing import Any

import pytest

from tests.chat.scenes import (
    MESSAGE_KEYS,
    Talk,
    add_messages,
    all_messages,
    dice,
    everything,
    open_deal,
    open_talk,
    send,
)
from tests.support.databases import Database
from tests.support.operators import expire_at, let_expire


def search(db: Database, user: uuid.UUID, query: Any, **more: Any) -> list[Any]:
    """What the user finds, newest first."""
    with db.signed_in_as(user):
        found: list[Any] = db.call("search_messages", query=query, **more)
    return found


def cut(text: str, start: int, length: int) -> str:
    """The part of a text that a range means, as JavaScript slices it: in UTF-16 units."""
    units = text.encode("utf-16-le")
    return units[2 * start : 2 * (start + length)].decode("utf-16-le")


def texts(found: list[Any]) -> list[str]:
    return [message["message"] for message in found]


def test_a_hit_is_the_message_as_readers_get_it_with_its_highlight(
    db: Database, talk: Talk
) -> None:
    send(db, talk.asha, talk.id, "good morning")
    sent = send(db, talk.asha, talk.id, "good evening", media_url="https://cdn.example.com/a.jpg")
    (found,) = search(db, talk.bharat, "evening")
    assert found.keys() == MESSAGE_KEYS | {"highlight"}
    assert found.pop("highlight") == {"text": "good evening", "ranges": [[5, 7]]}
    assert found == all_messages(db, talk.bharat, talk.id)[-1]
    assert found["id"] == sent["id"]
    assert texts(search(db, talk.asha, "good")) == ["good evening", "good morning"]


SCRIPTS = [
    ("नमस्ते दुनिया", "दुनिया"),
    ("நாளை சந்திப்போம்", "சந்திப்"),
    ("نلتقي غدا في المقهى", "المقهى"),
    ("明天下午见面吧", "下午"),
    ("ありがとうございました", "とうご"),
    ("до завтра, Пётр", "пётр"),
    ("Straße nach ÅNGSTRÖM", "ångström"),
    ("ΚΑΛΗΜΕΡΑ κόσμε", "κόσμε"),
    ("party 🎉👩‍👩‍👧 tonight", "🎉"),
    ("party 🎉👩‍👩‍👧 tonight", "👩‍👩‍👧"),
    ("cafe\u0301 noir", "caf\u00e9"),
    ("caf\u00e9 noir", "cafe\u0301"),
]


def test_words_and_parts_of_words_are_found_in_any_script(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    send(db, talk.asha, talk.id, "something else")
    for text in dict(SCRIPTS):
        send(db, talk.asha, talk.id, text)
        send(db, talk.asha, talk.id, text, expiration_hours=1)
    for text, query in SCRIPTS:
        with subtests.test(query=query):
            found = search(db, talk.bharat, query)
            assert set(texts(found)) == {unicodedata.normalize("NFC", text)}
            assert {message["expires_at"] is None for message in found} == {True, False}
            for message in found:
                highlight = message["highlight"]
                assert highlight["text"] == message["message"]
                marked = cut(highlight["text"], *highlight["ranges"][0])
                assert marked.lower() == unicodedata.normalize("NFC", query)


def test_short_words_and_single_letters_are_found(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "I am ok")
    send(db, talk.asha, talk.id, "why")
    assert texts(search(db, talk.bharat, "ok")) == ["I am ok"]
    assert texts(search(db, talk.bharat, "y")) == ["why"]
    assert texts(search(db, talk.bharat, "ha")) == []


def test_case_does_not_matter(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "Meet me in MUMBAI")
    for query in ("mumbai", "MUMBAI", "MuMbAi meet", "in"):
        assert len(search(db, talk.bharat, query)) == 1


def test_all_words_must_match_in_any_order(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "red apples and green pears")
    send(db, talk.asha, talk.id, "green apples")
    assert len(search(db, talk.bharat, "apples green")) == 2
    assert len(search(db, talk.bharat, "  pears \t\n apples  ")) == 1
    assert search(db, talk.bharat, "green plums") == []


SIGNS: list[tuple[str, list[str]]] = [
    ("100%", ["100% sure"]),
    ("%", ["100% sure"]),
    ("_", ["snake_case"]),
    ("e_c", ["snake_case"]),
    ("\\", ["C:\\temp"]),
    ("\\t", ["C:\\temp"]),
    ("\\%", []),
    ("1__", []),
    ("(", ["a (b) [c] {d} .*+?^$|"]),
    (".*+?^$|", ["a (b) [c] {d} .*+?^$|"]),
    ("'; drop table public.messages; --", []),
    ("\"'", ["she said \"'yes'\""]),
    ("&", ["<b>&amp;</b>"]),
    ("<b>", ["<b>&amp;</b>"]),
    ("!:&", []),
]
SIGNED = [
    "100% sure",
    "1000 sure",
    "snake_case",
    "snakecase",
    "C:\\temp",
    "she said \"'yes'\"",
    "a (b) [c] {d} .*+?^$|",
    "<b>&amp;</b>",
]


def test_signs_stand_for_themselves(db: Database, talk: Talk, subtests: pytest.Subtests) -> None:
    for text in SIGNED:
        send(db, talk.asha, talk.id, text)
    for query, expected in SIGNS:
        with subtests.test(query=query):
            assert texts(search(db, talk.bharat, query)) == expected


def test_ranges_point_at_the_words_in_utf_16_units(db: Database, talk: Talk) -> None:
    cases = [
        ("🎉🎉 Hello नमस्ते world", "WORLD hello"),
        ("x" * 500 + " the needle is here " + "y" * 500, "needle"),
        ("🎉" * 300 + "needle", "needle"),
        ("needle" + "z" * 4000, "needle"),
        ("ab ab ab", "ab"),
        ("İİİİ ẞẞ needle", "needle"),
        ("İstanbul " * 10 + "needle", "NEEDLE"),
    ]
    for text, query in cases:
        send(db, talk.asha, talk.id, text)
        found = search(db, talk.bharat, query, page_size=1)[0]
        shown, ranges = found["highlight"]["text"], found["highlight"]["ranges"]
        assert found["message"] == text
        assert shown in text
        assert len(shown) <= 200
        assert ranges == sorted(ranges)
        marked = [cut(shown, *place).lower() for place in ranges]
        assert set(marked) == set(query.lower().split())


def test_overlapping_and_repeated_words_are_marked_within_the_text(
    db: Database, talk: Talk
) -> None:
    send(db, talk.asha, talk.id, "banana, a banana \U0001f34c banana")
    cases: list[tuple[str, list[list[int]]]] = [
        ("nan ana", [[1, 5], [11, 5], [21, 5]]),
        ("an", [[1, 4], [11, 4], [21, 4]]),
        ("banana ban", [[0, 6], [10, 6], [20, 6]]),
        ("\U0001f34c", [[17, 2]]),
        ("b", [[0, 1], [10, 1], [20, 1]]),
        ("na", [[2, 4], [12, 4], [22, 4]]),
    ]
    for query, ranges in cases:
        (found,) = search(db, talk.bharat, query)
        assert found["highlight"]["ranges"] == ranges, query
        ends = [start + length for start, length in ranges]
        assert all(end < start for end, (start, _) in zip(ends, ranges[1:], strict=False))


# A text, a query, and the part of the text that is marked.
SAME = [
    ("\u03bf\u03b4\u03cc\u03c2 \u039f\u0394\u039f\u03a3", "\u03cc\u03c3", "\u03cc\u03c2"),
    (
        "\u03c3\u03bf\u03c6\u03cc\u03c2",
        "\u03a3\u039f\u03a6\u038c\u03a3",
        "\u03c3\u03bf\u03c6\u03cc\u03c2",
    ),
    ("Stra\u00dfe", "STRASSE", "Stra\u00dfe"),
    ("STRASSE", "stra\u00dfe", "STRASSE"),
    ("STRA\u1e9eE", "strasse", "STRA\u1e9eE"),
    ("\u0131s\u0131rgan", "ISIRGAN", "\u0131s\u0131rgan"),
    ("\u0130zmir", "izmir", "\u0130zmir"),
    ("\uff28\uff45\uff4c\uff4c\uff4f", "hello", "\uff28\uff45\uff4c\uff4c\uff4f"),
    ("hello", "\uff28\uff25\uff2c\uff2c\uff2f", "hello"),
    ("e\ufb03cient", "efficient", "e\ufb03cient"),
    ("\ufb01sh", "fi", "\ufb01"),
    ("\uff76\uff9e\uff7d", "\u30ac", "\uff76\uff9e"),
    ("it\u2019s fine", "it's", "it\u2019s"),
    ("it's fine", "it\u2019s", "it's"),
    ("\u201cyes\u201d", '"yes"', "\u201cyes\u201d"),
    ("e\u2011mail", "e-mail", "e\u2011mail"),
    ("co\u00adoperate", "cooperate", "co\u00adoperate"),
    ("co\u200boperate", "cooperate", "co\u200boperate"),
    ("cooperate", "co\u00adop", "coop"),
    (
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0645\u06cc\u062e",
        "\u0645\u06cc\u200c\u062e",
    ),
    (
        "\U0001d4d7\U0001d4ee\U0001d4f5\U0001d4ee",
        "hele",
        "\U0001d4d7\U0001d4ee\U0001d4f5\U0001d4ee",
    ),
    ("\u2460 first", "1", "\u2460"),
]


def test_what_a_person_would_call_the_same_word_is_found_and_marked(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    for text, query, marked in SAME:
        sent = send(db, talk.asha, talk.id, text)
        with subtests.test(text=ascii(text), query=ascii(query)):
            found = {m["id"]: m for m in search(db, talk.bharat, query, page_size=100)}
            highlight = found[sent["id"]]["highlight"]
            assert cut(highlight["text"], *highlight["ranges"][0]) == marked


def test_one_user_has_one_search_at_a_time(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "a heron")
    search(db, talk.asha, "heron")
    other = db.session()
    with db.transaction():
        search(db, talk.asha, "heron")
        with other.signed_in_as(talk.asha), other.refused("RATE_LIMITED", 429) as refusal:
            other.call("search_messages", query="heron")
        assert refusal.details == {"retry_after": 1}
        assert refusal.headers == {"Retry-After": "1"}
        assert len(search(other, talk.bharat, "heron")) == 1
    assert len(search(other, talk.asha, "heron")) == 1


def test_nobody_finds_what_is_foreign_hidden_or_expired(db: Database, talk: Talk) -> None:
    deal = open_deal(db, talk.bharat, talk.asha)
    add_messages(
        db,
        deal,
        [
            {
                "sender_id": talk.bharat,
                "receiver_id": talk.bharat,
                "visible_to": "sender",
                "message": "kingfisher note",
            },
            {
                "sender_id": uuid.UUID(int=0),
                "receiver_id": talk.asha,
                "visible_to": "influencer",
                "message_type": "automated",
                "message": "kingfisher automated",
            },
        ],
    )
    gone = send(db, talk.bharat, talk.id, "kingfisher gone", expiration_hours=1)
    let_expire(db, gone["id"])
    send(db, talk.bharat, open_talk(db, talk.bharat, talk.chitra), "kingfisher elsewhere")
    assert texts(search(db, talk.bharat, "kingfisher")) == [
        "kingfisher elsewhere",
        "kingfisher note",
    ]
    assert search(db, talk.asha, "kingfisher") == []
    assert texts(search(db, talk.chitra, "kingfisher")) == ["kingfisher elsewhere"]
    # Not even that there is something: the same answer as for a word that nobody wrote.
    for conversation in (None, talk.id, deal):
        hidden = search(db, talk.asha, "kingfisher", conversation_id=conversation)
        assert hidden == search(db, talk.asha, "platypus", conversation_id=conversation)


def test_a_message_that_disappears_is_found_while_it_lives_by_both(
    db: Database, talk: Talk
) -> None:
    secret = send(db, talk.asha, talk.id, "a heron", expiration_hours=1)
    arranging = db.session()
    for user in (talk.asha, talk.bharat):
        for ahead, count in ((1, 1), (0, 0)):
            with db.transaction(), db.signed_in_as(user):
                (clock,) = db.select("select now() as time")
                expire_at(arranging, clock["time"] + timedelta(microseconds=ahead), secret["id"])
                assert len(db.call("search_messages", query="heron")) == count
    assert search(db, talk.chitra, "heron") == []


def test_what_is_not_the_callers_takes_no_place_on_the_page(db: Database, talk: Talk) -> None:
    own = send(db, talk.asha, talk.id, "a heron")
    elsewhere = open_talk(db, talk.bharat, talk.chitra)
    for hours in (None, 1, None, 1):
        send(db, talk.bharat, elsewhere, "another heron", expiration_hours=hours)
    (found,) = search(db, talk.asha, "heron", page_size=1)
    assert found["id"] == own["id"]


def test_only_what_people_wrote_is_searched(db: Database, talk: Talk) -> None:
    assert search(db, talk.asha, "Conversation started") == []


def test_one_conversation_can_be_searched_alone(db: Database, talk: Talk) -> None:
    other = open_talk(db, talk.asha, talk.chitra)
    for conversation in (talk.id, other):
        send(db, talk.asha, conversation, "a heron")
        send(db, talk.asha, conversation, "a heron that goes", expiration_hours=1)
    found = search(db, talk.asha, "heron", conversation_id=other)
    assert {message["conversation_id"] for message in found} == {other}
    assert len(found) == 2
    assert len(search(db, talk.asha, "heron")) == 4


def test_pages_show_every_hit_once_newest_first(db: Database, talk: Talk) -> None:
    chance = dice(47)
    talks = [talk.id, open_talk(db, talk.asha, talk.chitra)]
    for number in range(24):
        word = chance.choice(["heron", "stork"])
        hours = chance.choice([None, None, 5])
        send(db, talk.asha, chance.choice(talks), f"{word} {number}", expiration_hours=hours)
    # Several at one moment, as a busy server has them.
    db.query(
        """
        update public.messages
        set created_at = date_trunc('minute', created_at) + interval '30 s'
        where seq % 3 = 0 and expires_at is null
        """
    )
    expected = db.query(
        """
        select id from public.messages where message like 'heron%'
        order by created_at desc, id desc
        """
    )
    assert len(expected) > 5
    for page_size in (1, 3, 7, 100):
        found: list[str] = []
        while page := search(
            db, talk.asha, "heron", page_size=page_size, before=found[-1] if found else None
        ):
            assert len(page) <= page_size
            found += [message["id"] for message in page]
        assert found == [str(row["id"]) for row in expected]


def test_a_hit_that_has_expired_still_marks_a_position(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "first heron")
    secret = send(db, talk.asha, talk.id, "second heron", expiration_hours=2000)
    send(db, talk.asha, talk.id, "third heron")
    db.query(
        """
        update public.messages
        set expires_at = created_at + interval '1 hour' where id = %s
        """,
        secret["id"],
    )
    db.query(
        "update public.messages set created_at = created_at - interval '2 hours'"
        ", expires_at = expires_at - interval '2 hours'"
    )
    assert texts(search(db, talk.bharat, "heron")) == ["third heron", "first heron"]
    assert texts(search(db, talk.bharat, "heron", before=secret["id"])) == ["first heron"]


def test_a_search_that_makes_no_sense_is_refused(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    before = everything(db)
    cases: list[tuple[Any, str]] = [
        ("", "length"),
        ("  \n\t ", "length"),
        (None, "length"),
        ("\u200b\ufeff", "length"),
        ("\u2028", "length"),
        ("\u1680\u205f", "length"),
        ("a" * 201, "length"),
        ("a\u0007b", "control_characters"),
    ]
    for query, rule in cases:
        with (
            subtests.test(query=ascii(query)[:20]),
            db.refused("INPUT_INVALID", 422, details={"field": "query", "rule": rule}),
        ):
            search(db, talk.asha, query)
    with db.refused("MESSAGE_NOT_FOUND", 404):
        search(db, talk.asha, "a", before=uuid.uuid4())
    with db.as_anon(), db.refused("42501"):
        db.call("search_messages", query="a")
    assert everything(db) == before


def test_no_white_space_of_any_kind_matches_everything(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "one two")
    for space in " \t\n\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000":
        assert search(db, talk.bharat, f"zebra{space}") == []
        assert search(db, talk.bharat, f"{space}zebra") == []
        assert len(search(db, talk.bharat, f"two{space}")) == 1


def test_a_stranger_searches_no_conversation_and_finds_no_position(
    db: Database, talk: Talk
) -> None:
    own = open_talk(db, talk.chitra, db.create_user("Dev"))
    foreign = send(db, talk.asha, talk.id, "a heron")
    answers = []
    for conversation in (talk.id, uuid.uuid4()):
        with db.refused("CONVERSATION_NOT_FOUND", 404) as refusal:
            search(db, talk.chitra, "heron", conversation_id=conversation)
        with db.refused("CONVERSATION_NOT_FOUND", 404) as worse:
            search(db, talk.chitra, "", conversation_id=conversation, before=foreign["id"])
        answers += [vars(refusal), vars(worse)]
    assert all(answer == answers[0] for answer in answers)
    with db.refused("MESSAGE_NOT_FOUND", 404):
        search(db, talk.chitra, "heron", before=foreign["id"])
    assert search(db, talk.chitra, "heron", conversation_id=own) == []


def test_a_page_has_one_to_a_hundred_hits(db: Database, talk: Talk) -> None:
    for number in range(3):
        send(db, talk.asha, talk.id, f"heron {number}")
    assert len(search(db, talk.bharat, "heron", page_size=0)) == 1
    assert len(search(db, talk.bharat, "heron", page_size=5000)) == 3


def test_no_index_keeps_the_words_of_messages(db: Database) -> None:
    # Neither for longer than the message itself, nor to be timed by those who may not read it.
    definitions = db.query(
        "select indexdef from pg_indexes where schemaname = 'public' and tablename = 'messages'"
    )
    assert definitions
    words = db.query(
        r"""
        select indexdef from pg_indexes
        where schemaname = 'public' and tablename = 'messages' and indexdef ~ '\mmessage\M'
        """
    )
    assert words == []
