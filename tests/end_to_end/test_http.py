"""Bare HTTP: who gets in at all; no address that a client can make up is answered with a 500."""

from __future__ import annotations

import time

import httpx
import jwt
import pytest

from tests.end_to_end.doors import NOBODY, Door, answer_of, call, read_doors
from tests.support.stacks import Stack

DOORS = read_doors()
TABLES = ("users", "conversations", "messages", "blocks")


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_anon_can_call_no_function(http: httpx.Client, door: Door) -> None:
    response = call(http, {}, door.name, **door.harmless_arguments())
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
