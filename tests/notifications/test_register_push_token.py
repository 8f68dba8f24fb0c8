"""register_push_token and unregister_push_token: a device belongs to one user at a time."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from scripts.dev.local_supabase.postgres import wait_until
from tests.chat.scenes import Talk, everything, open_talk, send
from tests.notifications.devices import KEYS, endpoint, register, take, waiting
from tests.support.databases import PATIENCE, Database
from tests.support.operators import set_setting

TOKENS = "select user_id, kind, token, keys from private.push_tokens"


def unregister(db: Database, user: uuid.UUID, name: str) -> Any:
    with db.signed_in_as(user):
        return db.call("unregister_push_token", token=endpoint(name))


def test_a_device_is_registered_once_however_often_it_asks(db: Database, talk: Talk) -> None:
    assert register(db, talk.asha, "phone") == {"registered": True}
    renewed = {"p256dh": "q" * 87, "auth": "b" * 22}
    register(db, talk.asha, "phone", keys={**renewed, "more": "is not kept"})
    assert db.query(TOKENS) == [
        {"user_id": talk.asha, "kind": "web_push", "token": endpoint("phone"), "keys": renewed}
    ]


def test_a_device_that_changes_hands_gets_nothing_of_the_former_user(
    db: Database, talk: Talk
) -> None:
    register(db, talk.bharat, "shared-tablet")
    send(db, talk.asha, talk.id, "for Bharat only")
    register(db, talk.chitra, "shared-tablet")
    assert waiting(db) == []
    send(db, talk.asha, talk.id, "still for Bharat only")
    assert take(db) == []
    send(db, talk.asha, open_talk(db, talk.asha, talk.chitra), "for Chitra")
    assert [push["token"] for push in take(db)] == [endpoint("shared-tablet")]


def test_a_device_that_two_users_register_at_once_is_the_later_ones(
    db: Database, talk: Talk
) -> None:
    device = {"kind": "web_push", "token": endpoint("shared-tablet"), "keys": KEYS}
    other = db.session()
    with db.transaction(), other.signed_in_as(talk.chitra):
        register(db, talk.bharat, "shared-tablet")
        waiting = other.start("register_push_token", **device)
        db.wait_until_blocked(other)
    assert waiting.result(PATIENCE) == {"registered": True}
    assert [row["user_id"] for row in db.query(TOKENS)] == [talk.chitra]


def test_registering_again_keeps_what_waits_for_the_same_user(db: Database, talk: Talk) -> None:
    register(db, talk.bharat, "phone")
    send(db, talk.asha, talk.id, "hi")
    register(db, talk.bharat, "phone")
    assert len(waiting(db)) == 1


def test_who_unregisters_gets_nothing_any_more(db: Database, talk: Talk) -> None:
    for name in ("phone", "tablet"):
        register(db, talk.bharat, name)
    send(db, talk.asha, talk.id, "hi")
    assert unregister(db, talk.asha, "phone") == {"unregistered": False}
    assert len(waiting(db)) == 2
    assert unregister(db, talk.bharat, "phone") == {"unregistered": True}
    assert unregister(db, talk.bharat, "phone") == {"unregistered": False}
    assert [push["token"] for push in take(db)] == [endpoint("tablet")]


def test_a_device_that_goes_away_at_the_same_moment_refuses_no_message(
    db: Database, talk: Talk
) -> None:
    register(db, talk.bharat, "phone")
    other = db.session()
    with db.transaction(), other.signed_in_as(talk.asha):
        unregister(db, talk.bharat, "phone")
        sending = other.start("send_message", conversation_id=talk.id, message="hi")

        # It may wait for the device or pass it over, as long as it succeeds.
        def is_settled() -> bool:
            is_blocked = "select cardinality(pg_blocking_pids(%s)) > 0"
            return sending.done() or bool(db.value(is_blocked, other.pid))

        wait_until(is_settled, PATIENCE, "the send neither waits nor ends")
    assert sending.result(PATIENCE)["message"]["seq"] == 2
    assert waiting(db) == []


BAD_KEYS: list[Any] = [
    {},
    None,
    [],
    "text",
    {"p256dh": KEYS["p256dh"]},
    {"auth": KEYS["auth"]},
    {**KEYS, "auth": "a b"},
    {**KEYS, "auth": {"nested": 1}},
    {**KEYS, "p256dh": "p" * 129},
]


def test_what_is_no_push_subscription_is_refused(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    before = everything(db)
    for keys in BAD_KEYS:
        details = {"field": "keys", "rule": "web_push"}
        with subtests.test(keys=str(keys)), db.refused("INPUT_INVALID", 422, details=details):
            register(db, talk.asha, "phone", keys=keys)
    for kind in ("pigeon", None):
        with db.refused("INPUT_INVALID", 422, details={"field": "kind", "rule": "one_of"}):
            register(db, talk.asha, "phone", kind=kind)
    with db.refused("INPUT_INVALID", 422, details={"field": "token"}):
        register(db, talk.asha, "phone", token=None)
    assert everything(db) == before


INSIDE = [
    "http://push.example.com/a",
    "https://127.0.0.1/a",
    "https://localhost/a",
    "https://user:secret@push.example.com/a",
    "https://push.example.com:8443/a",
    "https://push.example.com/" + "a" * 2048,
    "",
]


def test_a_push_goes_to_no_address_inside_the_house(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    for address in INSIDE:
        with (
            subtests.test(address=address[:40]),
            db.refused("INPUT_INVALID", 422, details={"field": "token"}),
        ):
            register(db, talk.asha, "phone", token=address)
    assert db.query(TOKENS) == []


def test_the_hosts_of_media_are_not_those_of_push_services(db: Database, talk: Talk) -> None:
    set_setting(db, "media_hosts", ["cdn.example.com"])
    assert register(db, talk.asha, "phone") == {"registered": True}


def test_anon_registers_nothing(db: Database) -> None:
    with db.as_anon():
        with db.refused("42501"):
            db.call("register_push_token", kind="web_push", token=endpoint("a"), keys=KEYS)
        with db.refused("42501"):
            db.call("unregister_push_token", token=endpoint("a"))


def test_a_user_has_the_ten_newest_devices(db: Database, talk: Talk) -> None:
    for number in range(10):
        register(db, talk.bharat, str(number))
    register(db, talk.bharat, "0")
    for name in ("10", "11"):
        register(db, talk.bharat, name)
    register(db, talk.asha, "hers")
    tokens = db.query(f"{TOKENS} where user_id = %s", talk.bharat)
    expected = {endpoint(name) for name in ["0", *map(str, range(3, 12))]}
    assert {row["token"] for row in tokens} == expected
    send(db, talk.asha, talk.id, "hi")
    assert len(waiting(db)) == 10
