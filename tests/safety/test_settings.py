"""What an operator may write into a setting breaks no call; what would is refused at once."""

from __future__ import annotations

import json
import uuid
from typing import Any

import psycopg
import pytest

from tests.chat.scenes import open_talk, send
from tests.support.crowds import OK, outcome
from tests.support.databases import Database

EXPECTED = {OK, "INSUFFICIENT_POINTS", "GUARD_FAILED", "RATE_LIMITED"}
VALUES: list[Any] = [
    *(None, 0, 1, -1, 1.5, 1e30, True, "", "5", "Asia/Kolkata", "Mars/Phobos", [], ["*.a.com"]),
    *([1], {}, {"burst": 1}, {"per_second": 1}, {"per_second": 0, "burst": 1}),
    *({"per_minute": "x", "burst": 1}, {"per_day": 1, "burst": 0}, {"per_day": -1, "burst": 1}),
    {"per_second": 1e300, "burst": 1e300},
    *({"per_second": 1, "burst": [1]}, {"per_second": "x", "per_day": 1, "burst": 1}),
]


def try_everything(db: Database, people: tuple[uuid.UUID, uuid.UUID], talk: str) -> set[str]:
    """How the calls end that read settings."""
    newcomer = db.create_user(str(uuid.uuid4()))
    asha, bharat = people
    calls: list[tuple[str, dict[str, Any]]] = [
        ("direct_connect", {"target_user_id": newcomer, "initial_message": "hi"}),
        ("get_quota", {}),
        ("search_messages", {"query": "hi"}),
        ("set_typing", {"conversation_id": talk, "is_typing": True}),
        ("login_cleanup", {}),
    ]
    media = "https://cdn.a.com/a.jpg"
    ends = {outcome(lambda: send(db, bharat, talk, "hi", expiration_hours=1))}
    ends |= {outcome(lambda: send(db, asha, talk, "hi", media_url=media))} - {"MEDIA_INVALID"}
    for name, arguments in calls:
        with db.signed_in_as(asha):
            ends |= {outcome(lambda: db.call(name, **arguments))}  # noqa: B023
    db.query("update private.accounts set cleaned_at = '-infinity'")
    return ends


def test_a_setting_is_refused_or_it_works(db: Database, subtests: pytest.Subtests) -> None:
    asha, bharat = db.create_user("Asha"), db.create_user("Bharat")
    talk = open_talk(db, asha, bharat)
    change = "update private.settings set value = %s where key = %s"
    taken = 0
    for setting in db.query("select key, value from private.settings order by key"):
        for value in VALUES:
            try:
                db.query(change, json.dumps(value), setting["key"])
            except psycopg.errors.CheckViolation as error:
                # A sentence for the operator, with the setting's name.
                assert str(error).startswith(f"setting {setting['key']}: write ")  # noqa: PT017
                continue
            taken += 1
            with subtests.test(setting=setting["key"], value=value):
                assert try_everything(db, (asha, bharat), talk) <= EXPECTED
        db.query(change, json.dumps(setting["value"]), setting["key"])
    assert taken > 20


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("quota_timezone", "IST"),
        ("quota_timezone", "EST5EDT"),
        ("quota_timezone", "UTC+5:30"),
        ("quota_timezone", "<IST>-5:30"),
        ("quota_timezone", "posix/Asia/Kolkata"),
        ("quota_timezone", "asia/kolkata"),
        ("quota_timezone", "Asia/Nowhere"),
        ("media_hosts", ["CDN.example.com"]),
        ("media_hosts", ["https://cdn.example.com"]),
        ("media_hosts", ["cdn.example.com/a"]),
        ("media_hosts", ["cdn.example.com:443"]),
        ("media_hosts", ["*"]),
        ("media_hosts", ["cdn.*.com"]),
        ("media_hosts", ["10.0.0.1"]),
        ("media_hosts", ["localhost"]),
        ("media_hosts", [""]),
        ("media_hosts", [1]),
    ],
)
def test_a_setting_that_cannot_mean_what_it_says_is_refused(
    db: Database, key: str, value: Any
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=f"setting {key}: write "):
        db.query("update private.settings set value = %s where key = %s", json.dumps(value), key)


def test_zones_and_hosts_that_mean_something_are_taken(db: Database) -> None:
    taken: list[tuple[str, Any]] = [
        *(("quota_timezone", zone) for zone in ("UTC", "Asia/Kolkata", "Etc/GMT+5")),
        ("quota_timezone", "America/Argentina/Buenos_Aires"),
        *(("media_hosts", hosts) for hosts in (None, [], ["cdn.example.com", "*.example.com"])),
    ]
    for key, value in taken:
        db.query("update private.settings set value = %s where key = %s", json.dumps(value), key)


def test_half_a_rate_is_no_silent_absence_of_a_limit(db: Database) -> None:
    for half in ({"burst": 1}, {"per_second": 1}, {}):
        with pytest.raises(psycopg.errors.IntegrityError):
            db.query(
                "update private.settings set value = %s where key = 'rate_send'", json.dumps(half)
            )
