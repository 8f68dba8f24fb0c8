"""People who use a running stack through the SDKs, and ears that wait for what they hear."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from examples.python.parley_client import ParleyClient
from tests.support.stacks import Stack, stack_from_environment

Json = dict[str, Any]

PASSWORD = "correct horse battery staple"
# Seconds until something that should be heard counts as not heard.
PATIENCE = 15.0

needs_our_process = pytest.mark.skipif(
    stack_from_environment() is not None,
    reason="it kills the server, which is not ours when the environment names one",
)
# realtime-py 2.34 reads two attributes that websockets has deprecated.
sdk_warnings = pytest.mark.filterwarnings(
    "ignore:ConnectionClosed.(code|reason) is deprecated:DeprecationWarning"
)


@dataclass
class Person:
    """A client and everything it has heard so far."""

    client: ParleyClient
    email: str
    heard: list[Json] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.client.on("*", self._hear)

    @property
    def id(self) -> str:
        """The user id."""
        return self.client.user_id

    def _hear(self, event: Json) -> None:
        self.heard.append(event)
        self._news.set()

    def payloads(self, event: str) -> list[Json]:
        """The payloads of all such events up to now."""
        return [h["payload"] for h in self.heard if h["event"] == event]

    def texts(self) -> list[str]:
        """The texts of the messages heard up to now, without the system's."""
        heard = (payload["message"] for payload in self.payloads("new_message"))
        return [m["message"] for m in heard if m["message_type"] == "user_input"]

    async def hears(self, event: str, **wanted: Any) -> Json:
        """Wait for the first such event with these values, heard before or from now on."""

        def fitting() -> list[Json]:
            return [p for p in self.payloads(event) if wanted.items() <= p.items()]

        await self._until(lambda: bool(fitting()))
        return fitting()[0]

    async def hears_text(self, text: str) -> Json:
        """Wait for the message with this text."""
        await self._until(lambda: text in self.texts())
        messages: list[Json] = [payload["message"] for payload in self.payloads("new_message")]
        return next(m for m in messages if m["message"] == text)

    async def syncs(self, times: int) -> None:
        """Wait until the client has synced so many times since it was made."""
        await self._until(lambda: len(self.payloads("synced")) >= times)

    async def _until(self, is_enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not is_enough():
                self._news.clear()
                await self._news.wait()


def make_user(stack: Stack) -> str:
    """Make a confirmed user with PASSWORD and a fresh e-mail address, which is returned."""
    email = f"{uuid.uuid4().hex}@example.com"
    answer = httpx.post(
        f"{stack.api_url}/auth/v1/admin/users",
        headers=service_headers(stack),
        json={"email": email, "password": PASSWORD, "email_confirm": True},
        timeout=PATIENCE,
    )
    answer.raise_for_status()
    return email


def service_headers(stack: Stack) -> dict[str, str]:
    """The headers of a request as service_role."""
    key = stack.service_role_key
    return {"apikey": key, "Authorization": f"Bearer {key}"}


@asynccontextmanager
async def signed_in(stack: Stack, url: str | None = None) -> AsyncIterator[Person]:
    """A new person who is signed in and hears nothing yet; `url` is another way to the stack."""
    email = make_user(stack)
    client = await ParleyClient.sign_in(url or stack.api_url, stack.anon_key, email, PASSWORD)
    try:
        yield Person(client, email)
    finally:
        await client.close()


@dataclass(frozen=True)
class Talk:
    """Two people in a direct chat and a stranger, all of whom hear their own channel."""

    asha: Person
    bharat: Person
    chitra: Person
    id: str

    async def show_that_chitra_heard_nothing(self) -> None:
        """Let Chitra hear one message of her own, later than all else; it must be her only one."""
        other = await self.asha.client.call("direct_connect", target_user_id=self.chitra.id)
        await self.asha.client.send(other["conversation"]["conversation_id"], "for Chitra")
        await self.chitra.hears_text("for Chitra")
        assert self.chitra.texts() == ["for Chitra"]


@asynccontextmanager
async def talking(stack: Stack, bharat_url: str | None = None) -> AsyncIterator[Talk]:
    """The usual three with an open chat of Asha and Bharat."""
    async with AsyncExitStack() as everyone:
        asha = await everyone.enter_async_context(signed_in(stack))
        bharat = await everyone.enter_async_context(signed_in(stack, bharat_url))
        chitra = await everyone.enter_async_context(signed_in(stack))
        for person in (asha, bharat, chitra):
            await person.client.start()
        opened = await asha.client.call("direct_connect", target_user_id=bharat.id)
        yield Talk(asha, bharat, chitra, opened["conversation"]["conversation_id"])
