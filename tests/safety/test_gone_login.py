"""A login that was deleted can do nothing more, however long its token still lives."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.chat.scenes import Talk, everything, send
from tests.notifications.devices import KEYS, endpoint, register, take
from tests.support.databases import Database
from tests.support.operators import find_text, let_expire


def delete_login(db: Database, user: uuid.UUID) -> None:
    assert db.query_as_superuser("delete from auth.users where id = %s returning id", user)


def test_a_deleted_login_writes_nothing(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    message = send(db, talk.bharat, talk.id, "hi")["id"]
    here = {"conversation_id": talk.id}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("send_message", {**here, "message": "hi"}),
        ("direct_connect", {"target_user_id": talk.chitra}),
        ("set_typing", {**here, "is_typing": True}),
        ("set_conversation_preferences", {**here, "pinned": True}),
        ("block_user", {"user_id": talk.bharat}),
        ("report_message", {"message_id": message, "reason": "spam"}),
        ("set_privacy", {"last_seen": False}),
        ("complete_profile", {"role": "influencer", "display_name": "Ghost"}),
        ("register_push_token", {"kind": "web_push", "token": endpoint("a"), "keys": KEYS}),
        ("login_cleanup", {}),
        ("get_quota", {}),
    ]
    delete_login(db, talk.asha)
    before = everything(db)
    for function, arguments in calls:
        with (
            subtests.test(function),
            db.signed_in_as(talk.asha),
            db.refused("AUTH_REQUIRED", 401),
        ):
            db.call(function, **arguments)
    assert everything(db) == before


def test_the_devices_of_a_deleted_login_get_nothing_more(db: Database, talk: Talk) -> None:
    register(db, talk.bharat, "phone")
    send(db, talk.asha, talk.id, "before")
    delete_login(db, talk.bharat)
    assert take(db) == []
    assert db.query("select token from private.push_tokens") == []


def test_the_other_side_keeps_the_conversation(db: Database, talk: Talk) -> None:
    send(db, talk.bharat, talk.id, "remember me")
    delete_login(db, talk.bharat)
    with db.signed_in_as(talk.asha):
        assert db.call("get_messages", conversation_id=talk.id)[0]["message"] == "remember me"
        (context,) = db.call("get_conversations")["conversations"]
        assert context["other_party"]["display_name"] is None
        assert db.call("block_user", user_id=talk.bharat)["blocked"] is True


def test_nobody_writes_to_a_deleted_login_and_nobody_pays_for_it(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "before")
    delete_login(db, talk.bharat)
    with db.signed_in_as(talk.asha):
        quota = db.call("get_quota")
        with db.refused("USER_NOT_FOUND", 404):
            db.call("send_message", conversation_id=talk.id, message="after")
        assert db.call("get_quota") == quota


def test_what_is_left_of_a_deleted_login_is_emptied_without_anybody_signing_in(
    db: Database, talk: Talk
) -> None:
    secret = send(db, talk.bharat, talk.id, "a secret heron", expiration_hours=1)
    send(db, talk.asha, talk.id, "hi")
    with db.signed_in_as(talk.bharat):
        db.call("search_messages", query="heron")
    assert db.query("select 1 as one from private.rate_limits where user_id = %s", talk.bharat)
    for user in (talk.asha, talk.bharat):
        delete_login(db, user)
    let_expire(db, secret["id"], days_ago=29)
    with db.as_service():
        assert db.call("sweep_due")["scrubbed"] == 0
        let_expire(db, secret["id"], days_ago=31)
        assert db.call("sweep_due")["scrubbed"] == 1
    assert find_text(db, "a secret heron") == {}
    for table in ("notifications", "rate_limits", "action_results", "push_tokens"):
        assert db.query(f"select 1 as one from private.{table}") == [], table  # noqa: S608


def test_a_user_deletes_the_own_login_and_nobody_elses(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "hi")
    logins = {row["id"] for row in db.query("select id from auth.users")}
    with db.signed_in_as(talk.asha):
        assert db.call("delete_my_account") == {"deleted": True}
        with db.refused("AUTH_REQUIRED", 401):
            db.call("delete_my_account")
    left = {row["id"] for row in db.query("select id from auth.users")}
    assert left == logins - {talk.asha}
    with db.signed_in_as(talk.bharat):
        messages = db.call("get_messages", conversation_id=talk.id)
        assert "hi" in {message["message"] for message in messages}
        other = db.call("get_conversation_context", conversation_id=talk.id)["other_party"]
        assert other["display_name"] is None
