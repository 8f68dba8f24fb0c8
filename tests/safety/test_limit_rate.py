"""Rate limits: a burst at once, then so many a time; what is refused is not counted."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.chat.scenes import Talk, everything, open_talk, send
from tests.support.crowds import OK, play_at_once
from tests.support.databases import Database
from tests.support.operators import account_of, set_account, set_setting

# Far from both ends, so that no pause of the machine refills it during a test.
SLOW = {"per_minute": 1, "burst": 3}


@dataclass(frozen=True)
class Limited:
    """Something that a user may do so often: how it is done well and how it is refused."""

    setting: str
    act: Callable[[Database, Talk], Any]
    fail: Callable[[Database, Talk], Any]
    refusal: tuple[str, int]
    column: str | None = None


def connect(db: Database, talk: Talk) -> Any:
    stranger = db.create_user(f"Stranger {uuid.uuid4()}")
    with db.signed_in_as(talk.asha):
        return db.call("direct_connect", target_user_id=stranger)


def connect_blocked(db: Database, talk: Talk) -> Any:
    db.query(
        "insert into public.blocks (blocker_id, blocked_id) values (%s, %s) on conflict do nothing",
        *(talk.chitra, talk.asha),
    )
    with db.signed_in_as(talk.asha):
        return db.call("direct_connect", target_user_id=talk.chitra)


def type_in(db: Database, talk: Talk) -> Any:
    with db.signed_in_as(talk.asha):
        return db.call("set_typing", conversation_id=talk.id, is_typing=True)


def type_nowhere(db: Database, talk: Talk) -> Any:
    with db.signed_in_as(talk.asha):
        return db.call("set_typing", conversation_id=uuid.uuid4(), is_typing=True)


def search(db: Database, talk: Talk) -> Any:
    with db.signed_in_as(talk.asha):
        return db.call("search_messages", query="hi")


def search_from_nowhere(db: Database, talk: Talk) -> Any:
    with db.signed_in_as(talk.asha):
        return db.call("search_messages", query="hi", before=uuid.uuid4())


def report(db: Database, talk: Talk) -> Any:
    message = send(db, talk.bharat, talk.id, "buy my pills")
    with db.signed_in_as(talk.asha):
        return db.call("report_message", message_id=message["id"], reason="spam")


def report_nothing(db: Database, talk: Talk) -> Any:
    with db.signed_in_as(talk.asha):
        return db.call("report_message", message_id=uuid.uuid4(), reason="spam")


def say(db: Database, talk: Talk) -> Any:
    return send(db, talk.asha, talk.id, "hi")


def say_nothing(db: Database, talk: Talk) -> Any:
    return send(db, talk.asha, talk.id, " ")


EMPTY, NOWHERE = ("MESSAGE_EMPTY", 422), ("CONVERSATION_NOT_FOUND", 404)
ACTIONS = [
    Limited("rate_send", say, say_nothing, EMPTY, "send_due_at"),
    Limited("rate_send_long", say, say_nothing, EMPTY, "send_long_due_at"),
    Limited("rate_direct_connect", connect, connect_blocked, ("BLOCKED", 403)),
    Limited("rate_typing", type_in, type_nowhere, NOWHERE),
    Limited("rate_search", search, search_from_nowhere, ("MESSAGE_NOT_FOUND", 404)),
    Limited("rate_report", report, report_nothing, ("MESSAGE_NOT_FOUND", 404)),
]


def let_pass(db: Database, talk: Talk, action: Limited, seconds: float) -> None:
    """Move the due time back, as if so many seconds had gone by."""
    ago = f"{seconds} seconds"
    if action.column:
        due = account_of(db, talk.asha)[action.column]
        earlier = db.value("select %s::timestamptz - %s::interval", due, ago)
        set_account(db, talk.asha, **{action.column: earlier})
        return
    moved = db.query(
        """
        update private.rate_limits set due_at = due_at - %s::interval
        where user_id = %s and action = %s returning 1 as one
        """,
        *(ago, talk.asha, action.setting.removeprefix("rate_")),
    )
    assert moved


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.setting)
def test_a_burst_is_allowed_then_the_rate_and_refusals_are_not_counted(
    db: Database, talk: Talk, action: Limited
) -> None:
    set_setting(db, action.setting, SLOW)
    code, status = action.refusal
    for _ in range(2):
        action.act(db, talk)
        with db.refused(code, status):
            action.fail(db, talk)
    action.act(db, talk)

    def is_refused() -> int:
        with db.refused("RATE_LIMITED", 429) as refusal:
            action.act(db, talk)
        retry_after: int = refusal.details["retry_after"]
        assert refusal.headers == {"Retry-After": str(retry_after)}
        assert refusal.details == {"retry_after": retry_after}
        assert retry_after == math.floor(retry_after) >= 1
        return retry_after

    assert 30 < is_refused() <= 60
    let_pass(db, talk, action, 40)
    # A refused try has moved nothing.
    assert is_refused() <= 20
    let_pass(db, talk, action, 20)
    action.act(db, talk)
    assert 30 < is_refused() <= 60
    # However long the pause, only a burst is saved up.
    let_pass(db, talk, action, 3600)
    for _ in range(3):
        action.act(db, talk)
    is_refused()
    set_setting(db, action.setting, None)
    for _ in range(4):
        action.act(db, talk)


def test_whoever_waits_as_long_as_told_is_let_in(db: Database, talk: Talk) -> None:
    set_setting(db, "rate_search", {"per_minute": 7, "burst": 1})
    search(db, talk)
    with db.refused("RATE_LIMITED", 429) as refusal:
        search(db, talk)
    let_pass(db, talk, ACTIONS[4], refusal.details["retry_after"])
    search(db, talk)


def test_a_limit_whose_setting_is_deleted_is_no_limit(db: Database, talk: Talk) -> None:
    for action in ACTIONS:
        set_setting(db, action.setting, SLOW)
        action.act(db, talk)
        db.query("delete from private.settings where key = %s", action.setting)
    # The sends' own row still follows the other settings.
    set_setting(db, "quota_timezone", "Asia/Kolkata")
    with db.signed_in_as(talk.asha):
        assert db.call("get_quota")["timezone"] == "Asia/Kolkata"
    for action in ACTIONS:
        for _ in range(4):
            action.act(db, talk)


def test_a_limited_send_leaves_nothing_and_costs_nothing(db: Database, talk: Talk) -> None:
    set_setting(db, "rate_send", SLOW)
    for _ in range(3):
        say(db, talk)
    before = everything(db)
    with db.refused("RATE_LIMITED", 429):
        say(db, talk)
    with db.refused("RATE_LIMITED", 429), db.signed_in_as(talk.asha):
        db.call("direct_connect", target_user_id=talk.chitra, initial_message="hi")
    assert everything(db) == before


def test_a_repeated_send_and_a_found_chat_use_no_allowance(db: Database, talk: Talk) -> None:
    set_setting(db, "rate_send", SLOW)
    set_setting(db, "rate_direct_connect", {"per_day": 1, "burst": 1})
    own_id = uuid.uuid4()
    first = send(db, talk.asha, talk.id, "hi", client_message_id=own_id)
    for _ in range(5):
        assert send(db, talk.asha, talk.id, "hi", client_message_id=own_id) == first
        assert open_talk(db, talk.asha, talk.bharat) == talk.id
    connect(db, talk)
    assert open_talk(db, talk.asha, talk.bharat) == talk.id
    say(db, talk)


def test_one_users_haste_is_nobody_elses(db: Database, talk: Talk) -> None:
    for action in ACTIONS:
        set_setting(db, action.setting, SLOW)
    for _ in range(3):
        say(db, talk)
        search(db, talk)
    with db.refused("RATE_LIMITED", 429):
        say(db, talk)
    send(db, talk.bharat, talk.id, "me too")
    with db.signed_in_as(talk.bharat):
        db.call("search_messages", query="hi")
    # Nor does one action count for another.
    type_in(db, talk)


def test_a_crowd_gets_no_more_than_the_burst(db: Database, talk: Talk) -> None:
    set_setting(db, "rate_send", SLOW)
    set_setting(db, "rate_search", SLOW)
    assert play_at_once(db, 6, 24, lambda session, _: say(session, talk)) == {
        OK: 3,
        "RATE_LIMITED": 21,
    }
    assert play_at_once(db, 6, 24, lambda session, _: search(session, talk)) == {
        OK: 3,
        "RATE_LIMITED": 21,
    }


def test_a_new_project_has_these_limits(limited_db: Database) -> None:
    limits = limited_db.query(
        "select key, value from private.settings where key like 'rate%' order by key"
    )
    assert {row["key"]: row["value"] for row in limits} == {
        "rate_action": {"per_second": 2, "burst": 10},
        "rate_deal": {"per_day": 50, "burst": 50},
        "rate_direct_connect": {"per_day": 20, "burst": 20},
        "rate_export": {"per_minute": 30, "burst": 60},
        "rate_report": {"per_day": 20, "burst": 20},
        "rate_search": {"per_minute": 10, "burst": 10},
        "rate_send": {"per_second": 5, "burst": 10},
        "rate_send_long": {"per_second": 1, "burst": 60},
        "rate_typing": {"per_minute": 20, "burst": 3},
    }


def test_in_a_new_project_the_eleventh_search_of_a_minute_is_refused(limited_db: Database) -> None:
    asha = limited_db.create_user("Asha")
    with limited_db.signed_in_as(asha):
        for _ in range(10):
            assert limited_db.call("search_messages", query="hi") == []
        with limited_db.refused("RATE_LIMITED", 429) as refusal:
            limited_db.call("search_messages", query="hi")
    assert 1 <= refusal.details["retry_after"] <= 6
