"""Bare HTTP: who gets in at all, and that nothing a client can send is answered with a 500."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from tests.end_to_end.people import PASSWORD, make_user
from tests.support.stacks import Stack

NOBODY = str(uuid.UUID(int=1))
RPCS = (
    "complete_profile",
    "direct_connect",
    "send_message",
    "get_messages",
    "get_conversations",
    "get_conversation_context",
    "mark_read",
    "mark_delivered",
    "sync",
    "login_cleanup",
)
TABLES = ("users", "conversations", "messages", "blocks")

Answer = tuple[int, str]


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    """A client of the API with the publishable key only."""
    headers = {"apikey": stack.anon_key}
    with httpx.Client(base_url=stack.api_url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def user(stack: Stack, http: httpx.Client) -> dict[str, str]:
    """The headers of a signed-in user."""
    answer = http.post(
        "/auth/v1/token?grant_type=password", json={"email": make_user(stack), "password": PASSWORD}
    )
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture(scope="module")
def talk(stack: Stack, http: httpx.Client, user: dict[str, str]) -> str:
    """A conversation of the user."""
    other = http.post(
        "/auth/v1/token?grant_type=password", json={"email": make_user(stack), "password": PASSWORD}
    ).json()["user"]["id"]
    answer = call(http, user, "direct_connect", target_user_id=other)
    return str(answer.json()["conversation"]["conversation_id"])


def call(
    http: httpx.Client, headers: dict[str, str], function: str, **arguments: Any
) -> httpx.Response:
    """Call an RPC over HTTP."""
    return http.post(f"/rest/v1/rpc/{function}", headers=headers, json=arguments)


def answer_of(response: httpx.Response) -> Answer:
    """Status and error code."""
    return response.status_code, response.json()["code"]


@pytest.mark.parametrize("function", RPCS)
def test_anon_can_call_no_function(http: httpx.Client, function: str) -> None:
    arguments = {
        "complete_profile": {"role": "influencer", "display_name": "Eve"},
        "direct_connect": {"target_user_id": NOBODY},
    }
    needs_id = function in RPCS[2:4] + RPCS[5:8]
    given = arguments.get(function, {"conversation_id": NOBODY} if needs_id else {})
    response = call(http, {}, function, **given)
    assert answer_of(response) == (401, "42501")


@pytest.mark.parametrize("table", TABLES)
def test_anon_can_read_no_table(http: httpx.Client, table: str) -> None:
    assert answer_of(http.get(f"/rest/v1/{table}")) == (401, "42501")


def test_a_token_that_is_expired_forged_or_broken_is_refused(
    stack: Stack, http: httpx.Client
) -> None:
    claims = {"sub": NOBODY, "role": "authenticated", "exp": int(time.time()) - 3600}
    expired = jwt.encode(claims, stack.jwt_secret)
    forged = jwt.encode({**claims, "exp": int(time.time()) + 3600}, "another secret " * 3)
    for token, code in ((expired, "PGRST303"), (forged, "PGRST301"), ("a.b.c", "PGRST301")):
        response = call(http, {"Authorization": f"Bearer {token}"}, "sync")
        assert answer_of(response) == (401, code)
        assert response.headers["www-authenticate"].startswith("Bearer")


def test_no_schema_but_public_is_served(http: httpx.Client, user: dict[str, str]) -> None:
    for schema in ("private", "auth", "realtime"):
        headers = {**user, "Accept-Profile": schema, "Content-Profile": schema}
        for response in (
            http.get("/rest/v1/users", headers=headers),
            call(http, headers, "send_message"),
        ):
            assert answer_of(response) == (406, "PGRST106")


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
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
    ],
)
def test_a_bad_argument_is_refused_by_name(
    http: httpx.Client,
    user: dict[str, str],
    talk: str,
    function: str,
    arguments: dict[str, Any],
    expected: Answer,
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


@pytest.mark.parametrize(
    "path",
    [
        "messages?select=nothing",
        "messages?select=*,users(*)",
        "messages?seq=eq.x",
        "messages?seq=like.x",
        "messages?order=nothing",
        "messages?limit=-1",
        "messages?limit=x",
        "messages?or=(((",
        "messages?message=fts.(",
        "no_such_table",
        "rpc/send_message?conversation_id=x",
        "rpc/sync",
    ],
)
def test_no_query_gives_a_500(http: httpx.Client, user: dict[str, str], path: str) -> None:
    response = http.get(f"/rest/v1/{path}", headers=user)
    assert response.status_code < 500 or response.status_code == 501, response.text
