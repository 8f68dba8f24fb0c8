"""The local stack's Auth server through the real SDKs, and over bare HTTP where it says no."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jwt
import psycopg
import pytest
import uvicorn
from psycopg import sql
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send
from supabase import (
    AsyncClientOptions,
    Client,
    ClientOptions,
    create_async_client,
    create_client,
)
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

from scripts.local_supabase import postgres
from scripts.local_supabase.auth import open_auth
from scripts.local_supabase.auth.errors import ApiError
from scripts.local_supabase.auth.limits import PER_ACCOUNT, PER_ADDRESS, WINDOW, FailedLogins
from scripts.local_supabase.config import Settings
from scripts.local_supabase.gateway import Gateway
from tests.support.stacks import Cluster

PASSWORD = "correct horse 1"


@dataclass(frozen=True)
class Auth:
    """A running Auth server behind the gateway, and ways to talk to it."""

    settings: Settings
    http: httpx.Client

    @property
    def anon_key(self) -> str:
        """The key of a client."""
        return self.settings.api_key("anon")

    def client(self, role: str = "anon") -> Client:
        """A new SDK client."""
        options = ClientOptions(httpx_client=self.http, auto_refresh_token=False)
        return create_client(self.settings.api_url, self.settings.api_key(role), options)

    def call(self, method: str, path: str, token: str = "", **sent: Any) -> httpx.Response:
        """One request over bare HTTP, with the API key and perhaps a bearer token."""
        headers = {"apikey": self.anon_key, **sent.pop("headers", {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        url = f"{self.settings.api_url}/auth/v1{path}"
        return self.http.request(method, url, headers=headers, **sent)

    def sign_up(self, email: str = "") -> dict[str, Any]:
        """A new user's session, as the server answers it."""
        body = {"email": email or new_email(), "password": PASSWORD}
        answer = self.call("POST", "/signup", json=body)
        assert answer.status_code == 200, answer.text
        session: dict[str, Any] = answer.json()
        return session

    def log_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        """The answer to e-mail and password."""
        body = {"email": email, "password": password}
        return self.call("POST", "/token?grant_type=password", json=body)

    def refresh(self, token: str) -> httpx.Response:
        """The answer to a refresh token."""
        return self.call("POST", "/token?grant_type=refresh_token", json={"refresh_token": token})

    def query(self, statement: str, *values: Any, role: str = "postgres") -> list[Any]:
        """Rows from the database, as one of its login roles."""
        with psycopg.connect(self.settings.dsn(role)) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def count(self, rows: str, *values: Any) -> int:
        """How many `rows` ("table where ...") there are."""
        return int(self.query(f"select count(*) from {rows}", *values)[0][0])  # noqa: S608


def new_email() -> str:
    return f"{uuid4().hex}@example.com"


def assert_refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"], body["error_code"]) == (status, status, code), body
    assert body["msg"]
    return body


