"""POST /v1/session/cleanup against a real Supabase: sign up, sign in, clean up."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import httpx
import pytest
from supabase import create_client

from tests.support.stacks import Stack
from tests.webhooks.support import client_of


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    """A client of an app in this process, on the stack."""
    environment = {
        "SUPABASE_URL": stack.api_url,
        "SUPABASE_ANON_KEY": stack.anon_key,
        "SUPABASE_SERVICE_ROLE_KEY": stack.service_role_key,
        "SUPABASE_JWT_SECRET": stack.jwt_secret,
    }
    with client_of(environment) as client:
        yield client


@pytest.fixture
def access_token(stack: Stack) -> str:
    """The access token of somebody who has just signed up."""
    client = create_client(stack.api_url, stack.anon_key)
    answer = client.auth.sign_up(
        {"email": f"{uuid.uuid4().hex}@example.com", "password": uuid.uuid4().hex}
    )
    assert answer.session is not None
    token = answer.session.access_token
    client.auth.close()
    return token


def clean_up(http: httpx.Client, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return http.post("/v1/session/cleanup", headers=headers)


def test_a_user_who_signed_in_gets_what_login_cleanup_says(
    http: httpx.Client, access_token: str
) -> None:
    answer = clean_up(http, access_token)
    assert answer.status_code == 200
    said = answer.json()
    assert {name: said[name] for name in ("expired", "scrubbed", "deadlines_run")} == {
        "expired": 0,
        "scrubbed": 0,
        "deadlines_run": 0,
    }


def test_asking_twice_is_no_fault(http: httpx.Client, access_token: str) -> None:
    assert [clean_up(http, access_token).status_code for _ in range(2)] == [200, 200]


def test_the_projects_keys_are_no_session(http: httpx.Client, stack: Stack) -> None:
    for key in (stack.anon_key, stack.service_role_key):
        answer = clean_up(http, key)
        assert (answer.status_code, answer.json()["error_code"]) == (401, "AUTH_REQUIRED")


def test_a_migrated_project_is_ready(http: httpx.Client) -> None:
    answer = http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
