"""A running Auth server behind the gateway, and ways to talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from starlette.types import ASGIApp
from supabase import (
    Client,
    ClientOptions,
    create_client,
)

from scripts.dev.local_supabase.auth import open_auth
from scripts.dev.local_supabase.config import Settings
from scripts.dev.local_supabase.gateway import Gateway
from tests.support.serving import served_in_a_thread
from tests.support.stacks import free_port

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
    settings = replace(settings, port=free_port())

    @asynccontextmanager
    async def behind_the_gateway() -> AsyncIterator[ASGIApp]:
        async with open_auth(settings) as app:
            yield Gateway(settings, {"auth": app})

    with (
        served_in_a_thread(behind_the_gateway(), settings.port),
        httpx.Client(timeout=30) as http,
    ):
        yield Auth(settings, http)
