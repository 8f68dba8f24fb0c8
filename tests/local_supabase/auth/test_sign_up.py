"""Signing up over bare HTTP: what is kept, what is refused, two at once."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.local_supabase.auth.server import PASSWORD, Auth, assert_refused, new_email


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_json"),
        (b"[1]", 400, "bad_json"),
        (b"\xff", 400, "bad_json"),
        (b"[" * 100_000, 400, "bad_json"),
        (b'{"email": "a@b.c", "password": "sixsix", "data": {"a": NaN}}', 400, "bad_json"),
        (b'{"email": "a@b.c", "password": "sixsix", "data": {"a": 1e999}}', 400, "bad_json"),
        (b'{"email": "a@b.c", "password": "sixsix", "data": {"a": "\\ud800"}}', 400, "bad_json"),
        (b'{"email": "a@b.c", "password": "six\\u0000six"}', 400, "validation_failed"),
        (b'{"email": "a@b.c", "password": "sixsix", "data": {"\\u0000": 1}}', 400, None),
        (b'{"email": 1, "password": "sixsix"}', 400, "validation_failed"),
        (b'{"email": {}, "password": []}', 400, "validation_failed"),
        (b'{"email": "a@b.c", "password": "sixsix", "data": []}', 400, "validation_failed"),
        (b'{"email": "no address", "password": "sixsix"}', 400, "validation_failed"),
        (b'{"email": "a@b.c"}', 400, "validation_failed"),
        (b'{"email": "a@b.c", "password": "' + b"x" * 73 + b'"}', 400, "validation_failed"),
        (b'{"email": "' + b"x" * 300 + b'@b.c", "password": "sixsix"}', 400, "validation_failed"),
        (b'{"phone": "+4912345", "password": "sixsix"}', 400, "phone_provider_disabled"),
        (b"", 422, "anonymous_provider_disabled"),
        (b" " * 1_100_000, 413, "validation_failed"),
    ],
)
def test_a_sign_up_that_makes_no_sense_is_refused(
    auth: Auth, body: bytes, status: int, code: str | None
) -> None:
    answer = auth.call("POST", "/signup", content=body)
    assert_refused(answer, status, code or "validation_failed")


def test_metadata_keeps_whatever_json_can_say(auth: Auth) -> None:
    data = {"text": "\\u0000 is no NUL \u0001 \U0001f600", "deep": [None, {"a": 1.5}], "": ""}
    body = {"email": new_email(), "password": PASSWORD, "data": data}
    answer = auth.call("POST", "/signup", json=body)
    assert answer.status_code == 200, answer.text
    assert data.items() <= answer.json()["user"]["user_metadata"].items()


def test_sign_ups_at_once_for_one_email_make_one_user(auth: Auth) -> None:
    email = new_email()

    async def scenario() -> list[int]:
        url = f"{auth.settings.api_url}/auth/v1/signup"
        body = {"email": email, "password": PASSWORD}
        async with httpx.AsyncClient(timeout=30) as client:
            answers = await asyncio.gather(*(client.post(url, json=body) for _ in range(4)))
        return sorted(answer.status_code for answer in answers)

    assert asyncio.run(scenario()) == [200, 422, 422, 422]
    assert auth.count("auth.users where email = %s", email) == 1
