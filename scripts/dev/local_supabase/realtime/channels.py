"""One joined channel of one socket: its pushes, its pulse (the token) and its end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field

import psycopg

from scripts.dev.local_supabase.realtime import authorization
from scripts.dev.local_supabase.realtime.authorization import (
    Claims,
    Context,
    Policies,
    TokenError,
)
from scripts.dev.local_supabase.realtime.frames import (
    JSON,
    VSN_2,
    Encoded,
    Fanout,
    Push,
    RawBroadcast,
    dumps,
    encode,
    fan_out,
    user_broadcast,
)
from scripts.dev.local_supabase.realtime.hub import MAX_PAYLOAD, Hub
from scripts.dev.local_supabase.realtime.joining import (
    JoinRefusedError,
    JoinRequest,
    Replay,
    admit,
    read_private,
    read_request,
)
from scripts.dev.local_supabase.realtime.listening import Outlet, Topic

# The real server waits a random 1 to 3 s before it subscribes again with a new token.
RESUBSCRIBE_DELAY = 2.0
# A token is looked at again when it expires, and at least every five minutes.
TOKEN_CHECK_INTERVAL = 300.0
# CLIENT_PRESENCE_MAX_CALLS and CLIENT_PRESENCE_WINDOW_MS (transcript 16g).
PRESENCE_CALLS = 5
PRESENCE_WINDOW = 30.0

REPLAY = """
select id::text, event, payload::text, binary_payload
from realtime.messages
where topic = %s and private and extension = 'broadcast' and event is not null
  and inserted_at >= to_timestamp(%s::double precision / 1000) at time zone 'utc'
order by inserted_at desc
limit %s
"""

log = logging.getLogger(__name__)


class ChannelCrashError(Exception):
    """The real server's channel process would crash here."""


