"""complete_profile: a role once, a name, a picture and a phone."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from scripts.build import build_tables
from tests.chat.scenes import context_of, open_talk
from tests.support.databases import Database

PHONE = "+919876543210"
# Argument, value, and the rule that it breaks.
BAD: list[tuple[str, str | None, str]] = [
    ("role", "", "one_of"),
    ("role", "Influencer", "one_of"),
    ("role", "admin", "one_of"),
    ("role", "system", "one_of"),
    ("display_name", "", "length"),
    ("display_name", " \n\t\u00a0\u200b\ufeff", "length"),
    ("display_name", "a" * 81, "length"),
    ("display_name", "Asha\nRao", "length"),
    ("display_name", "Asha\r\nRao", "length"),
    ("display_name", "Asha\u001b[31m", "control_characters"),
    ("display_name", "Asha\u0085Rao", "control_characters"),
    ("phone", "9876543210", "e164"),
    ("phone", "+0123456789", "e164"),
    ("phone", "+123456", "e164"),
    ("phone", "+1234567890123456", "e164"),
    ("phone", "+9198765x3210", "e164"),
    ("phone", "+91\u0669876543210", "e164"),
    ("phone", "+919876543210\n", "e164"),
    ("phone", "call me", "e164"),
    # A zero that is dialled inside the country only, and numbers that are too long or too short.
    ("phone", "+91 098765 43210", "e164"),
    ("phone", "+44 (0)20 7946 0958", "e164"),
    ("phone", "+91 98765 4321", "e164"),
    ("phone", "+91 98765 432101", "e164"),
    ("phone", "+91 98765 43210;ext=5", "e164"),
    ("phone", "+999 1234567", "e164"),
    ("phone", "00919876543210", "e164"),
    ("phone", "+" * 300, "length"),
]
PASTED = (
    "+91\u00a098765\u00a043210",
    "\u202a+91\u201198765\u201143210\u202c",
    "tel:+91-98765-43210",
    "+91 (98765) 432.10 ",
    "\u2068+919876543210\u2069",
    "+91\u200b 98765\u202f43210",
)
# Ways to write the system's name that people would read as it.
LOOK_ALIKES = (
    "parley",
    "PARLEY",
    "Par\u00adley",
    "Parley\u3164",
    "Parley\uffa0",
    "Par\u200bley",
    "\uff30\uff41\uff52\uff4c\uff45\uff59",
    "\u0420\u0430rley",
    "\u0440arley",
    "Parl\u0435y",
    "Par\u04cfey",
    "ParIey",
    "Par1ey",
    "Par|ey",
    "P\u00e0rl\u0117y",
    "\U0001d4df\U0001d4ea\U0001d4fb\U0001d4f5\U0001d4ee\U0001d502",
    "\u24c5arley",
    "\u1d18\u1d00\u0280\u029f\u1d07\u028f",
    "\u03a1\u0391R\u216c\u0395\u03a5",
    "P\u0430\ufe0frley",
    "P a r l e y",
    "Parley \u2705",
    "-Parley-",
    "Par\U000e0001ley",
    "\U0001f1f5arley",
    "\u13e2arley",
    # Whole words, and mixtures, of Cyrillic, Greek, Armenian, Cherokee, Coptic, Lisu, Hebrew,
    # Arabic, full-width, circled, mathematical and small letters.
    "\u0440\u0430\u0433\u04cf\u0435\u0443",
    "\u0420\u0410R\u216c\u0415\u0423",
    "\u03c1\u03b1r\u0399e\u03b3",
    "\u03a1\u0391\u042fLEY".replace("\u042f", "R"),
    "p\u0430r\u05c0\u0435y",
    "\u13e2\u13aa\u13a1\u13de\u13ac\u13a9",
    "\u2ca2ar\u2c92ey",
    "\ua4d1\ua4ee\ua4e3\ua4e1\ua4f0\ua4ec",
    "par\u05d5ey",
    "par\u0627ey",
    "\uff50\u0430\u24e1\u2113\u212fy",
    "\U0001d429\u0251\U0001d42b\U0001d4c1ey",
    "\u1d56a\u02b3\u02e1ey",
    "P\u0410\u0280L\u04bd\u028f",
)
OTHERS = (
    "Parle",
    "Harley",
    "Parley Smith",
    "Barley",
    "\u041f\u0430\u0440\u043b\u0435\u0439",
    "\u2705",
    "\u0906\u0936\u093e",
)


@pytest.fixture
def asha(db: Database) -> uuid.UUID:
    """The influencer, who has just signed up."""
    return db.create_user("Asha")


def complete(db: Database, user: uuid.UUID, **arguments: Any) -> Any:
    """Call it with a valid profile, except for the arguments given."""
    with db.signed_in_as(user):
        return db.call(
            "complete_profile",
            **{"role": "influencer", "display_name": "Asha Rao", **arguments},
        )


def card_of(db: Database, user: uuid.UUID) -> dict[str, Any]:
    """What is stored of a profile, in both tables."""
    (row,) = db.query(
        """
        select u.role, u.display_name, u.avatar_url, a.phone
        from public.users as u join private.accounts as a on a.user_id = u.id
        where u.id = %s
        """,
        user,
    )
    return row


def test_a_profile_is_stored_and_answered(db: Database, asha: uuid.UUID) -> None:
    picture = "https://cdn.example.com/asha.jpg"
    answer = complete(
        db, asha, display_name="  Asha Rao ", avatar_url=picture, phone="+91 (98765) 432-10"
    )
    stored = card_of(db, asha)
    assert stored == {
        "role": "influencer",
        "display_name": "Asha Rao",
        "avatar_url": picture,
        "phone": PHONE,
    }
    assert {key: answer[key] for key in stored} == stored
    assert answer["id"] == str(asha)
    assert {"created_at", "updated_at"} <= answer.keys()


def test_the_same_role_again_updates_the_rest(db: Database, asha: uuid.UUID) -> None:
    complete(db, asha, avatar_url="https://cdn.example.com/asha.jpg", phone=PHONE)
    complete(db, asha, display_name="आशा", avatar_url="", phone="")
    assert card_of(db, asha) == {
        "role": "influencer",
        "display_name": "आशा",
        "avatar_url": None,
        "phone": None,
    }


def test_a_call_changes_only_what_it_is_given(db: Database, asha: uuid.UUID) -> None:
    picture = "https://cdn.example.com/asha.jpg"
    complete(db, asha, avatar_url=picture, phone=PHONE)
    for change in (
        {"phone": "+14155552671"},
        {"display_name": "Asha R"},
        {"avatar_url": ""},
        {"role": "influencer"},
        {"phone": ""},
        {},
    ):
        before = card_of(db, asha)
        with db.signed_in_as(asha):
            answer = db.call("complete_profile", **change)
            assert db.call("get_profile") == answer
        after = card_of(db, asha)
        assert after == before | {key: value or None for key, value in change.items()}
        assert {key: answer[key] for key in after} == after


def test_a_first_profile_needs_a_role_and_a_name(db: Database, asha: uuid.UUID) -> None:
    with db.signed_in_as(asha):
        with db.refused("INPUT_INVALID", 422, details={"field": "role", "rule": "one_of"}):
            db.call("complete_profile", display_name="Asha")
        missing = {"field": "display_name", "rule": "length"}
        with db.refused("INPUT_INVALID", 422, details=missing):
            db.call("complete_profile", role="influencer")
    assert card_of(db, asha)["role"] is None


def test_a_profile_is_read_back_before_and_after_it_is_complete(
    db: Database, asha: uuid.UUID
) -> None:
    with db.signed_in_as(asha):
        profile = db.call("get_profile")
        assert (profile["id"], profile["role"], profile["phone"]) == (str(asha), None, None)
        assert profile["privacy"] == {"last_seen": True, "read_receipts": True}
        db.call("set_privacy", last_seen=False)
        assert db.call("get_profile")["privacy"] == {"last_seen": False, "read_receipts": True}
    with db.refused("AUTH_REQUIRED", 401), db.signed_in_as(uuid.uuid4()):
        db.call("get_profile")


def test_a_phone_is_taken_as_people_paste_it(db: Database, asha: uuid.UUID) -> None:
    for pasted in PASTED:
        assert complete(db, asha, phone=pasted)["phone"] == PHONE, ascii(pasted)
    # Italy keeps the zero of a town.
    assert complete(db, asha, phone="+39 02 1234 5678")["phone"] == "+390212345678"


def test_no_name_looks_like_the_systems(db: Database, asha: uuid.UUID) -> None:
    for name in LOOK_ALIKES:
        details = {"field": "display_name", "rule": "reserved"}
        with db.refused("INPUT_INVALID", 422, details=details):
            complete(db, asha, display_name=name)
    for name in OTHERS:
        assert complete(db, asha, display_name=name)["display_name"] == name


def test_the_tables_are_those_of_their_libraries() -> None:
    for name, render in build_tables.FILES.items():
        assert (build_tables.ACCOUNTS / name).read_text("utf-8") == render(), name


def test_another_role_is_refused_and_changes_nothing(db: Database, asha: uuid.UUID) -> None:
    complete(db, asha, phone=PHONE)
    before = card_of(db, asha)
    with db.refused("PROFILE_LOCKED", 409):
        complete(db, asha, role="brand_owner", display_name="Asha Inc", phone="+14155552671")
    assert card_of(db, asha) == before


def test_a_bad_profile_is_refused(db: Database, asha: uuid.UUID, subtests: pytest.Subtests) -> None:
    for argument, value, rule in BAD:
        with (
            subtests.test(argument=argument, value=value),
            db.refused("INPUT_INVALID", 422, details={"field": argument, "rule": rule}),
        ):
            complete(db, asha, **{argument: value})
    assert card_of(db, asha)["role"] is None


def test_a_name_has_up_to_80_characters_and_no_hidden_directions(
    db: Database, asha: uuid.UUID
) -> None:
    assert complete(db, asha, display_name="न" * 80)["display_name"] == "न" * 80
    spoofed = "Asha \u202egnp.exe\u202c"
    assert complete(db, asha, display_name=spoofed)["display_name"] == "Asha gnp.exe"


def test_a_picture_follows_the_rules_of_media(db: Database, asha: uuid.UUID) -> None:
    with db.refused("MEDIA_INVALID", 422, details={"rule": "scheme"}):
        complete(db, asha, avatar_url="http://example.com/asha.jpg")
    with db.refused("MEDIA_INVALID", 422, details={"rule": "host"}):
        complete(db, asha, avatar_url="https://169.254.169.254/latest")
    assert card_of(db, asha)["role"] is None


def test_others_see_the_card_and_never_the_phone(db: Database, asha: uuid.UUID) -> None:
    bharat = db.create_user("Bharat")
    complete(db, asha, phone=PHONE)
    talk = open_talk(db, bharat, asha)
    with db.signed_in_as(bharat):
        (card,) = db.select("select * from public.users where id = %s", asha)
        with db.refused("42501"):
            db.select("select phone from private.accounts")
    seen = json.dumps([card, context_of(db, bharat, talk)], default=str)
    assert "Asha Rao" in seen
    assert PHONE[3:] not in seen


def test_the_systems_card_stays_what_it_is(db: Database, asha: uuid.UUID) -> None:
    with db.signed_in_as(asha), db.refused("42501"):
        db.select("update public.users set role = 'system' where id = %s", asha)
    complete(db, asha)
    systems = db.query("select id, display_name from public.users where role = 'system'")
    assert systems == [{"id": uuid.UUID(int=0), "display_name": "Parley"}]
