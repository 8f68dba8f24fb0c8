"""One user with a websocket: joins, hears, sends, reconnects, and syncs as docs/API.md says."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from scripts.benchmarks.stack import Stack

# httpx asks for it with every call: Python then need not search the disk for what is not there.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

HEARTBEAT_SECONDS = 25.0
# A client that hears nothing asks after this long.
SYNC_SECONDS = 30.0
# A slow client stops reading its socket for so long, once in so many messages.
NAP_SECONDS, NAP_ONE_IN = 1.0, 5
# Until the next try, as realtime-js waits; half of it or more, at random.
RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0)


class Line(httpx.AsyncHTTPTransport):
    """Lets a call wait here until a connection is free.

    httpx's own pool looks through all that wait and all connections whenever a call begins or ends.
    """

    def __init__(self, connections: int) -> None:
        super().__init__(limits=httpx.Limits(max_connections=connections), trust_env=False)
        self._free = asyncio.Semaphore(connections)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make one call and read the whole answer."""
        async with self._free:
            response = await super().handle_async_request(request)
            await response.aread()
        return response


@dataclass
class Books:
    """All messages that the clients sent and heard, with times of their one clock."""

    # When each accepted or tried message was sent, by its client's id.
    sent: dict[str, float] = field(default_factory=dict)
    # The receiver of each message that the server accepted.
    accepted: dict[str, str] = field(default_factory=dict)
    # Seconds from send to heard, in the order of hearing.
    delays: list[float] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)


