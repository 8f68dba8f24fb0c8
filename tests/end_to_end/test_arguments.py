"""Nothing a client can pass is answered with a 500, and what is wrong with it is named."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import psycopg
import pytest

from scripts.dev.local_supabase.rest.errors import from_database
from tests.end_to_end.doors import NOBODY, PAGE, Door, answer_of, call, read_doors
from tests.support.databases import Database

DOORS = read_doors()
# What no argument is made for, by and by.
ODD_VALUES: tuple[Any, ...] = (
    None,
    "",
    "\u0000",
    "\ud800",
    "'; drop table x; --",
    "a" * 9000,
    "2026-02-30T00:00:00Z",
    "infinity",
    -1,
    1.5,
    2**63,
    1e300,
    True,
    [],
    [[1]],
    {"a": {"b": None}},
    NOBODY,
)
# Those that are of a type at all. The others are refused for any function alike.
WRITTEN = tuple(value for value in ODD_VALUES if value not in ("\u0000", "\ud800"))
FITTING: dict[str, tuple[Any, ...]] = {
    "uuid": (None, NOBODY),
    "text": WRITTEN,
    "boolean": (None, True),
    "integer": (None, -1),
    "bigint": (None, -1),
    "numeric": (None, "infinity", -1, 1.5, 2**63, 1e300),
    "jsonb": WRITTEN,
    "timestamptz": (None, "infinity"),
}
# Each refusal by its status and code. TALK stands for a conversation of the caller.
REFUSALS: tuple[tuple[str, dict[str, Any], tuple[int, str]], ...] = (
    ("no_such_function", {}, (404, "PGRST202")),
    ("send_message", {}, (404, "PGRST202")),
    ("send_message", {"conversation_id": NOBODY, "colour": "red"}, (404, "PGRST202")),
    ("send_message", {"conversation_id": "x", "message": "a"}, (400, "22P02")),
    ("send_message", {"conversation_id": 7, "message": "a"}, (400, "22P02")),
    (
        "send_message",
        {"conversation_id": None, "message": "a"},
        (404, "CONVERSATION_NOT_FOUND"),
    ),
    ("send_message", {"conversation_id": "TALK", "message": None}, (422, "MESSAGE_EMPTY")),
    ("send_message", {"conversation_id": "TALK", "message": "\u200b"}, (422, "MESSAGE_EMPTY")),
    (
        "send_message",
        {"conversation_id": "TALK", "message": "a", "expiration_hours": "soon"},
        (400, "22P02"),
    ),
    (
        "send_message",
        {"conversation_id": "TALK", "message": "a", "client_message_id": "1"},
        (400, "22P02"),
    ),
    (
        "send_message",
        {"conversation_id": "TALK", "message": "a", "max_points": 1e30},
        (400, "22P02"),
    ),
    (
        "send_message",
        {"conversation_id": "TALK", "media_url": "javascript:alert(1)"},
        (422, "MEDIA_INVALID"),
    ),
    (
        "send_message",
        {"conversation_id": "TALK", "media_url": "https://" + "a" * 9000 + ".com"},
        (422, "MEDIA_INVALID"),
    ),
    ("get_messages", {"conversation_id": NOBODY}, (404, "CONVERSATION_NOT_FOUND")),
    ("get_messages", {"conversation_id": "TALK", "before": NOBODY}, (404, "MESSAGE_NOT_FOUND")),
    ("get_messages", {"conversation_id": "TALK", "page_size": "many"}, (400, "22P02")),
    (
        "get_messages",
        {"conversation_id": "TALK", "before_seq": 1, "after_seq": 1},
        (422, "INPUT_INVALID"),
    ),
    ("get_conversations", {"filter": "nice"}, (422, "INPUT_INVALID")),
    ("get_conversations", {"cursor": "'; drop table x"}, (422, "INPUT_INVALID")),
    ("get_conversation_context", {"conversation_id": []}, (400, "22P02")),
    ("mark_read", {"conversation_id": NOBODY}, (404, "CONVERSATION_NOT_FOUND")),
    ("mark_read", {"conversation_id": "TALK", "up_to_seq": 1e40}, (400, "22P02")),
    ("sync", {"known": []}, (422, "INPUT_INVALID")),
    ("sync", {"known": "x"}, (422, "INPUT_INVALID")),
    ("sync", {"known": {"x": 1}}, (422, "INPUT_INVALID")),
    ("sync", {"known": {NOBODY: "1"}}, (422, "INPUT_INVALID")),
    ("sync", {"known": {NOBODY: -1}}, (422, "INPUT_INVALID")),
    ("sync", {"known": {NOBODY: 1.5}}, (422, "INPUT_INVALID")),
    ("sync", {"known": {NOBODY: 1e300}}, (422, "INPUT_INVALID")),
    ("direct_connect", {"target_user_id": NOBODY}, (404, "USER_NOT_FOUND")),
    ("complete_profile", {"role": "x", "display_name": "A"}, (422, "INPUT_INVALID")),
    ("complete_profile", {"role": "influencer", "display_name": ""}, (422, "INPUT_INVALID")),
    (
        "complete_profile",
        {"role": "influencer", "display_name": "A", "phone": "call me"},
        (422, "INPUT_INVALID"),
    ),
    (
        "complete_profile",
        {"role": "influencer", "display_name": "A", "avatar_url": "https://[::1]/"},
        (422, "MEDIA_INVALID"),
    ),
    ("get_conversation_context", {"conversation_id": NOBODY}, (404, "CONVERSATION_NOT_FOUND")),
    ("get_profile", {"user_id": NOBODY}, (404, "PGRST202")),
    ("export_my_data", {"cursor": "secrets:"}, (422, "INPUT_INVALID")),
    ("delete_my_account", {"user_id": NOBODY}, (404, "PGRST202")),
    ("get_direct_connections", {"cursor": "1_2"}, (422, "INPUT_INVALID")),
    ("get_inbox_screen", {"filter": "nice"}, (422, "INPUT_INVALID")),
    ("get_chat_screen", {"conversation_id": NOBODY}, (404, "CONVERSATION_NOT_FOUND")),
    (
        "get_chat_screen",
        {"conversation_id": "TALK", "known_version": "a" * 65},
        (422, "INPUT_INVALID"),
    ),
    ("get_deal_screen", {"conversation_id": "TALK"}, (404, "CONVERSATION_NOT_FOUND")),
    ("get_market_screen", {"known_version": "a" * 65}, (422, "INPUT_INVALID")),
    ("get_quota_screen", {"page_size": "many"}, (400, "22P02")),
    ("get_unread_count", {"conversation_id": "TALK"}, (404, "PGRST202")),
    ("mark_delivered", {"conversation_id": NOBODY}, (404, "CONVERSATION_NOT_FOUND")),
    ("set_conversation_preferences", {"conversation_id": NOBODY}, (404, "CONVERSATION_NOT_FOUND")),
    (
        "set_conversation_preferences",
        {"conversation_id": "TALK", "muted_until": "tomorrow night"},
        (400, "22007"),
    ),
    ("set_typing", {"conversation_id": NOBODY, "is_typing": True}, (404, "CONVERSATION_NOT_FOUND")),
    ("sync", {"known": {NOBODY: {"seq": 1, "version": "1"}}}, (422, "INPUT_INVALID")),
    ("sync", {"known": {NOBODY: {"version": 1}}}, (422, "INPUT_INVALID")),
    ("sync", {"known": {NOBODY: {"seq": 1, "colour": 1}}}, (422, "INPUT_INVALID")),
    ("search_messages", {"query": " "}, (422, "INPUT_INVALID")),
    ("search_messages", {"query": "a" * 201}, (422, "INPUT_INVALID")),
    (
        "search_messages",
        {"query": "a", "conversation_id": NOBODY},
        (404, "CONVERSATION_NOT_FOUND"),
    ),
    ("search_messages", {"query": "a", "before": NOBODY}, (404, "MESSAGE_NOT_FOUND")),
    ("get_quota", {"user_id": NOBODY}, (404, "PGRST202")),
    ("get_points_history", {"before": "yesterday"}, (400, "22P02")),
    (
        "grant_points",
        {"user_id": NOBODY, "points": 5, "reason": "a gift", "grant_id": NOBODY},
        (403, "FORBIDDEN"),
    ),
    ("get_notifications", {"before": "yesterday"}, (400, "22P02")),
    ("record_push_result", {"push_id": 1, "result": "sent"}, (403, "42501")),
    ("take_pushes", {}, (403, "42501")),
    ("take_file_deletions", {}, (403, "42501")),
    (
        "register_push_token",
        {"kind": "web_push", "token": "http://127.0.0.1/", "keys": {}},
        (422, "INPUT_INVALID"),
    ),
    (
        "register_push_token",
        {"kind": "pigeon", "token": "https://push.example.com/1"},
        (422, "INPUT_INVALID"),
    ),
    ("unregister_push_token", {}, (404, "PGRST202")),
    ("block_user", {"user_id": NOBODY}, (404, "USER_NOT_FOUND")),
    ("unblock_user", {"user_id": "somebody"}, (400, "22P02")),
    ("set_privacy", {"last_seen": "perhaps"}, (400, "22P02")),
    ("report_message", {"message_id": NOBODY, "reason": "spam"}, (404, "MESSAGE_NOT_FOUND")),
    ("create_bid", {"title": "A", "description": "B"}, (409, "PROFILE_INCOMPLETE")),
    (
        "create_bid",
        {"title": "A", "description": "B", "amount": "much"},
        (409, "PROFILE_INCOMPLETE"),  # who may not, is told so before the amount is read
    ),
    ("create_campaign", {"title": "A", "brief": "B"}, (409, "PROFILE_INCOMPLETE")),
    ("create_campaign", {"title": "A"}, (404, "PGRST202")),
    ("close_bid", {"bid_id": NOBODY}, (404, "BID_NOT_FOUND")),
    ("close_bid", {"bid_id": "mine"}, (400, "22P02")),
    ("close_campaign", {"campaign_id": NOBODY}, (404, "CAMPAIGN_NOT_FOUND")),
    ("connect_bid", {"bid_id": NOBODY}, (409, "PROFILE_INCOMPLETE")),
    ("connect_bid", {"bid_id": "mine"}, (400, "22P02")),
    ("connect_bid", {"bid_id": NOBODY, "proposed_amount": 0.001}, (422, "INPUT_INVALID")),
    ("apply_to_campaign", {"campaign_id": NOBODY}, (409, "PROFILE_INCOMPLETE")),
    ("apply_to_campaign", {"campaign_id": NOBODY, "quote": 0}, (422, "PRICE_OUT_OF_RANGE")),
    ("apply_to_campaign", {"campaign_id": NOBODY, "quote": "much"}, (422, "PRICE_UNPARSEABLE")),
    (
        "invite_to_campaign",
        {"campaign_id": NOBODY, "influencer_id": NOBODY},
        (409, "PROFILE_INCOMPLETE"),
    ),
    (
        "take_action",
        {"conversation_id": NOBODY, "action": "back"},
        (404, "CONVERSATION_NOT_FOUND"),
    ),
    ("take_action", {"conversation_id": "TALK", "action": None}, (422, "ACTION_UNKNOWN")),
    (
        "take_action",
        {"conversation_id": "TALK", "action": "enable_real_time"},
        (422, "ACTION_UNKNOWN"),
    ),
    (
        "take_action",
        {"conversation_id": "TALK", "action": "close_conversation", "input": []},
        (422, "INPUT_INVALID"),
    ),
    (
        "take_action",
        {"conversation_id": "TALK", "action": "close_conversation", "expected_version": -1},
        (409, "VERSION_CONFLICT"),
    ),
    (
        "take_action",
        {"conversation_id": "TALK", "action": "reopen_conversation"},
        (409, "FLOW_STATE_INVALID"),
    ),
    ("click_button", {"conversation_id": "TALK", "button_id": ""}, (422, "ACTION_UNKNOWN")),
    (
        "click_button",
        {"conversation_id": "TALK", "button_id": "x", "message_id": NOBODY},
        (404, "MESSAGE_NOT_FOUND"),
    ),
    (
        "submit_text",
        {"conversation_id": "TALK", "text": "5k", "input_type": "price"},
        (409, "FLOW_STATE_INVALID"),
    ),
    ("submit_work", {"conversation_id": "TALK", "deliverables": "x"}, (422, "ACTION_UNKNOWN")),
    ("review_work", {"conversation_id": "TALK", "decision": "maybe"}, (422, "INPUT_INVALID")),
    ("get_available_actions", {"conversation_id": NOBODY}, (404, "CONVERSATION_NOT_FOUND")),
    (
        "simulate_action",
        {"conversation_id": NOBODY, "action": "back"},
        (404, "CONVERSATION_NOT_FOUND"),
    ),
    ("get_ratings", {"conversation_id": NOBODY}, (404, "CONVERSATION_NOT_FOUND")),
    ("get_conversation_history", {"conversation_id": NOBODY}, (404, "CONVERSATION_NOT_FOUND")),
    ("verify_conversation", {"conversation_id": NOBODY}, (404, "CONVERSATION_NOT_FOUND")),
    (
        "scrub_conversation_history",
        {"conversation_id": "TALK", "reason": "a wish"},
        (403, "FORBIDDEN"),
    ),
    ("resolve_dispute", {"conversation_id": "TALK", "verdict": "refund"}, (403, "FORBIDDEN")),
    ("force_close", {"conversation_id": "TALK", "reason": "spam"}, (403, "FORBIDDEN")),
    ("force_dispute", {"conversation_id": "TALK", "reason": "fraud"}, (403, "FORBIDDEN")),
    (
        "mark_refunded_manually",
        {"conversation_id": "TALK", "reference": "bank"},
        (403, "FORBIDDEN"),
    ),
    ("sweep_due", {}, (403, "FORBIDDEN")),
    ("begin_payment", {"conversation_id": NOBODY}, (404, "CONVERSATION_NOT_FOUND")),
    ("begin_payment", {"conversation_id": "TALK"}, (409, "PAYMENT_NOT_READY")),
    ("begin_payment", {"conversation_id": "TALK", "amount": 1}, (404, "PGRST202")),
    ("attach_payment_order", {"payment_order_id": NOBODY, "entity": {}}, (403, "42501")),
    ("claim_payment_poll", {"conversation_id": "TALK", "user_id": NOBODY}, (403, "42501")),
    (
        "apply_payment_snapshot",
        {"payment_order_id": NOBODY, "order_entity": {}, "payments": []},
        (403, "42501"),
    ),
    ("record_payment_event", {"event_id": "x", "body_base64": "e30="}, (403, "42501")),
    ("process_payment_event", {"event_row_id": 1}, (403, "42501")),
    ("record_refund_result", {"refund_id": NOBODY}, (403, "42501")),
    ("take_refund_requests", {}, (403, "FORBIDDEN")),
    ("replay_payment_event", {"event_row_id": 1}, (403, "FORBIDDEN")),
    ("replay_payment_event", {"event_row_id": "first"}, (400, "22P02")),
    ("scrub_payment_events", {}, (403, "FORBIDDEN")),
    ("apply_waiting_event", {}, (403, "FORBIDDEN")),
    ("get_payouts", {"before": "yesterday"}, (400, "22P02")),
    ("list_alerts", {}, (403, "FORBIDDEN")),
    ("list_alerts", {"before": "now"}, (400, "22P02")),
    ("resolve_alert", {"alert_id": 1}, (403, "FORBIDDEN")),
    ("list_payouts", {}, (403, "FORBIDDEN")),
    ("mark_payout_paid", {"payout_id": NOBODY, "reference": "UTR 1"}, (403, "FORBIDDEN")),
    ("mark_payment_returned", {"refund_id": NOBODY, "reference": "UTR 1"}, (403, "FORBIDDEN")),
    ("get_metrics", {}, (403, "FORBIDDEN")),
    ("diagnose_conversation", {"conversation_id": "TALK"}, (403, "FORBIDDEN")),
    ("validate_flow", {"spec": {}}, (403, "FORBIDDEN")),
    ("publish_flow", {"spec": {}}, (403, "FORBIDDEN")),
    ("login_cleanup", {"everything": True}, (404, "PGRST202")),
)


def test_every_function_of_the_api_has_a_refusal_here() -> None:
    at_a_glance = re.findall(r"^\| \[`(\w+)`\]", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(DOORS) == sorted(at_a_glance)  # the tables are by who calls
    assert {function for function, _, _ in REFUSALS} - {"no_such_function"} == DOORS.keys()


@pytest.mark.parametrize(("function", "arguments", "expected"), REFUSALS)
def test_a_bad_argument_is_refused_by_name(
    http: httpx.Client,
    user: dict[str, str],
    talk: str,
    function: str,
    arguments: dict[str, Any],
    expected: tuple[int, str],
) -> None:
    given = json.loads(json.dumps(arguments).replace("TALK", talk))
    assert answer_of(call(http, user, function, **given)) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        {"page_size": 0},
        {"page_size": -5},
        {"page_size": 10**9},
        {"page_size": None},
        {"before_seq": -1},
        {"after_seq": 2**62},
    ],
)
def test_an_odd_page_is_still_a_page(
    http: httpx.Client, user: dict[str, str], talk: str, arguments: dict[str, Any]
) -> None:
    response = call(http, user, "get_messages", conversation_id=talk, **arguments)
    assert response.status_code == 200
    assert isinstance(response.json(), list)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b"\xff\xfe",
        b'{"known": {"a": "\\u0000"}}',
        b'{"known": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"page_size": 1e999}',
        b'{"page_size": 99999999999999999999}',
        b'[{"page_size": 1}, {"page_size": 2}]',
    ],
)
def test_no_body_gives_a_500(http: httpx.Client, user: dict[str, str], body: bytes) -> None:
    headers = {**user, "Content-Type": "application/json"}
    assert http.post("/rest/v1/rpc/sync", headers=headers, content=body).status_code < 500


@pytest.mark.parametrize(
    "text",
    [
        "a\u0000b",
        "\ud83d\ude00" * 100,
        "\ud800",
        "\u202e reversed",
        "e\u0301" * 1000,
        "\r\n\r\nHTTP/1.1 200 OK",
        "$$; select 1; --",
        "\t",
    ],
)
def test_no_text_of_a_message_gives_a_500(
    http: httpx.Client, user: dict[str, str], talk: str, text: str
) -> None:
    body = json.dumps({"conversation_id": talk, "message": text})  # ASCII with \u escapes
    headers = {**user, "Content-Type": "application/json"}
    response = http.post("/rest/v1/rpc/send_message", headers=headers, content=body)
    assert response.status_code < 500, response.text


@pytest.mark.parametrize("type_", FITTING)
def test_a_value_that_is_none_of_its_type_is_refused_before_the_function_runs(
    http: httpx.Client, user: dict[str, str], talk: str, type_: str
) -> None:
    door, name = next(
        (door, name)
        for door in DOORS.values()
        for name, its_type in door.arguments.items()
        if its_type == type_ and "authenticated" in door.roles
    )
    for value in ODD_VALUES:
        given = {**door.harmless_arguments(talk), name: value}
        response = call(http, user, door.name, **given)
        assert response.status_code < 500, (value, response.text)
        is_refused = response.status_code == 400 and response.json()["code"].startswith("22")
        assert is_refused == (value not in FITTING[type_]), (door.name, value, response.text)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_no_argument_of_a_function_gives_a_500(db: Database, door: Door) -> None:
    asha, bharat = (db.create_user(name) for name in ("Asha", "Bharat"))
    with db.signed_in_as(asha):
        talk = db.call("direct_connect", target_user_id=bharat)["conversation"]
    harmless = door.harmless_arguments(talk["conversation_id"])
    odd = [
        {**harmless, name: value}
        for name, type_ in door.arguments.items()
        for value in FITTING[type_]
    ]
    failed = []
    with db.signed_in_as(asha) if "authenticated" in door.roles else db.as_service():
        for given in (harmless, *odd):
            try:
                db.call(door.name, **given)
            except psycopg.Error as error:
                if from_database(error, "authenticated").status >= 500:
                    failed.append((given, str(error)))
    assert failed == []
