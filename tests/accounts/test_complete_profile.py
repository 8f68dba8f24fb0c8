"""complete_profile: a role once, a name, a picture and a phone."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.chat.scenes import context_of, open_talk
from tests.support.databases import Database

PHONE = "+919876543210"
# Argument, value, and the rule that it breaks.
BAD: list[tuple[str, str | None, str]] = [
    ("role", None, "one_of"),
    ("role", "", "one_of"),
    ("role", "Influencer", "one_of"),
    ("role", "admin", "one_of"),
    ("role", "system", "one_of"),
    ("display_name", None, "length"),
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
]


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
