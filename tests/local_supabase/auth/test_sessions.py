"""Access and refresh tokens: what they say, when they end, and whom they name."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import jwt
import psycopg
import pytest

from tests.local_supabase.auth.server import PASSWORD, Auth, assert_refused, new_email


def test_an_access_token_has_the_claims_of_gotrue(auth: Auth) -> None:
    session = auth.sign_up()
    claims = jwt.decode(
        session["access_token"],
        auth.settings.jwt_secret,
        algorithms=["HS256"],
        audience="authenticated",
        issuer=f"{auth.settings.api_url}/auth/v1",
    )
    assert claims["exp"] - claims["iat"] == auth.settings.access_token_lifetime == 3600
    assert session["expires_at"] == claims["exp"]
    assert (session["token_type"], session["expires_in"]) == ("bearer", 3600)
    (entry,) = claims["amr"]
    assert entry["method"] == "password"
    assert claims["iat"] - 60 < entry["timestamp"] <= claims["iat"]
    assert {name: claims[name] for name in ("sub", "email", "phone", "role", "aal")} == {
        "sub": session["user"]["id"],
        "email": session["user"]["email"],
        "phone": "",
        "role": "authenticated",
        "aal": "aal1",
    }
    assert claims["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert claims["is_anonymous"] is False
    rows = auth.query("select id::text from auth.sessions where user_id = %s", claims["sub"])
    assert rows == [(claims["session_id"],)]
    assert set(claims) == {
        *("iss", "sub", "aud", "exp", "iat", "email", "phone", "app_metadata", "user_metadata"),
        *("role", "aal", "amr", "session_id", "is_anonymous"),
    }


def test_a_refresh_keeps_the_session_and_the_moment_of_the_password(auth: Auth) -> None:
    first = auth.sign_up()
    auth.query(
        "update auth.sessions set created_at = created_at - interval '1 hour' where user_id = %s",
        first["user"]["id"],
    )
    second = auth.refresh(first["refresh_token"]).json()
    before, after = (
        jwt.decode(token, options={"verify_signature": False})
        for token in (first["access_token"], second["access_token"])
    )
    assert after["session_id"] == before["session_id"]
    assert after["amr"][0]["timestamp"] == before["amr"][0]["timestamp"] - 3600
    assert auth.count("auth.sessions where user_id = %s", first["user"]["id"]) == 1


def test_two_refreshes_at_once_get_the_same_next_token(auth: Auth) -> None:
    session = auth.sign_up()
    waiting = """
      select count(*), pg_sleep(0.02) from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'
    """
    with (
        psycopg.connect(auth.settings.dsn()) as holder,
        psycopg.connect(auth.settings.dsn(), autocommit=True) as watcher,
        ThreadPoolExecutor(2) as threads,
    ):
        # Both must be under way before either may go on.
        holder.execute(
            "select from auth.sessions where user_id = %s for update", (session["user"]["id"],)
        )
        calls = [threads.submit(auth.refresh, session["refresh_token"]) for _ in range(2)]
        deadline = time.monotonic() + 20
        while (row := watcher.execute(waiting).fetchone()) and row[0] < 2:
            assert time.monotonic() < deadline, "the refreshes do not wait for the session"
        holder.rollback()
        answers = [call.result() for call in calls]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


def test_an_old_refresh_token_ends_the_session_for_the_thief_and_the_owner(auth: Auth) -> None:
    first = auth.sign_up()
    second = auth.refresh(first["refresh_token"]).json()
    third = auth.refresh(second["refresh_token"]).json()
    recent = auth.refresh(first["refresh_token"])
    assert recent.json()["refresh_token"] == third["refresh_token"]
    auth.query(
        "update auth.refresh_tokens set updated_at = updated_at - interval '11 s' where token = %s",
        first["refresh_token"],
    )
    for stolen in (first, third, second):
        answer = auth.refresh(stolen["refresh_token"])
        assert_refused(answer, 400, "refresh_token_already_used")


@pytest.mark.parametrize(("scope", "mine", "other"), [("local", 403, 200), ("global", 403, 403)])
def test_logging_out_ends_the_sessions_of_the_scope(
    auth: Auth, scope: str, mine: int, other: int
) -> None:
    email = new_email()
    first, second = auth.sign_up(email), auth.log_in(email).json()
    answer = auth.call("POST", f"/logout?scope={scope}", first["access_token"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert auth.call("GET", "/user", first["access_token"]).status_code == mine
    seen = auth.call("GET", "/user", second["access_token"])
    assert seen.status_code == other
    if other == 403:
        assert_refused(seen, 403, "session_not_found")
        assert auth.refresh(second["refresh_token"]).status_code == 400


def test_an_expired_access_token_is_refused(own_auth: Auth) -> None:
    token = own_auth.sign_up()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 1
    old = jwt.encode(
        claims | {"iat": claims["iat"] - 60, "exp": claims["exp"] - 60},
        own_auth.settings.jwt_secret,
    )
    assert_refused(own_auth.call("GET", "/user", old), 403, "bad_jwt")


def test_a_token_that_names_nobody_is_refused(auth: Auth) -> None:
    def token(**claims: Any) -> str:
        return jwt.encode({"role": "authenticated", **claims}, auth.settings.jwt_secret)

    session = auth.sign_up()
    user_id = session["user"]["id"]
    forged = jwt.encode({"sub": user_id}, "another secret of at least 32 bytes, which is wrong")
    other = auth.sign_up()
    stolen = jwt.decode(other["access_token"], options={"verify_signature": False})["session_id"]
    for sent, status, code in (
        (auth.anon_key, 403, "bad_jwt"),
        (forged, 403, "bad_jwt"),
        ("not.a.jwt", 403, "bad_jwt"),
        (token(sub="someone"), 400, "bad_jwt"),
        (token(sub=str(uuid4())), 403, "user_not_found"),
        (token(sub=user_id, session_id=stolen), 403, "session_not_found"),
        (token(sub=user_id, session_id="x"), 403, "session_not_found"),
        (token(sub=user_id), 400, "validation_failed"),
    ):
        assert_refused(auth.call("GET", "/user", sent), status, code)
    bare = httpx.get(f"{auth.settings.api_url}/auth/v1/user", timeout=30)
    assert_refused(bare, 401, "no_authorization")


def test_an_unconfirmed_user_cannot_sign_in(auth: Auth) -> None:
    email = new_email()
    auth.client("service_role").auth.admin.create_user({"email": email, "password": PASSWORD})
    assert_refused(auth.log_in(email), 400, "email_not_confirmed")
