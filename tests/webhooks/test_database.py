"""Calls of database functions: as whom, how long, and what becomes of a refusal."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.webhooks.support import Answer, FakeSupabase, api_key, settings, user_token
from webhooks import database as database_module
from webhooks.config import load_config
from webhooks.database import Database
from webhooks.http.errors import ApiError


@pytest.fixture
def database(fake: FakeSupabase) -> Iterator[Database]:
    opened = Database(load_config(settings(fake.url)))
    yield opened
    opened.close()


def refusal(call: Any, *args: Any, **kwargs: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call(*args, **kwargs)
    return caught.value


def test_a_call_as_a_user_carries_the_users_token_and_the_anon_key(
    fake: FakeSupabase, database: Database
) -> None:
    fake.on_rpc("begin_payment", body={"status": "created"})
    token = user_token(fake.url)
    assert database.call_as_user(token, "begin_payment", conversation_id="c") == {
        "status": "created"
    }
    (asked,) = fake.received
    assert asked.method == "POST"
    assert asked.headers["authorization"] == f"Bearer {token}"
    assert asked.headers["apikey"] == api_key("anon")
    assert json.loads(asked.body) == {"conversation_id": "c"}


def test_a_call_as_the_service_carries_the_service_key(
    fake: FakeSupabase, database: Database
) -> None:
    fake.on_rpc("sweep_due", body=3)
    assert database.call_as_service("sweep_due") == 3
    (asked,) = fake.received
    assert asked.headers["authorization"] == f"Bearer {api_key('service_role')}"
    assert asked.headers["apikey"] == api_key("service_role")


def test_callers_at_the_same_moment_keep_their_own_tokens(
    fake: FakeSupabase, database: Database
) -> None:
    fake.on_rpc("sync", body=[])
    tokens = [user_token(fake.url, name=number) for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda token: database.call_as_user(token, "sync", mine=token), tokens))
    assert len(fake.received) == len(tokens)
    for asked in fake.received:
        assert asked.headers["authorization"] == f"Bearer {json.loads(asked.body)['mine']}"


def test_a_refusal_of_a_function_is_passed_on_with_its_details(
    fake: FakeSupabase, database: Database
) -> None:
    details = {"current_state": "payment_pending", "required_state": "influencer_price_response"}
    body = {"code": "FLOW_STATE_INVALID", "message": "Not now.", "details": json.dumps(details)}
    fake.on_rpc("begin_payment", 409, body)
    error = refusal(database.call_as_user, user_token(fake.url), "begin_payment")
    assert (error.status, error.error_code, error.message) == (
        409,
        "FLOW_STATE_INVALID",
        "Not now.",
    )
    assert error.details == details


@pytest.mark.parametrize("details", [None, "not json", "[1]", "3", {"a": 1}], ids=str)
def test_details_are_always_an_object(fake: FakeSupabase, database: Database, details: Any) -> None:
    fake.on_rpc("f", 403, {"code": "FORBIDDEN", "message": "No.", "details": details})
    expected = details if isinstance(details, dict) else {}
    assert refusal(database.call_as_service, "f").details == expected


def test_how_long_to_wait_is_passed_on(fake: FakeSupabase, database: Database) -> None:
    body = {"code": "RATE_LIMITED", "message": "Slow down.", "details": '{"retry_after": 7}'}
    fake.on_rpc("f", 429, body, headers={"Retry-After": "7"})
    error = refusal(database.call_as_service, "f")
    assert (error.status, error.error_code) == (429, "RATE_LIMITED")
    assert error.headers == {"Retry-After": "7"}


@pytest.mark.parametrize("code", ["PGRST301", "PGRST303", "42501", "AUTH_REQUIRED", None])
def test_a_token_that_the_database_refuses_asks_for_a_new_sign_in(
    fake: FakeSupabase, database: Database, code: str | None
) -> None:
    fake.on_rpc("f", 401, {"code": code, "message": "JWT expired", "details": None})
    error = refusal(database.call_as_user, user_token(fake.url), "f")
    assert (error.status, error.error_code) == (401, "AUTH_REQUIRED")
    assert error.headers == {"WWW-Authenticate": "Bearer"}


def test_a_service_key_that_the_database_refuses_is_our_trouble(
    fake: FakeSupabase, database: Database
) -> None:
    fake.on_rpc("f", 401, {"code": "PGRST301", "message": "No suitable key", "details": None})
    error = refusal(database.call_as_service, "f")
    assert (error.status, error.error_code) == (503, "SERVICE_UNAVAILABLE")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, {"code": "PGRST001", "message": "no connection", "details": None}),
        (500, {"code": "57014", "message": "statement timeout", "details": None}),
        (500, {"code": "FLOW_STATE_INVALID", "message": "odd", "details": None}),
        (405, {"code": "25006", "message": "read-only transaction", "details": None}),
        (502, "<html>Bad gateway</html>"),
        (429, "<html>Slow down</html>"),
        (429, {"message": "API rate limit exceeded"}),
    ],
)
def test_trouble_behind_us_asks_to_try_again(
    fake: FakeSupabase, database: Database, status: int, body: Any
) -> None:
    fake.on_rpc("f", status, body)
    error = refusal(database.call_as_user, user_token(fake.url), "f")
    assert (error.status, error.error_code) == (503, "SERVICE_UNAVAILABLE")
    assert int(error.headers["Retry-After"]) > 0
    assert len(fake.received) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "PGRST202"), (400, "22P02"), (403, "42501"), (404, "404"), (404, None)],
)
def test_a_mistake_of_ours_says_nothing_about_the_database(
    fake: FakeSupabase, database: Database, status: int, code: str | None
) -> None:
    fake.on_rpc("f", status, {"code": code, "message": "function public.f", "details": "x"})
    error = refusal(database.call_as_user, user_token(fake.url), "f")
    assert (error.status, error.error_code, error.details) == (500, "INTERNAL", {})
    assert "public.f" not in error.message


def test_a_database_that_takes_too_long_asks_to_try_again(
    fake: FakeSupabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "TIMEOUT_SECONDS", 0.2)
    database = Database(load_config(settings(fake.url)))
    release = threading.Event()
    fake.on_rpc("f", release=release)
    try:
        error = refusal(database.call_as_service, "f")
    finally:
        release.set()
        database.close()
    assert (error.status, error.error_code) == (503, "SERVICE_UNAVAILABLE")
    assert int(error.headers["Retry-After"]) > 0


def test_a_database_that_is_not_there_asks_to_try_again() -> None:
    database = Database(load_config(settings("http://127.0.0.1:9")))
    error = refusal(database.call_as_service, "f")
    assert not database.is_ready()
    database.close()
    assert (error.status, error.error_code) == (503, "SERVICE_UNAVAILABLE")


@pytest.mark.parametrize(
    ("status", "ready"), [(200, True), (404, False), (401, False), (503, False), (500, False)]
)
def test_ready_means_that_our_tables_answer(
    fake: FakeSupabase, database: Database, status: int, ready: bool
) -> None:
    fake.answers["/rest/v1/users"] = Answer(status, [] if ready else {"code": "x", "message": ""})
    assert database.is_ready() is ready
    assert len(fake.received) == 1
