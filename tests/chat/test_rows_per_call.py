"""What each call costs in Realtime messages, counted, and as the documentation says it."""

from __future__ import annotations

import re
import uuid
from typing import Any

from tests.chat.scenes import Talk, open_session, send
from tests.notifications.devices import KEYS, endpoint
from tests.support.databases import Database
from tests.support.stacks import ROOT

# Steps of a deal: tests/flow counts the rows of every move.
STEPS = {
    "take_action", "click_button", "submit_text", "submit_work", "review_work", "simulate_action",
    "begin_payment",
}  # fmt: skip
READS = (
    "get_profile", "get_notifications", "get_points_history", "get_direct_connections",
    "get_payouts", "export_my_data", "get_inbox_screen", "get_quota_screen", "get_market_screen",
)  # fmt: skip
PAGE = ROOT / "docs" / "parts" / "realtime.md"
ROW = re.compile(r"^\| (?P<call>`\w+`.*?) \| (?P<rows>\d+) \|$", re.MULTILINE)


def documented() -> dict[str, int]:
    _, _, section = PAGE.read_text("utf-8").partition("### What each call costs")
    return {found["call"]: int(found["rows"]) for found in ROW.finditer(section)}


def test_every_call_writes_as_many_rows_as_the_table_says(db: Database, talk: Talk) -> None:
    counted: dict[str, int] = {}
    own = {user: open_session(db, user) for user in (talk.asha, talk.bharat)}
    client_message_id = str(uuid.uuid4())

    def count(call: str, user: uuid.UUID, function: str, **arguments: Any) -> None:
        db.query("delete from realtime.messages")
        with db.signed_in_as(user, session_id=own[user]):
            db.call(function, **arguments)
        counted[call] = db.value("select count(*) from realtime.messages")

    here: dict[str, Any] = {"conversation_id": talk.id}
    hello = {**here, "message": "hello", "client_message_id": client_message_id}
    count("`send_message`", talk.asha, "send_message", **hello)
    again = "`send_message` again, with the same `client_message_id`"
    count(again, talk.asha, "send_message", **hello)
    count("`mark_delivered`", talk.bharat, "mark_delivered", **here)
    count("`mark_read`", talk.bharat, "mark_read", **here)
    count("`mark_read` again", talk.bharat, "mark_read", **here)
    send(db, talk.asha, talk.id, "news")
    count("`sync`, a conversation with something new", talk.bharat, "sync")
    count("`sync`, nothing new", talk.bharat, "sync")
    for function in ("get_messages", "get_conversation_context"):
        count(f"`{function}`", talk.asha, function, **here)
    for function in ("get_conversations", "get_unread_count", "get_quota", "login_cleanup"):
        count(f"`{function}`", talk.asha, function)
    count("`set_typing`", talk.asha, "set_typing", **here, is_typing=True)
    count(
        "`set_conversation_preferences`",
        talk.bharat,
        "set_conversation_preferences",
        **here,
        muted_until="2030-01-01",
    )
    muted = "`send_message` to somebody who muted the conversation"
    count(muted, talk.asha, "send_message", **here, message="hush")
    connect = {"target_user_id": talk.chitra}
    count("`direct_connect`, a new chat", talk.asha, "direct_connect", **connect)
    count("`direct_connect`, a chat that is there", talk.asha, "direct_connect", **connect)
    for user in (talk.asha, talk.bharat):
        open_session(db, user)
    echoed = "`send_message` by a user with another session"
    count(echoed, talk.asha, "send_message", **here, message="hello")
    seen = "`mark_read` by a user with another session"
    count(seen, talk.bharat, "mark_read", **here)
    assert counted == {call: rows for call, rows in documented().items() if call in counted}


def test_what_is_no_message_writes_as_many_rows_as_the_table_says(db: Database, talk: Talk) -> None:
    counted: dict[str, int] = {}
    roles = {talk.asha: "influencer", talk.bharat: "brand_owner"}
    for user, role in roles.items():
        with db.signed_in_as(user):
            db.call("complete_profile", role=role, display_name=f"{role} one".title())
    sent = send(db, talk.bharat, talk.id, "Look at this")
    here: dict[str, Any] = {"conversation_id": talk.id}

    def count(function: str, user: uuid.UUID = talk.asha, **arguments: Any) -> Any:
        db.query("delete from realtime.messages")
        with db.signed_in_as(user):
            answer = db.call(function, **arguments)
        counted[f"`{function}`"] = db.value("select count(*) from realtime.messages")
        return answer

    for function in READS:
        count(function)
    for function in ("get_available_actions", "get_chat_screen"):
        count(function, **here)
    count("get_conversation_history", **here)
    count("verify_conversation", **here)
    count("get_ratings", **here)
    count("search_messages", query="look")
    count("report_message", message_id=sent["id"], reason="spam")
    count("set_privacy", last_seen=False)
    count("complete_profile", display_name="Asha Two")
    push: dict[str, Any] = {"kind": "web_push", "token": endpoint("phone"), "keys": KEYS}
    count("register_push_token", **push)
    count("unregister_push_token", token=push["token"])
    count("block_user", user_id=talk.bharat)
    count("unblock_user", user_id=talk.bharat)
    bid = count("create_bid", title="Reels", description="Three of them")
    campaign = count("create_campaign", talk.bharat, title="Tea", brief="Three reels")
    deal = count("connect_bid", talk.bharat, bid_id=bid["id"])["conversation"]
    count("get_deal_screen", conversation_id=deal["conversation_id"])
    count("apply_to_campaign", campaign_id=campaign["id"])
    other = count("create_campaign", talk.bharat, title="Cups", brief="One reel")
    count("invite_to_campaign", talk.bharat, campaign_id=other["id"], influencer_id=talk.asha)
    count("close_bid", bid_id=bid["id"])
    count("close_campaign", talk.bharat, campaign_id=campaign["id"])
    count("delete_my_account", talk.chitra)
    assert counted == {call: rows for call, rows in documented().items() if call in counted}
    assert not set(counted) - documented().keys()


def test_every_function_for_clients_is_in_the_table(db: Database) -> None:
    doors = db.query("""
        select p.proname as name from pg_proc as p
        where p.pronamespace = 'public'::regnamespace
          and has_function_privilege('authenticated', p.oid, 'execute')
          and not has_function_privilege('service_role', p.oid, 'execute')
    """)
    named = {call.split("`")[1] for call in documented()}
    assert {door["name"] for door in doors} - named == STEPS


def test_metrics_count_the_rows_of_the_last_minute(db: Database, talk: Talk) -> None:
    def counted() -> Any:
        with db.as_service():
            return db.call("get_metrics")

    before = counted()
    send(db, talk.asha, talk.id, "hi")
    after = counted()
    assert after["broadcasts_last_minute"] == before["broadcasts_last_minute"] + 1
    assert after["broadcasts_lost"] == 0