class Client:
    """A user of the load; `run` lives until it is cancelled."""

    def __init__(
        self, stack: Stack, http: httpx.AsyncClient, books: Books, user: str, token: str
    ) -> None:
        self.user = user
        self.got: set[str] = set()
        self.is_joined = asyncio.Event()
        self.is_slow = False
        self.conversation = ""
        self.other = ""
        self._stack, self._http, self._books, self._token = stack, http, books, token
        self._known: dict[str, int] = {}
        self._socket: ClientConnection | None = None
        self._refs = 0

    async def call(self, function: str, **arguments: Any) -> Any:
        """Call an RPC as this user.

        Raises:
            httpx.HTTPError: no answer, or a refusal.
        """
        answer = await self._http.post(
            f"{self._stack.url}/rest/v1/rpc/{function}",
            json=arguments,
            headers={"apikey": self._stack.anon_key, "Authorization": f"Bearer {self._token}"},
        )
        answer.raise_for_status()
        return answer.json()

    async def run(self) -> None:
        """Connect, join, sync and listen, again and again."""
        failures = 0
        while True:
            try:
                await self._connect()
            except (OSError, TimeoutError, WebSocketException, httpx.HTTPError) as error:
                self._books.events[f"reconnected after {type(error).__name__}"] += 1
            finally:
                was_joined = self.is_joined.is_set()
                self.is_joined.clear()
                self._socket = None
            failures = 0 if was_joined else failures + 1
            pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311

    async def drop(self) -> None:
        """Lose the connection now; `run` makes another."""
        if self._socket is not None:
            self._books.events["dropped"] += 1
            await self._socket.close()

    async def send(self) -> None:
        """Send one message to the other member."""
        token = str(uuid.uuid4())
        self._books.sent[token] = time.monotonic()
        try:
            answer = await self.call(
                "send_message",
                conversation_id=self.conversation,
                message="Can you send me the draft before tomorrow evening?",
                client_message_id=token,
            )
        except httpx.HTTPStatusError as error:
            self._books.events[f"send refused: {_code(error.response)}"] += 1
            return
        except httpx.HTTPError as error:
            self._books.events[f"send failed: {type(error).__name__}"] += 1
            return
        self._books.accepted[token] = self.other
        await self._note(answer["message"])

    async def sync(self) -> None:
        """Fetch what was missed."""
        self._books.events["syncs"] += 1
        has_more = True
        while has_more:
            answer = await self.call("sync", known=self._known)
            for message in answer["messages"]:
                self._keep(message)
                place = message["conversation_id"]
                self._known[place] = max(self._known.get(place, 0), message["seq"])
            has_more = answer["has_more"]

    async def _connect(self) -> None:
        url = self._stack.url.replace("http", "ws", 1)
        async with connect(
            f"{url}/realtime/v1/websocket?apikey={self._stack.anon_key}&vsn=1.0.0",
            open_timeout=60,
            ping_interval=None,
            max_size=None,
            proxy=None,
        ) as socket:
            self._socket = socket
            await self._join(socket)
            await self.sync()
            self.is_joined.set()
            beside = [
                asyncio.create_task(self._beat(socket)),
                asyncio.create_task(self._sync_by_time()),
            ]
            try:
                async for frame in socket:
                    await self._hear(json.loads(frame))
                    if self.is_slow and random.randrange(NAP_ONE_IN) == 0:  # noqa: S311
                        await asyncio.sleep(NAP_SECONDS)
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)

    async def _join(self, socket: ClientConnection) -> None:
        config = {"private": True, "broadcast": {"self": False, "ack": False}}
        await self._push(
            socket,
            f"realtime:user:{self.user}",
            "phx_join",
            {"config": config, "access_token": self._token},
        )
        async with asyncio.timeout(60):
            async for frame in socket:
                told = json.loads(frame)
                if told["event"] == "phx_reply" and told["payload"].get("status") == "ok":
                    return
                if told["event"] in {"phx_reply", "phx_close", "phx_error"}:
                    self._books.events[f"join refused: {told['payload']}"[:120]] += 1
                    await socket.close()
        raise OSError("The socket closed before the channel was joined")

    async def _hear(self, frame: dict[str, Any]) -> None:
        if frame["event"] in {"phx_close", "phx_error"} and self._socket is not None:
            self._books.events[f"channel closed: {frame['event']}"] += 1
            await self._socket.close()
        if frame["event"] != "broadcast" or frame["payload"].get("event") != "new_message":
            return
        message = frame["payload"]["payload"].get("message") or {}
        token = message.get("client_message_id")
        sent = self._books.sent.get(token or "")
        if sent is not None and message["sender_id"] != self.user and token not in self.got:
            self._books.delays.append(time.monotonic() - sent)
            self._books.events["heard"] += 1
        await self._note(message)

    async def _note(self, message: dict[str, Any]) -> None:
        """Keep a message; where its number shows that one is missing, ask for it."""
        place, seq = message.get("conversation_id", self.conversation), message["seq"]
        known = self._known.get(place, 0)
        self._keep(message)
        if seq == known + 1:
            self._known[place] = seq
        elif seq > known + 1:
            self._books.events["gaps"] += 1
            await self._try_sync()

    def _keep(self, message: dict[str, Any]) -> None:
        if message.get("client_message_id") and message["sender_id"] != self.user:
            self.got.add(message["client_message_id"])

    async def _beat(self, socket: ClientConnection) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self._push(socket, "phoenix", "heartbeat", {})

    async def _sync_by_time(self) -> None:
        while True:
            await asyncio.sleep(SYNC_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311
            await self._try_sync()

    async def _try_sync(self) -> None:
        """Sync, or leave it to the next time."""
        try:
            await self.sync()
        except httpx.HTTPError as error:
            self._books.events[f"sync failed: {type(error).__name__}"] += 1

    async def _push(
        self, socket: ClientConnection, topic: str, event: str, payload: dict[str, Any]
    ) -> None:
        self._refs += 1
        ref = str(self._refs)
        await socket.send(
            json.dumps(
                {"topic": topic, "event": event, "payload": payload, "ref": ref, "join_ref": ref}
            )
        )


def _code(response: httpx.Response) -> str:
    try:
        return str(response.json().get("code", response.status_code))
    except ValueError:
        return str(response.status_code)