@dataclass(eq=False)
class Channel:
    """A channel is its own actor: it takes its pushes one by one, in the order they came."""

    hub: Hub
    socket: Outlet
    topic: Topic
    join_ref: JSON
    request: JoinRequest
    claims: Claims
    policies: Policies
    token: str
    writing: Policies | None = None
    replay: Replay | None = None
    inbox: asyncio.Queue[Push | None] = field(default_factory=asyncio.Queue)
    presence_enabled: bool = False
    stopped: bool = False
    _known_ids: set[str] = field(default_factory=set)
    _presence_calls: list[float] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _main: asyncio.Task[None] | None = None
    _token_timer: asyncio.TimerHandle | None = None
    _resubscribe_timer: asyncio.TimerHandle | None = None
    _backlog: list[Encoded] = field(default_factory=list)

    @property
    def vsn(self) -> str:
        """The protocol that its socket speaks."""
        return self.socket.vsn

    def start(self) -> None:
        """Begin to work through the inbox, after the join was answered."""
        self._main = self._spawn(self._run())

    async def drain(self) -> bool:
        """Wait until all pushes are handled, or the channel ended; returns whether it ended."""
        if self._main is None:
            return False
        handled = asyncio.create_task(self.inbox.join())
        try:
            await asyncio.wait({handled, self._main}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            handled.cancel()
        return self._main.done()

    def stop(self) -> None:
        """Hear and do nothing more; others learn that the client is gone."""
        self.stopped = True
        self.hub.remove(self)
        for timer in (self._token_timer, self._resubscribe_timer):
            if timer:
                timer.cancel()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()

    def post_fanout(self, message: Fanout) -> None:
        """Queue what everybody on the topic gets, in this socket's form."""
        frame = message.encoded(self.socket.vsn)
        if frame is not None:
            self.socket.post(frame)

    def send_close(self) -> None:
        """Tell the client that this channel is over."""
        self._push("phx_close", {}, ref=self.join_ref)

    def send_system(self, extension: str, status: str, message: str) -> None:
        """Tell the client about the state of an extension."""
        payload = {"message": message, "status": status, "extension": extension}
        self._push("system", {**payload, "channel": self.topic.name})

    def shut_down(self, message: str) -> None:
        """End the channel from this side: say why, and close it."""
        self.send_system("system", "error", message)
        self._end()

    def is_new(self, message_id: str | None) -> bool:
        """Whether a broadcast from the database was not replayed; replay skips it from now on."""
        if self.replay is None or message_id is None:
            return True
        known = message_id in self._known_ids
        self._known_ids.add(message_id)
        return not known

    async def prepare(self) -> None:
        """Fetch the messages to replay, while live ones wait behind the join's answer."""
        if self.replay:
            async with self.hub.pool.connection() as connection:
                cursor = await connection.execute(
                    REPLAY, (self.topic.name, self.replay.since, self.replay.limit)
                )
                rows = await cursor.fetchall()
            for message_id, event, payload, binary in reversed(rows):
                if self.is_new(message_id):
                    self._keep_for_replay(message_id, event, payload, binary)
        self.watch_token()

    def watch_token(self) -> None:
        """Look at the token again when it expires."""
        if self._token_timer:
            self._token_timer.cancel()
        remaining = max(0.0, self.claims["exp"] - time.time())
        self._token_timer = asyncio.get_running_loop().call_later(
            min(remaining, TOKEN_CHECK_INTERVAL), self.inbox.put_nowait, None
        )

    def _keep_for_replay(
        self, message_id: str, event: str, payload: str | None, binary: bytes | None
    ) -> None:
        meta = {"id": message_id, "replayed": True}
        is_json = payload is not None
        data = (payload or "").encode() if is_json else bytes(binary or b"")
        message = user_broadcast(self.topic.full_name, event, data, is_json=is_json, meta=meta)
        frame = message.encoded(self.socket.vsn)
        if is_json and self.socket.vsn == VSN_2:
            head = dumps([self.join_ref, None, self.topic.full_name, "broadcast"])
            body = dumps({"type": "broadcast", "event": event, "meta": meta})
            frame = f'{head[:-1]},{body[:-1]},"payload":{payload}}}]'
        if frame is not None:
            self._backlog.append(frame)

    async def _run(self) -> None:
        try:
            for frame in self._backlog:
                self.socket.post(frame)
            self._backlog.clear()
            if self.request.bindings:
                await self._subscribe()
            if self.presence_enabled and self.policies.presence:
                self._push("presence_state", self.hub.presence.state(self.topic))
            while not self.stopped:
                push = await self.inbox.get()
                if push is None:
                    self._check_token()
                else:
                    await self._handle(push)
                self.inbox.task_done()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if not isinstance(error, ChannelCrashError):
                log.exception("a channel crashed")
            self._push("phx_error", {"reason": "channel_crash"}, ref=self.join_ref)
            self.socket.forget(self)
            self.stop()

    async def _handle(self, push: Push) -> None:
        if push.event == "broadcast":
            await self._broadcast(push)
        elif push.event == "presence":
            await self._presence(push)
        elif push.event == "access_token":
            await self._take_token(push.payload)

    async def _broadcast(self, push: Push) -> None:
        if self.topic.private and not (await self._writing()).broadcast:
            return
        payload = push.payload
        raw = isinstance(payload, RawBroadcast)
        if len(payload.data if raw else dumps(payload)) > MAX_PAYLOAD:
            if self.request.acknowledge:
                self._reply(push, "error", "payload_size_exceeded")
            return
        name = self.topic.full_name
        but = None if self.request.own_broadcasts else self
        if raw:
            message = user_broadcast(name, payload.event, payload.data, is_json=payload.is_json)
        else:
            receivers = [c for c in self.hub.listeners(self.topic) if c is not but]
            if not isinstance(payload, dict) and any(c.vsn == VSN_2 for c in receivers):
                raise ChannelCrashError
            message = fan_out(name, "broadcast", payload)
        self.hub.broadcast(self.topic, message, but=but)
        if self.request.acknowledge:
            self._reply(push, "ok", {})

    async def _presence(self, push: Push) -> None:
        now = time.monotonic()
        self._presence_calls = [t for t in self._presence_calls if t > now - PRESENCE_WINDOW]
        if len(self._presence_calls) >= PRESENCE_CALLS:
            self.shut_down("Client presence rate limit exceeded")
            return
        self._presence_calls.append(now)
        payload = push.payload if isinstance(push.payload, dict) else {}
        event = payload.get("event")
        if not isinstance(event, str):
            self._reply(push, "ok", {})
        elif event.lower() == "untrack":
            self._reply(push, "ok", {})
            self.hub.send_diff(self.topic, self.hub.presence.untrack(self.topic, self))
        elif event.lower() == "track":
            await self._track(push, payload.get("payload", {}))
        else:
            self._reply(push, "error", {})

    async def _track(self, push: Push, meta: JSON) -> None:
        if not isinstance(meta, dict):
            self._reply(push, "error", {"reason": "Presence track payload must be a map"})
            return
        if self.topic.private and not (await self._writing()).presence:
            self._reply(push, "error", {})
            return
        if len(dumps(meta)) > MAX_PAYLOAD:
            self.shut_down("Track message size exceeded")
            return
        if not self.presence_enabled:
            self.presence_enabled = True
            if self.topic.private:
                self.policies = await authorization.read_policies(
                    self.hub.pool, self._context(), presence=True
                )
        if self.stopped:
            return
        self._reply(push, "ok", {})
        diff = self.hub.presence.track(self.topic, self, self.request.presence_key, meta)
        self.hub.send_diff(self.topic, diff)

    async def _take_token(self, payload: JSON) -> None:
        token = payload.get("access_token") if isinstance(payload, dict) else None
        if not isinstance(token, str) or token.startswith("sb_") or token == self.token:
            return
        before = self.policies
        try:
            claims = authorization.verify(token, self.hub.settings.jwt_secret)
            context = Context(self.topic.name, claims, self.socket.headers)
            if self.topic.private:
                self.policies = await read_private(
                    self.hub, context, presence=self.presence_enabled
                )
        except TokenError as error:
            self.shut_down(error.closing)
            return
        except JoinRefusedError as error:
            self.shut_down(str(error).partition(": ")[2])
            return
        lost_broadcast = before.broadcast and not self.policies.broadcast
        lost_presence = before.presence and not self.policies.presence
        if lost_broadcast or lost_presence:
            name = self.topic.name
            self.shut_down(f"You no longer have permission to read from this Channel topic: {name}")
            return
        self.token, self.claims, self.writing = token, claims, None
        self.watch_token()
        if self.request.bindings:
            if self._resubscribe_timer:
                self._resubscribe_timer.cancel()
            self._resubscribe_timer = asyncio.get_running_loop().call_later(
                RESUBSCRIBE_DELAY, lambda: self._spawn(self._subscribe())
            )

    def _check_token(self) -> None:
        try:
            authorization.verify(self.token, self.hub.settings.jwt_secret)
        except TokenError as error:
            self.shut_down(error.closing)
        else:
            self.watch_token()

    async def _subscribe(self) -> None:
        try:
            problem = await self.hub.changes.subscribe(self, self.request.bindings, self.claims)
        except psycopg.Error:
            log.exception("postgres_changes could not be subscribed")
            problem = "Unable to connect to the project database"
        if problem is None:
            self.send_system("postgres_changes", "ok", "Subscribed to PostgreSQL")
        else:
            self.send_system("postgres_changes", "error", problem)

    async def _writing(self) -> Policies:
        if self.writing is None:
            self.writing = await authorization.write_policies(self.hub.pool, self._context())
        return self.writing

    def _context(self) -> Context:
        return Context(self.topic.name, self.claims, self.socket.headers)

    def _end(self) -> None:
        self.send_close()
        self.socket.forget(self)
        self.stop()
        current = asyncio.current_task()
        if current in self._tasks:
            current.cancel()

    def _reply(self, push: Push, status: str, response: JSON) -> None:
        self._push("phx_reply", {"status": status, "response": response}, ref=push.ref)

    def _push(self, event: str, payload: JSON, ref: JSON = None) -> None:
        self.socket.post(
            encode(self.socket.vsn, self.join_ref, ref, self.topic.full_name, event, payload)
        )

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def open_channel(hub: Hub, socket: Outlet, name: str, push: Push) -> Channel:
    """Join the topic `realtime:<name>`; the channel hears from now on, and waits for `start`.

    Raises:
        JoinRefusedError: the client may not, or asked in a way that cannot be.
    """
    if not name:
        raise JoinRefusedError("TopicNameRequired: You must provide a topic name")
    request = read_request(name, push.payload, socket.api_key)
    topic = Topic(name, request.private)
    claims, policies, replay = await admit(hub, topic, request, socket.headers)
    channel = Channel(
        hub,
        socket,
        topic,
        push.join_ref,
        request,
        claims,
        policies,
        request.token,
        replay=replay,
        presence_enabled=request.presence_enabled,
    )
    hub.add(channel)
    try:
        await channel.prepare()
    except BaseException as error:  # also when the client went away meanwhile
        channel.stop()
        if not isinstance(error, psycopg.Error):
            raise
        said = "Realtime was unable to replay messages"
        raise JoinRefusedError(f"UnableToReplayMessages: {said}") from error
    return channel
