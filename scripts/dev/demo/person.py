"""Somebody who uses the Python client and can wait for what it hears; for demo and tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from examples.python.parley_client import ParleyClient

Json = dict[str, Any]

# Seconds until something that should be heard counts as not heard.
PATIENCE = 15.0


@dataclass
class Person:
    """A client and everything it has heard so far."""

    client: ParleyClient
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
        return await self.hears_after(0, event, **wanted)

    async def hears_after(self, mark: int, event: str, **wanted: Any) -> Json:
        """As `hears`, but not among the first `mark` of what was heard."""

        def fitting() -> Json | None:
            heard = (h["payload"] for h in self.heard[mark:] if h["event"] == event)
            return next((payload for payload in heard if wanted.items() <= payload.items()), None)

        return await self.finds(fitting)

    async def hears_text(self, text: str) -> Json:
        """Wait for the message with this text."""
        await self._until(lambda: text in self.texts())
        messages: list[Json] = [payload["message"] for payload in self.payloads("new_message")]
        return next(m for m in messages if m["message"] == text)

    async def sees(self, conversation_id: str, **wanted: Any) -> Json:
        """Wait for a sync that brings this conversation's context with these values."""
        wanted["conversation_id"] = conversation_id

        def fitting() -> list[Json]:
            synced = [c for p in self.payloads("synced") for c in p["conversations"]]
            return [context for context in synced if wanted.items() <= context.items()]

        await self._until(lambda: bool(fitting()))
        return fitting()[0]

    async def syncs(self, times: int) -> None:
        """Wait until the client has synced so many times since it was made."""
        await self._until(lambda: len(self.payloads("synced")) >= times)

    async def finds(self, find: Callable[[], Json | None]) -> Json:
        """Wait until what was heard has what `find` looks for."""
        await self._until(lambda: find() is not None)
        found = find()
        assert found is not None  # noqa: S101 - what was heard stays
        return found

    async def _until(self, is_enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not is_enough():
                self._news.clear()
                await self._news.wait()
