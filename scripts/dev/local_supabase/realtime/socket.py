"""One websocket: a mailbox that is worked through in order, and the channels behind it."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from scripts.dev.local_supabase.realtime import authorization
from scripts.dev.local_supabase.realtime.authorization import ExpiredTokenError, TokenError
from scripts.dev.local_supabase.realtime.channels import Channel, open_channel
from scripts.dev.local_supabase.realtime.frames import (
    JSON,
    VSN_1,
    VSN_2,
    BadFrameError,
    Encoded,
    Push,
    decode,
    encode,
)
from scripts.dev.local_supabase.realtime.http import ApiResponse
from scripts.dev.local_supabase.realtime.hub import Hub
from scripts.dev.local_supabase.realtime.joining import JoinRefusedError
from scripts.dev.local_supabase.realtime.listening import TOPIC_PREFIX, Listener

# Clients send a heartbeat every 25 s; who is silent for this long is gone (transcript 21).
IDLE_TIMEOUT = 60.0
# A client that does not read is cut off here (characters or bytes), so that it costs others little.
MAX_MAILBOX_SIZE = 32 * 1024 * 1024
CLOSE_PATIENCE = 1.0
MAX_CHANNELS = 100

log = logging.getLogger(__name__)


class Socket:
    """A client's connection.

    Frames of the client and frames for the client wait in one queue. While a refused join is
    held back, everything behind it waits too, in both directions, as on the real server.
    """

    def __init__(self, hub: Hub, websocket: WebSocket, vsn: str, api_key: str) -> None:
        self.vsn = vsn
        self.api_key = api_key
        self.headers = {k: v for k, v in websocket.headers.items() if k.startswith("x-")}
        self._hub = hub
        self._websocket = websocket
        self._mailbox: asyncio.Queue[tuple[bool, Encoded]] = asyncio.Queue()
        self._mailbox_size = 0
        self._overflow = asyncio.Event()
        self._over = False
        self._channels: dict[str, Channel] = {}

    def post(self, frame: Encoded) -> None:
        """Queue a frame for the client."""
        self._enqueue(False, frame)

    def forget(self, listener: Listener) -> None:
        """Take the channel off the socket, if it is still there."""
        name = listener.topic.full_name
        if self._channels.get(name) is listener:
            del self._channels[name]

    async def serve(self) -> None:
        """Work until the client is gone, silent for too long, or too slow."""
        reading = asyncio.create_task(self._read())
        working = asyncio.create_task(self._work())
        overflowing = asyncio.create_task(self._overflow.wait())
        tasks = [reading, working, overflowing]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # psycopg may swallow a cancellation (asyncio.wait_for before Python 3.12), so the
            # worker also looks at `_over`, and what it joined meanwhile is stopped afterwards.
            self._over = True
            for task in tasks:
                task.cancel()
            self._stop_channels()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._stop_channels()
        if reading in done:
            if reading.result():
                await self._close(1000)
        elif overflowing in done:
            await self._close(1013)
        else:
            with contextlib.suppress(WebSocketDisconnect):
                working.result()

    def _stop_channels(self) -> None:
        for channel in self._channels.values():
            channel.stop()
        self._channels.clear()

    async def _read(self) -> bool:
        """Returns whether the client was silent for too long; else it is gone."""
        while True:
            try:
                async with asyncio.timeout(IDLE_TIMEOUT):
                    message = await self._websocket.receive()
            except TimeoutError:
                return True
            if message["type"] == "websocket.disconnect":
                return False
            text = message.get("text")
            self._enqueue(True, text if text is not None else message["bytes"])

    async def _work(self) -> None:
        while not self._over:
            from_client, frame = await self._mailbox.get()
            self._mailbox_size -= len(frame)
            if not from_client:
                await self._send(frame)
                continue
            try:
                push = decode(self.vsn, frame)
            except BadFrameError:
                log.debug("a malformed frame was ignored")
            else:
                await self._handle(push)

    async def _handle(self, push: Push) -> None:
        if push.topic == "phoenix" and push.event == "heartbeat":
            await self._reply(None, push, "ok", {})
            return
        channel = self._channels.get(push.topic)
        if push.event == "phx_join" and push.topic.startswith(TOPIC_PREFIX):
            await self._join(push)
        elif channel is None and push.event == "phx_leave":
            self.post(self._answer(push.join_ref, push, "ok", {}))
        elif channel is None:
            await self._reply(None, push, "error", {"reason": "unmatched topic"})
        elif push.event == "phx_leave":
            if push.join_ref in (None, channel.join_ref):
                ended = await channel.drain()  # what was sent before the leave still goes out
                self.forget(channel)
                self.post(self._answer(channel.join_ref, push, "ok", {}))
                if not ended:
                    channel.send_close()
                    channel.stop()
        else:
            channel.inbox.put_nowait(push)

    async def _join(self, push: Push) -> None:
        before = self._channels.pop(push.topic, None)
        if before:
            before.stop()
        channel = None
        try:
            if len(self._channels) >= MAX_CHANNELS:
                raise JoinRefusedError("ChannelRateLimitReached: Too many channels")
            name = push.topic.removeprefix(TOPIC_PREFIX)
            channel = await open_channel(self._hub, self, name, push)
        except JoinRefusedError as error:
            await asyncio.sleep(self._hub.settings.realtime_join_refusal)
            await self._reply(push.join_ref, push, "error", {"reason": str(error)})
        else:
            self._channels[push.topic] = channel
            response = {"postgres_changes": channel.request.bindings}
            await self._reply(push.join_ref, push, "ok", response)
        if before:
            before.send_close()
        if channel:
            channel.start()

    async def _reply(self, join_ref: JSON, push: Push, status: str, response: JSON) -> None:
        await self._send(self._answer(join_ref, push, status, response))

    def _answer(self, join_ref: JSON, push: Push, status: str, response: JSON) -> str:
        payload = {"status": status, "response": response}
        return encode(self.vsn, join_ref, push.ref, push.topic, "phx_reply", payload)

    async def _send(self, frame: Encoded) -> None:
        try:
            if isinstance(frame, str):
                await self._websocket.send_text(frame)
            else:
                await self._websocket.send_bytes(frame)
        except RuntimeError as error:
            # uvicorn's answer when the client closed a moment ago.
            raise WebSocketDisconnect(1006) from error

    async def _close(self, code: int) -> None:
        # A client that reads nothing does not take this either.
        with contextlib.suppress(TimeoutError, WebSocketDisconnect):
            async with asyncio.timeout(CLOSE_PATIENCE):
                await self._websocket.close(code)

    def _enqueue(self, from_client: bool, frame: Encoded) -> None:
        self._mailbox_size += len(frame)
        if self._mailbox_size > MAX_MAILBOX_SIZE:
            self._overflow.set()
        else:
            self._mailbox.put_nowait((from_client, frame))


async def serve_websocket(hub: Hub, websocket: WebSocket) -> None:
    """Answer the handshake: a socket, or an HTTP refusal that comes after a while."""
    vsn = _version(websocket.query_params.get("vsn"))
    if vsn is None:
        await websocket.send_denial_response(Response(status_code=403))
        return
    key = websocket.headers.get("x-api-key") or websocket.query_params.get("apikey")
    problem = _problem(key, hub.settings.jwt_secret)
    if key is None or problem is not None:
        await asyncio.sleep(hub.settings.realtime_connect_refusal)
        refusal = ApiResponse({"error": problem}, 401)
        await websocket.send_denial_response(refusal)
        return
    await websocket.accept()
    await Socket(hub, websocket, vsn, key).serve()


def _version(asked: str | None) -> str | None:
    if asked is None or asked.startswith("1.0."):
        return VSN_1
    return VSN_2 if asked.startswith("2.0.") else None


def _problem(key: str | None, secret: str) -> str | None:
    if not key:
        return "API key is missing"
    try:
        authorization.verify(key, secret)
    except ExpiredTokenError:
        return "Token has expired"
    except TokenError as error:
        return error.message
    return None