@contextmanager
def serving(settings: Settings) -> Iterator[Auth]:
    """Serve Auth behind the gateway on a free port until the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    settings = replace(settings, port=listener.getsockname()[1])
    opened: dict[str, ASGIApp] = {}

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with open_auth(settings) as app:
            opened["gateway"] = Gateway(settings, {"auth": app})
            yield

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await opened["gateway"](scope, receive, send)

    app = Starlette(lifespan=lifespan, routes=[Mount("/", app=serve)])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with httpx.Client(timeout=30) as http:
            yield Auth(settings, http)
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def project(cluster: Cluster) -> Settings:
    """A database of its own that is an empty Supabase project."""
    name = f"auth_{uuid4().hex}"
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    postgres.bootstrap(cluster.port, name)
    return Settings(data_dir=Path(), db_port=cluster.port, db_name=name)


@pytest.fixture(scope="module")
def auth(project: Settings) -> Iterator[Auth]:
    """The Auth server that most tests talk to."""
    with serving(project) as running:
        yield running


@pytest.fixture
def own_auth(project: Settings) -> Iterator[Auth]:
    """A server for one test, which may exhaust its limits. Its access tokens live for 1 s."""
    with serving(replace(project, access_token_lifetime=1)) as running:
        yield running


# --- The SDKs ---


def test_the_sdk_signs_up_in_out_and_refreshes(auth: Auth) -> None:
    client, email = auth.client(), new_email()
    signed_up = client.auth.sign_up(
        {"email": email, "password": PASSWORD, "options": {"data": {"name": "Asha"}}}
    )
    assert signed_up.user is not None
    assert signed_up.session is not None
    assert signed_up.user.email == email
    assert signed_up.user.user_metadata["name"] == "Asha"
    assert signed_up.user.user_metadata["email_verified"] is True
    assert signed_up.user.identities is not None
    assert [identity.provider for identity in signed_up.user.identities] == ["email"]

    signed_in = client.auth.sign_in_with_password({"email": email.upper(), "password": PASSWORD})
    assert signed_in.user is not None
    assert signed_in.session is not None
    assert signed_in.user.id == signed_up.user.id
    assert signed_in.user.last_sign_in_at is not None

    refreshed = client.auth.refresh_session()
    assert refreshed.session is not None
    assert refreshed.session.refresh_token != signed_in.session.refresh_token

    seen = client.auth.get_user()
    assert seen is not None
    assert seen.user.id == signed_up.user.id

    client.auth.sign_out()
    assert client.auth.get_session() is None
    assert auth.count("auth.sessions where user_id = %s", signed_up.user.id) == 0
    assert_refused(auth.refresh(refreshed.session.refresh_token), 400, "refresh_token_not_found")


def test_the_async_sdk_signs_in_and_updates_the_user(auth: Auth) -> None:
    async def scenario(http: httpx.AsyncClient) -> None:
        email, later = new_email(), new_email()
        options = AsyncClientOptions(httpx_client=http, auto_refresh_token=False)
        client = await create_async_client(auth.settings.api_url, auth.anon_key, options)
        await client.auth.sign_up({"email": email, "password": PASSWORD})
        await client.auth.sign_in_with_password({"email": email, "password": PASSWORD})
        updated = await client.auth.update_user(
            {"email": later, "password": "another horse 2", "data": {"city": "Pune"}}
        )
        assert updated.user.email == later
        assert updated.user.user_metadata["city"] == "Pune"
        await client.auth.update_user({"data": {"city": None}})
        seen = await client.auth.get_user()
        assert seen is not None
        assert "city" not in seen.user.user_metadata
        await client.auth.sign_out()
        again = await client.auth.sign_in_with_password(
            {"email": later, "password": "another horse 2"}
        )
        assert again.session is not None
        with pytest.raises(AuthApiError, match="Invalid login credentials"):
            await client.auth.sign_in_with_password({"email": email, "password": PASSWORD})

    async def main() -> None:
        async with httpx.AsyncClient(timeout=30) as http:
            await scenario(http)

    asyncio.run(main())


def test_an_operator_creates_lists_changes_and_deletes_users(auth: Auth) -> None:
    admin, email = auth.client("service_role").auth.admin, new_email()
    user = admin.create_user(
        {
            "email": email,
            "password": PASSWORD,
            "email_confirm": True,
            "user_metadata": {"name": "Ravi"},
            "app_metadata": {"plan": "gold"},
        }
    ).user
    assert user.email_confirmed_at is not None
    assert user.user_metadata == {"name": "Ravi", "email_verified": True}
    assert user.app_metadata == {"provider": "email", "providers": ["email"], "plan": "gold"}
    assert admin.list_users(page=1, per_page=1)[0].id == user.id
    assert admin.get_user_by_id(user.id).user.email == email

    session = auth.log_in(email).json()
    changed = admin.update_user_by_id(
        user.id, {"password": "changed horse", "app_metadata": {"plan": None}, "role": "other"}
    ).user
    assert changed.app_metadata == {"provider": "email", "providers": ["email"]}
    assert changed.role == "other"
    assert_refused(auth.call("GET", "/user", session["access_token"]), 403, "session_not_found")
    assert auth.log_in(email, "changed horse").status_code == 200

    admin.delete_user(user.id)
    with pytest.raises(AuthApiError) as refusal:
        admin.get_user_by_id(user.id)
    assert (refusal.value.status, refusal.value.code) == (404, "user_not_found")


def test_the_sdk_understands_the_refusals(auth: Auth) -> None:
    client, email = auth.client(), new_email()
    with pytest.raises(AuthWeakPasswordError) as weak:
        client.auth.sign_up({"email": email, "password": "short"})
    assert weak.value.reasons == ["length"]
    client.auth.sign_up({"email": email, "password": PASSWORD})
    with pytest.raises(AuthApiError) as taken:
        client.auth.sign_up({"email": email, "password": PASSWORD})
    assert (taken.value.status, taken.value.code) == (422, "user_already_exists")
    with pytest.raises(AuthApiError) as wrong:
        client.auth.sign_in_with_password({"email": email, "password": "wrong horse"})
    assert (wrong.value.status, wrong.value.code) == (400, "invalid_credentials")
    with pytest.raises(AuthApiError) as anonymous:
        client.auth.sign_in_anonymously()
    assert (anonymous.value.status, anonymous.value.code) == (422, "anonymous_provider_disabled")


# --- Sessions and tokens ---


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


@pytest.mark.parametrize(
    ("scope", "mine", "other"), [("local", 403, 200), ("others", 200, 403), ("global", 403, 403)]
)
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


def test_a_new_password_signs_the_other_sessions_out(auth: Auth) -> None:
    email = new_email()
    first, second = auth.sign_up(email), auth.log_in(email).json()
    token = first["access_token"]
    assert_refused(auth.call("PUT", "/user", token, json={"password": "x"}), 422, "weak_password")
    same = auth.call("PUT", "/user", token, json={"password": PASSWORD})
    assert_refused(same, 422, "same_password")
    assert auth.call("PUT", "/user", token, json={"password": "new horse"}).status_code == 200
    assert auth.call("GET", "/user", token).status_code == 200
    other = auth.call("GET", "/user", second["access_token"])
    assert_refused(other, 403, "session_not_found")


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


def test_a_banned_user_can_neither_sign_in_nor_refresh_nor_be_seen(auth: Auth) -> None:
    email = new_email()
    session = auth.sign_up(email)
    admin = auth.client("service_role").auth.admin
    admin.update_user_by_id(session["user"]["id"], {"ban_duration": "1h30m"})
    left = "banned_until - now() between interval '89 min' and interval '90 min'"
    assert auth.count("auth.users where id = %s and " + left, session["user"]["id"]) == 1
    assert_refused(auth.log_in(email), 400, "user_banned")
    assert_refused(auth.log_in(email, "wrong horse"), 400, "invalid_credentials")
    assert_refused(auth.refresh(session["refresh_token"]), 400, "user_banned")
    assert_refused(auth.call("GET", "/user", session["access_token"]), 403, "user_banned")
    admin.update_user_by_id(session["user"]["id"], {"ban_duration": "none"})
    assert auth.refresh(session["refresh_token"]).status_code == 200


def test_an_unconfirmed_user_cannot_sign_in(auth: Auth) -> None:
    email = new_email()
    auth.client("service_role").auth.admin.create_user({"email": email, "password": PASSWORD})
    assert_refused(auth.log_in(email), 400, "email_not_confirmed")


# --- Refusals ---


def test_only_the_service_role_may_use_the_admin_api(auth: Auth) -> None:
    session = auth.sign_up()
    path = f"/admin/users/{session['user']['id']}"
    for token in (auth.anon_key, session["access_token"]):
        for method, where in (("GET", "/admin/users"), ("POST", "/admin/users")):
            assert_refused(auth.call(method, where, token), 403, "not_admin")
        for method in ("GET", "PUT", "DELETE"):
            assert_refused(auth.call(method, path, token), 403, "not_admin")
    assert auth.call("GET", "/user", session["access_token"]).status_code == 200


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


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/token", {}, 400, "invalid_credentials"),
        ("/token?grant_type=pkce", {}, 501, "not_implemented"),
        ("/token?grant_type=password", {}, 400, "validation_failed"),
        ("/token?grant_type=password", {"phone": "+49"}, 400, "phone_provider_disabled"),
        ("/token?grant_type=refresh_token", {}, 400, "validation_failed"),
        ("/token?grant_type=refresh_token", {"refresh_token": 1}, 400, "validation_failed"),
        ("/token?grant_type=refresh_token", {"refresh_token": "x"}, 400, "refresh_token_not_found"),
        ("/otp", {}, 501, "not_implemented"),
        ("/recover", {}, 501, "not_implemented"),
    ],
)
def test_a_request_that_cannot_be_granted_says_why(
    auth: Auth, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    assert_refused(auth.call("POST", path, json=body), status, code)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/admin/users", {"password": PASSWORD}, 400, "validation_failed"),
        ("POST", "/admin/users", {"email": "a@b.c", "id": "x"}, 400, "validation_failed"),
        ("POST", "/admin/users", {"email": "a@b.c", "email_confirm": 1}, 400, "validation_failed"),
        ("POST", "/admin/users", {"email": "a@b.c", "phone": "+49"}, 501, "not_implemented"),
        ("POST", "/admin/users", {"email": "a@b.c", "password": "x"}, 422, "weak_password"),
        ("POST", "/admin/users", {"email": "a@b.c", "ban_duration": "soon"}, 400, None),
        ("POST", "/admin/users", {"email": "a@b.c", "ban_duration": "1h1h"}, 400, None),
        ("PUT", "/admin/users/x", {}, 404, "validation_failed"),
        ("PUT", "/admin/users/00000000-0000-0000-0000-000000000001", {}, 404, "user_not_found"),
        ("GET", "/admin/users?page=0", None, 400, "validation_failed"),
        ("GET", "/admin/users?per_page=many", None, 400, "validation_failed"),
        ("GET", "/admin/users?filter=a", None, 501, "not_implemented"),
    ],
)
def test_an_operator_is_told_what_is_wrong(
    auth: Auth, method: str, path: str, body: Any, status: int, code: str | None
) -> None:
    answer = auth.call(method, path, auth.settings.api_key("service_role"), json=body)
    assert_refused(answer, status, code or "validation_failed")


def test_an_email_that_somebody_has_cannot_be_taken(auth: Auth) -> None:
    taken = new_email()
    auth.sign_up(taken)
    key, mine = auth.settings.api_key("service_role"), auth.sign_up()
    body = {"email": taken.upper()}
    path = f"/admin/users/{mine['user']['id']}"
    assert_refused(auth.call("PUT", "/user", mine["access_token"], json=body), 422, "email_exists")
    assert_refused(auth.call("PUT", path, key, json=body), 422, "email_exists")
    assert_refused(auth.call("POST", "/admin/users", key, json=body), 422, "email_exists")
    body = {"email": new_email(), "id": mine["user"]["id"]}
    assert_refused(auth.call("POST", "/admin/users", key, json=body), 422, "email_exists")


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


def test_errors_speak_the_api_version_that_the_client_asks_for(auth: Auth) -> None:
    headers = {"X-Supabase-Api-Version": "2024-01-01"}
    answer = auth.call("POST", "/signup", json={}, headers=headers)
    assert answer.headers["X-Supabase-Api-Version"] == "2024-01-01"
    assert answer.json() == {
        "code": "anonymous_provider_disabled",
        "message": "Anonymous sign-ins are disabled",
    }


def test_the_list_of_users_tells_the_total_and_the_pages(auth: Auth) -> None:
    for _ in range(3):
        auth.sign_up()
    key = auth.settings.api_key("service_role")
    answer = auth.call("GET", "/admin/users?page=1&per_page=2", key)
    total = int(answer.headers["X-Total-Count"])
    assert len(answer.json()["users"]) == 2
    last = (total + 1) // 2
    assert answer.headers["Link"] == (
        '</admin/users?page=2&per_page=2>; rel="next", '
        f'</admin/users?page={last}&per_page=2>; rel="last"'
    )
    at_end = auth.call("GET", f"/admin/users?page={last}&per_page=2", key)
    assert at_end.headers["Link"] == f'</admin/users?page={last}&per_page=2>; rel="last"'


def test_a_database_that_is_gone_is_an_answer_and_not_a_broken_connection(
    project: Settings,
) -> None:
    with serving(project) as running:
        token = running.sign_up()["access_token"]
        rename = "alter table auth.sessions rename to hidden"
        back = "alter table auth.hidden rename to sessions"
        running.query(rename, role="supabase_auth_admin")
        try:
            answer = running.call("GET", "/user", token)
        finally:
            running.query(back, role="supabase_auth_admin")
        assert_refused(answer, 500, "unexpected_failure")
        assert running.call("GET", "/user", token).status_code == 200


def test_a_browser_of_any_origin_may_call(auth: Auth) -> None:
    origin = {"Origin": "http://localhost:3000"}
    asked = {
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,apikey,x-client-info",
    }
    allowed = auth.call("OPTIONS", "/user", headers=origin | asked)
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == "*"
    assert "PUT" in allowed.headers["Access-Control-Allow-Methods"]
    assert "x-client-info" in allowed.headers["Access-Control-Allow-Headers"]
    refused = auth.call("GET", "/user", "x", headers=origin)
    assert refused.headers["Access-Control-Allow-Origin"] == "*"


def test_a_project_with_a_shared_secret_publishes_no_keys(auth: Auth) -> None:
    assert auth.call("GET", "/.well-known/jwks.json").json() == {"keys": []}
    assert auth.call("GET", "/health").json()["name"] == "GoTrue"
    settings = auth.call("GET", "/settings").json()
    assert settings["mailer_autoconfirm"] is True
    assert settings["external"]["email"] is True


# --- Guessing ---


def test_guessing_at_one_account_is_limited_and_others_still_sign_in(own_auth: Auth) -> None:
    victim, neighbour = new_email(), new_email()
    own_auth.sign_up(victim)
    own_auth.sign_up(neighbour)
    for _ in range(PER_ACCOUNT):
        assert_refused(own_auth.log_in(victim, "guess"), 400, "invalid_credentials")
    limited = own_auth.log_in(victim)
    assert_refused(limited, 429, "over_request_rate_limit")
    assert 0 < int(limited.headers["Retry-After"]) <= WINDOW
    assert own_auth.log_in(neighbour).status_code == 200


def test_a_stranger_is_answered_like_a_user_with_a_wrong_password(auth: Auth) -> None:
    email = new_email()
    auth.sign_up(email)
    known, unknown = auth.log_in(email, "guess"), auth.log_in(new_email(), "guess")
    assert known.json() == unknown.json()


def test_failures_are_forgotten_with_time_and_with_a_right_password() -> None:
    now = 0.0
    failures = FailedLogins(clock=lambda: now)
    for _ in range(PER_ACCOUNT):
        failures.record("a", "1")
    with pytest.raises(ApiError):
        failures.check("a", "1")
    failures.check("a", "2")
    failures.forget("a", "1")
    failures.check("a", "1")
    for _ in range(PER_ACCOUNT):
        failures.record("b", "1")
    now = WINDOW + 1
    failures.check("b", "1")


def test_an_address_that_tries_many_accounts_is_told_to_slow_down() -> None:
    failures = FailedLogins(clock=lambda: 0.0)
    for number in range(PER_ADDRESS):
        failures.record(str(number), "1")
    with pytest.raises(ApiError) as refusal:
        failures.record("one more", "1")
    assert (refusal.value.status, refusal.value.code) == (429, "over_request_rate_limit")
    failures.check("somebody", "1")


# --- The schema ---


def test_a_trigger_that_raises_stops_the_sign_up_and_leaves_nothing(auth: Auth) -> None:
    auth.query(
        """
        create function public.refuse_strangers() returns trigger language plpgsql as $$
        begin
          if new.email like 'stranger-%' then
            raise exception 'no strangers';
          end if;
          return new;
        end $$;
        create trigger refuse_strangers after insert on auth.users
        for each row execute function public.refuse_strangers();
        """
    )
    email = f"stranger-{new_email()}"
    body = {"email": email, "password": PASSWORD}
    refused = assert_refused(auth.call("POST", "/signup", json=body), 500, "unexpected_failure")
    assert refused["msg"] == "Database error saving new user"
    key = auth.settings.api_key("service_role")
    created = assert_refused(
        auth.call("POST", "/admin/users", key, json=body), 500, "unexpected_failure"
    )
    assert created["msg"] == "Database error creating new user"
    assert auth.count("auth.users where email = %s", email) == 0
    assert auth.count("auth.identities where email = %s", email) == 0


def test_a_trigger_on_users_sees_the_metadata_of_the_sign_up(auth: Auth) -> None:
    auth.query(
        """
        create table public.people (
          id uuid primary key references auth.users (id) on delete cascade, name text
        );
        create function public.add_person() returns trigger
        language plpgsql security definer set search_path = '' as $$
        begin
          insert into public.people (id, name)
          values (new.id, new.raw_user_meta_data ->> 'name');
          return new;
        end $$;
        create trigger add_person after insert on auth.users
        for each row execute function public.add_person();
        create table public.logins (user_id uuid);
        create function public.add_login() returns trigger
        language plpgsql security definer set search_path = '' as $$
        begin
          insert into public.logins (user_id) values (new.user_id);
          return new;
        end $$;
        create trigger add_login after insert on auth.sessions
        for each row execute function public.add_login();
        """
    )
    body = {"email": new_email(), "password": PASSWORD, "data": {"name": "Asha"}}
    user_id = auth.call("POST", "/signup", json=body).json()["user"]["id"]
    assert auth.query("select name from public.people where id = %s", user_id) == [("Asha",)]
    assert auth.count("public.logins where user_id = %s", user_id) == 1
    auth.client("service_role").auth.admin.delete_user(user_id)
    assert auth.count("public.people where id = %s", user_id) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "create table auth.mine ()",
        "alter table auth.users add column mine text",
        "drop table auth.refresh_tokens",
        "create function auth.mine() returns int language sql return 1",
        "create or replace function auth.uid() returns uuid language sql return null",
    ],
)
def test_postgres_does_not_own_the_schema_auth(auth: Auth, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        auth.query(statement)


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_api_roles_cannot_read_the_tables_of_auth(auth: Auth, role: str) -> None:
    with psycopg.connect(auth.settings.dsn("authenticator")) as connection:
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select 1 from auth.users")


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_the_functions_of_auth_read_the_claims_of_the_request(auth: Auth, role: str) -> None:
    claims = json.dumps({"sub": str(uuid4()), "role": role, "email": "a@b.c"})
    with psycopg.connect(auth.settings.dsn("authenticator")) as connection:
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        read = "select auth.uid()::text, auth.role(), auth.email(), auth.jwt()"
        assert connection.execute(read).fetchone() == (None, None, None, None)
        connection.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
        found = connection.execute(read).fetchone()
    expected = json.loads(claims)
    assert found == (expected["sub"], role, "a@b.c", expected)
