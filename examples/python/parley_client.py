"""A small client of Parley for Python: copy it, keep what you need.

It signs in, hears the events of the user's private channel, sends messages and takes steps of deals
with retries that do nothing twice, marks messages as delivered, and fetches with `sync` what a lost
connection or a lost event left out:

    client = await ParleyClient.sign_in(url, anon_key, email, password)
    client.on("new_message", lambda event: print(event["message"]["message"]))
    await client.start()
    await client.send(conversation_id, "Hello")
    await client.close()

Payments go through the Flask app: give `sign_in` its address as `app_url`.

Needs `pip install supabase`. Durations are in seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import re
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

import httpx
from postgrest import APIError
from realtime import AsyncRealtimeChannel, RealtimeSubscribeStates
from realtime.types import RealtimeChannelConfig
from storage3.exceptions import StorageApiError
from supabase import AsyncClient, AsyncClientOptions, acreate_client
from supabase_auth import Session
from supabase_auth.errors import AuthError, AuthRetryableError

Json = dict[str, Any]
Callback = Callable[[Json], None]

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
# Tries of a sync for a message that was heard of; the delay doubles each time.
SYNC_TRIES = 6
SYNC_DELAY = 0.05
# Failures that a retry may cure: HTTP statuses of proxies, PostgREST without a database, and the
# SQLSTATE classes of a database that is busy, starting or stopping. Sources:
# https://docs.postgrest.org/en/stable/references/errors.html and PostgreSQL's appendix A.
TRANSIENT = re.compile(
    r"429|5\d\d|PGRST00\d|(08|40|53|55|57|58|XX)[0-9A-Z]{3}"
    r"|RATE_LIMITED|NETWORK|SERVICE_UNAVAILABLE"
)
# Events that bring messages: `message`, the newest, or all of several in `messages`.
WITH_MESSAGES = ("new_message", "button_action", "text_input")
BUCKET = "attachments"
TOKEN_REFUSED = ("PGRST301", "PGRST303", "AUTH_REQUIRED")

log = logging.getLogger(__name__)


class Options(TypedDict, total=False):
    """How a client behaves; durations in seconds."""

    # Address of the Flask app, for payments.
    app_url: str
    # After so long without an event the client syncs (30), later after so long at most (60).
    quiet_after: float
    quiet_most: float
    # How long heard messages are collected before they are marked as delivered (1).
    delivered_after: float


@dataclass(frozen=True)
class File:
    """A file to send in one message; sent again after a failure it is not uploaded twice."""

    name: str
    content: bytes
    media_type: str
    width: int | None = None
    height: int | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


DEFAULTS = Options(app_url="", quiet_after=30.0, quiet_most=60.0, delivered_after=1.0)


class ParleyError(Exception):
    """A refusal: a sentence, its code (docs/ERRORS.md) and the code's details."""

    def __init__(self, message: str, error_code: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = error_code
        self.details: Json = details or {}

    @property
    def is_transient(self) -> bool:
        """Whether the same call may succeed later."""
        return TRANSIENT.fullmatch(self.error_code) is not None

    def as_dict(self) -> Json:
        """The form in which the Flask app answers errors as well."""
        return {
            "success": False,
            "message": self.message,
            "error_code": self.error_code,
            "details": self.details,
        }


class ParleyClient:
    """One signed-in user. Make it with `sign_in` or `sign_up`, inside a running event loop."""

    def __init__(
        self,
        supabase: AsyncClient,
        http: httpx.AsyncClient,
        session: Session,
        **options: Unpack[Options],
    ) -> None:
        self.supabase = supabase
        self.user_id: str = session.user.id
        self._options = Options(**{**DEFAULTS, **options})
        # What `sync` is told, by conversation id: the last seq heard and the version of the last
        # context, {"seq", "version"}. Keep it with the messages and contexts, if you store them.
        self.known: dict[str, dict[str, int]] = {}
        # Messages without an answer yet, by client_message_id. Keep them too, and give each to
        # `send` again after a restart: a message that did arrive is not made twice.
        self.unsent: dict[str, Json] = {}
        self._http = http
        self._callbacks: dict[str, list[Callback]] = defaultdict(list)
        self._channels: dict[str, AsyncRealtimeChannel] = {}
        self._arrivals: dict[str, asyncio.Future[None]] = {}
        self._others: dict[str, str] = {}  # the other member, by conversation id
        self._presences: dict[str, Json] = {}  # what I show, by topic
        self._statuses: dict[str, str] = {}  # what the other member shows, by topic
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # by conversation
        self._syncing = asyncio.Lock()
        self._sync_waits = False
        self._wanted: dict[str, int] = {}  # the last seq that a sync must bring, by conversation
        self._notified: dict[str, int] = {}  # the seq of the last notification that was passed on
        self._undelivered: dict[str, int] = {}  # heard messages that are not marked yet
        self._pace: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._closed = asyncio.Event()

    # Who I am

    @classmethod
    async def sign_in(
        cls, url: str, key: str, email: str, password: str, **options: Unpack[Options]
    ) -> ParleyClient:
        """Sign in with a password, and clean up as at each sign-in.

        Raises ParleyError, for example `invalid_credentials`.
        """
        credentials = {"email": email, "password": password}
        client = await cls._enter(url, key, "sign_in_with_password", credentials, options)
        try:
            await client._clean_up()
        except ParleyError:
            log.warning("The cleanup failed; the next sign-in does it", exc_info=True)
        return client

    @classmethod
    async def sign_up(
        cls, url: str, key: str, email: str, password: str, **options: Unpack[Options]
    ) -> ParleyClient:
        """Make an account and be signed in. Raises ParleyError, e.g. `user_already_exists`."""
        credentials = {"email": email, "password": password}
        return await cls._enter(url, key, "sign_up", credentials, options)

    @classmethod
    async def _enter(
        cls, url: str, key: str, how: str, credentials: Json, options: Options
    ) -> ParleyClient:
        http = httpx.AsyncClient(timeout=20, follow_redirects=True)
        # realtime-py gives up after five tries to reconnect unless told otherwise.
        patience = AsyncClientOptions(httpx_client=http, realtime={"max_retries": 1_000_000})
        supabase = await acreate_client(url, key, patience)
        try:
            answer = await getattr(supabase.auth, how)(credentials)
            if answer.session is None:
                raise ParleyError("Confirm the e-mail address first.", "email_not_confirmed")
        except AuthError as error:
            await http.aclose()
            raise _read_auth_error(error) from error
        except httpx.TransportError as error:
            await http.aclose()
            raise _network_error(error) from error
        except ParleyError:
            await http.aclose()
            raise
        return cls(supabase, http, answer.session, **options)

    # What I hear

    def on(self, event: str, callback: Callback) -> None:
        """Call back with the payload of each such event; "*" for all, as {event, payload}."""
        self._callbacks[event].append(callback)

    async def start(self) -> None:
        """Join the private channel of the user, then fetch what was missed.

        From here on the client reconnects, joins again and syncs automatically. A second call does
        nothing.
        """
        if self._pace is None:
            self._pace = asyncio.create_task(self._break_silences())
        try:
            await self._enter_topic(f"user:{self.user_id}")
        except ParleyError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Leave all channels and send no requests, until the next `start`."""
        tasks = [*self._tasks, *([self._pace] if self._pace else [])]
        self._pace = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._sync_waits = False
        self._undelivered.clear()
        for topic in list(self._arrivals):
            await self._leave_topic(topic)

    async def open_conversation(self, conversation_id: str, status: str = "online") -> None:
        """Show this status to the other side, and hear its typing and its status.

        Events: user_typing {conversation_id, user_id, is_typing}, user_status_change and
        user_offline {conversation_id, user_id[, status]}. Calling again changes the status.
        """
        topic = f"conversation:{conversation_id.lower()}"
        self._presences[topic] = {"user_id": self.user_id, "status": status}
        before = self._channels.get(topic)
        await self._enter_topic(topic)
        if before:
            await before.track(self._presences[topic])

    async def close_conversation(self, conversation_id: str) -> None:
        """Leave the conversation's channel: the other side hears user_offline."""
        await self._leave_topic(f"conversation:{conversation_id.lower()}")

    async def set_typing(self, conversation_id: str, is_typing: bool) -> None:
        """Tell the other side that this user types or stopped; nothing without a connection."""
        channel = self._channels.get(f"conversation:{conversation_id.lower()}")
        if channel and channel.is_joined and self.supabase.realtime.is_connected:
            event = {"conversation_id": conversation_id, "user_id": self.user_id}
            await channel.send_broadcast("user_typing", {**event, "is_typing": is_typing})

    async def close(self) -> None:
        """Stop for good and close the connections; the session stays valid."""
        self._closed.set()
        await self.stop()
        await self.supabase.realtime.close()
        await self._http.aclose()

    # What I do

    async def call(self, function: str, **arguments: Any) -> Any:
        """Call a function of the API once. Raises ParleyError."""
        try:
            return (await self.supabase.rpc(function, arguments).execute()).data
        except APIError as error:
            raise read_error(error) from error
        except httpx.TransportError as error:
            raise _network_error(error) from error

    async def call_until_answered(self, function: str, **arguments: Any) -> Any:
        """Call a function that may be repeated until the server decides. Raises ParleyError."""
        return await self._repeat(lambda: self.call(function, **arguments))

    async def call_app(self, path: str, body: Json | None = None) -> Any:
        """Post to the Flask app once, as this user.

        Raises ParleyError: `APP_UNKNOWN` at once, when the client has no address of the app.
        """
        app_url = self._options["app_url"]
        if not app_url:
            raise ParleyError("Give the app's address as app_url when signing in.", "APP_UNKNOWN")
        try:
            session = await self.supabase.auth.get_session()
            headers = {"Authorization": f"Bearer {session.access_token if session else ''}"}
            answer = await self._http.post(f"{app_url}{path}", json=body or {}, headers=headers)
        except AuthError as error:
            raise _read_auth_error(error) from error
        except httpx.TransportError as error:
            raise _network_error(error) from error
        return _read_app(answer)

    async def send(
        self,
        conversation_id: str,
        message: str = "",
        client_message_id: str | None = None,
        files: Sequence[File] = (),
        **options: Any,
    ) -> Json:
        """Send a message, one after another in each conversation, until the server has answered.

        Options: media_url, expiration_hours, reply_to, max_points; attachments that were uploaded.
        Files are uploaded first. Returns `{message, quota}`. Raises ParleyError when the server
        refuses the message or a file.
        """
        key = client_message_id or str(uuid.uuid4())
        if files:
            uploads = [await self.upload(conversation_id, file) for file in files]
            options["attachments"] = [*options.get("attachments", []), *uploads]
        arguments = {"conversation_id": conversation_id, "message": message, **options}
        self.unsent[key] = arguments
        async with self._sending[conversation_id]:
            try:
                answer: Json = await self.call_until_answered(
                    "send_message", client_message_id=key, **arguments
                )
            except ParleyError as error:
                if not error.is_transient:  # a client that was closed does not know
                    self.unsent.pop(key, None)
                raise
        self.unsent.pop(key, None)
        # The sender may hear no event of this message, so the client takes it from the answer.
        if answer["message"]:
            self._meet_message(answer["message"], None)
        return answer

    async def upload(self, conversation_id: str, file: File) -> Json:
        """Upload a file for a message, or for `submit_work`, until Storage has answered.

        Returns an item of `attachments`. Raises ParleyError, e.g. `InvalidMimeType`.
        """
        ending = re.search(r"\.([a-z0-9]{1,10})$", file.name.lower())
        path = (
            f"{conversation_id.lower()}/{self.user_id}/{file.id}.{ending[1] if ending else 'bin'}"
        )
        await self._repeat(lambda: self._put_file(path, file))
        return {
            "path": path,
            "name": file.name,
            "media_type": file.media_type,
            "size": len(file.content),
            "width": file.width,
            "height": file.height,
        }

    async def file_url(self, carrier: Json, attachment: Json, seconds: int = 3600) -> str:
        """An address under which a file of a message, or of submitted work, is shown for a while.

        At most 60 seconds for a message that disappears, because nothing can revoke the address.
        """
        most = min(seconds, 60) if carrier.get("expires_at") else seconds

        async def sign() -> str:
            bucket = self.supabase.storage.from_(BUCKET)
            try:
                return str((await bucket.create_signed_url(attachment["path"], most))["signedURL"])
            except StorageApiError as error:
                raise _read_storage_error(error) from error
            except httpx.TransportError as error:
                raise _network_error(error) from error

        url: str = await self._repeat(sign)
        return url

    async def do(
        self, function: str, *, client_action_id: str | None = None, **arguments: Any
    ) -> Json:
        """Call a function that takes a client_action_id, until the server has answered.

        These are `connect_bid`, `apply_to_campaign`, `submit_text` and the like. A repeat with the
        same id does nothing twice: it gets the first answer. Keep the id, if you repeat after a
        restart.

        Returns the action result `{conversation, messages, actions, flow_update}`; actions is what
        this user may do next. Raises ParleyError when the server refuses, e.g. `NOT_YOUR_TURN`.
        """
        key = client_action_id or str(uuid.uuid4())
        answer: Json = await self.call_until_answered(function, client_action_id=key, **arguments)
        for message in answer.get("messages", []):
            self._meet_message(message, None)
        return answer

    async def act(
        self,
        conversation_id: str,
        action: str,
        *,
        client_action_id: str | None = None,
        expected_version: int | None = None,
        **given: Any,
    ) -> Json:
        """Take an action of a deal, with its input by name. Otherwise as `do`.

        With the version of the context that the user saw, a step taken since is a refusal.
        """
        return await self.do(
            "take_action",
            client_action_id=client_action_id,
            conversation_id=conversation_id,
            action=action,
            input=given,
            expected_version=expected_version,
        )

    async def click(
        self, message: Json, button_id: str, *, client_action_id: str | None = None, **given: Any
    ) -> Json:
        """Press a button of an action message that was heard or read. Otherwise as `do`.

        A form is sent by its `submit_action`, with its input by name.
        """
        return await self.do(
            "click_button",
            client_action_id=client_action_id,
            conversation_id=message["conversation_id"],
            message_id=message["id"],
            button_id=button_id,
            additional_data=given,
        )

    async def available_actions(self, conversation_id: str) -> list[Json]:
        """The actions of this user now: `[{action, text, style, input, schema, deadline_at}]`."""
        actions: list[Json] = await self.call_until_answered(
            "get_available_actions", conversation_id=conversation_id
        )
        return actions

    async def mark_read(self, conversation_id: str, up_to_seq: int | None = None) -> Json:
        """Mark a conversation as read, up to a message or all of it."""
        heard = self._undelivered.get(conversation_id, 0)
        if up_to_seq is None or heard <= up_to_seq:
            self._undelivered.pop(conversation_id, None)
        marks: Json = await self.call_until_answered(
            "mark_read", conversation_id=conversation_id, up_to_seq=up_to_seq
        )
        return marks

    async def pay(self, conversation_id: str) -> Json:
        """The settings of Razorpay's checkout for the brand owner's payment: `razorpay_config`.

        A second call leads to the same order, so nobody pays twice. Raises ParleyError, e.g.
        `PAYMENT_ALREADY_DONE`, or `GATEWAY_UNAVAILABLE`: nothing was charged, call again.
        """
        answer = await self._ask_app(conversation_id, "payment-order")
        config: Json = answer["razorpay_config"]
        return config

    async def confirm_payment(self, conversation_id: str, paid: Json) -> Json:
        """Send the values of checkout, so that the server asks Razorpay at once.

        It only saves time: the deal goes on also when the browser was closed after the payment.
        Returns the answer of `refresh_payment`. Raises ParleyError `BAD_SIGNATURE` when it is not
        about this deal's payment.
        """
        return await self._ask_app(conversation_id, "payment-callback", paid)

    async def refresh_payment(self, conversation_id: str) -> Json:
        """Let the server ask Razorpay about the payment, as when the chat is opened.

        Returns `{polled, flow_state, outcome}`; polled is false when it has just asked.
        """
        return await self._ask_app(conversation_id, "payment-refresh")

    async def clean_up(self) -> Json:
        """Clean up for this user, as at each sign-in.

        The app sends requested refunds as well, when the client has its address.
        """
        done: Json = await self._repeat(self._clean_up)
        return done

    def remember(self, contexts: Iterable[Json]) -> None:
        """Take these contexts, and the messages up to their last_seq, as known.

        They come from a screen's answer, or from storage. `sync` brings only later changes.
        """
        for context in contexts:
            known = self._known_of(context["conversation_id"])
            known["seq"] = max(known["seq"], context["last_seq"])
            known["version"] = max(known["version"], context["version"])
            self._others[context["conversation_id"]] = context["other_party"]["id"]

    async def sync(self) -> None:
        """Fetch every message after the known ones; each comes as a new_message event, once.

        The contexts of changed conversations, also without a message (the other side has read, or
        blocks), come as an event `synced` {conversations}.
        """
        async with self._syncing:
            self._sync_waits = False
            for attempt in range(SYNC_TRIES):
                await self._fetch()
                self._wanted = {
                    id_: seq
                    for id_, seq in self._wanted.items()
                    if self._known_of(id_)["seq"] < seq
                }
                if not self._wanted:
                    return
                # Realtime reads the log of the database, which may be ahead of the visible rows.
                await asyncio.sleep(SYNC_DELAY * 2.0**attempt)
            self._wanted.clear()

    # How it is done

    async def _repeat(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        attempt = 0
        while True:
            try:
                return await ask()
            except ParleyError as error:
                if error.error_code in TOKEN_REFUSED and attempt == 0:
                    await self._refresh_session()
                elif not error.is_transient:
                    raise
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_delay(attempt, error)):
                        await self._closed.wait()
                if self._closed.is_set():
                    raise
                attempt += 1

    async def _put_file(self, path: str, file: File) -> None:
        """Upload once; an existing file means that an earlier try has arrived."""
        try:
            await self.supabase.storage.from_(BUCKET).upload(
                path, file.content, {"content-type": file.media_type}
            )
        except StorageApiError as error:
            if str(error.status) != "409":
                raise _read_storage_error(error) from error
        except httpx.TransportError as error:
            raise _network_error(error) from error

    async def _clean_up(self) -> Json:
        if self._options["app_url"]:
            done: Json = await self.call_app("/v1/session/cleanup")
        else:
            done = await self.call("login_cleanup")
        return done

    async def _break_silences(self) -> None:
        """Sync when no event came for a while.

        Realtime silently drops events when a project is over its quota, so silence proves nothing.
        The pause is partly random, so that a thousand clients do not ask at once.
        """
        quiet = self._options["quiet_after"]
        while True:
            try:
                pause = quiet * random.uniform(0.8, 1)  # noqa: S311
                async with asyncio.timeout(pause):
                    await self._news.wait()
                self._news.clear()
                quiet = self._options["quiet_after"]
            except TimeoutError:
                quiet = min(2 * quiet, self._options["quiet_most"])
                try:
                    await self.sync()
                except ParleyError:
                    log.warning("The sync failed", exc_info=True)

    async def _ask_app(self, conversation_id: str, what: str, body: Json | None = None) -> Json:
        path = f"/v1/conversations/{conversation_id}/{what}"
        answer: Json = await self._repeat(lambda: self.call_app(path, body))
        return answer

    async def _fetch(self) -> None:
        has_more = True
        while has_more:
            page = await self.call_until_answered("sync", known=self.known)
            contexts = {c["conversation_id"]: c for c in page["conversations"]}
            for message in page["messages"]:
                self._deliver(message, contexts.get(message["conversation_id"]))
            for conversation_id, context in contexts.items():
                self._others[conversation_id] = context["other_party"]["id"]
                self._known_of(conversation_id)["version"] = context["version"]
                # A sync marks what it brings.
                if self._undelivered.get(conversation_id, 0) <= context["last_seq"]:
                    self._undelivered.pop(conversation_id, None)
            if contexts:
                self._news.set()
            has_more = page["has_more"]
            self._emit("synced", {"conversations": page["conversations"]})

    def _hear_member(self, conversation_id: str, event: str, payload: Any) -> None:
        """Pass on that the other member types, and nothing else.

        On a conversation's channel members may write anything, also something that looks like an
        event of the database or of another person.
        """
        other = {"conversation_id": conversation_id, "user_id": self._others.get(conversation_id)}
        if (
            event == "user_typing"
            and isinstance(payload, dict)
            and other.items() <= payload.items()
        ):
            self._emit(event, {**other, "is_typing": payload.get("is_typing") is True})

    def _hear(self, event: str, payload: Json) -> None:
        """Pass on one event of the database; sync fills a gap."""
        self._news.set()
        if event not in WITH_MESSAGES:
            self._emit(event, payload)
            return
        message, notification = payload.get("message"), payload.get("notification")
        for said in payload.get("messages") or [message]:
            if said is not None:
                self._meet_message(said, payload.get("conversation_context"))
        if event != "new_message":
            self._emit(event, payload)
            return
        assert message is not None  # noqa: S101 - an event of this name has one
        conversation_id, seq = message["conversation_id"], message["seq"]
        if message["sender_id"] != self.user_id:
            self._note_delivered(conversation_id, seq)
        if notification and seq > self._notified.get(conversation_id, 0):
            self._notified[conversation_id] = seq
            self._emit("notification", notification)

    def _meet_message(self, message: Json, context: Json | None) -> None:
        """Pass a message on if it is the next one; otherwise a sync brings the ones before it."""
        conversation_id, seq = message["conversation_id"], message["seq"]
        known = self._known_of(conversation_id)["seq"]
        if seq <= known + 1 and not message.get("content_withheld"):
            self._deliver(message, context)
            return
        if seq <= max(known, self._wanted.get(conversation_id, 0)):
            return
        self._wanted[conversation_id] = seq
        if not self._sync_waits:
            self._sync_waits = True
            self._spawn(self.sync())

    def _deliver(self, message: Json, context: Json | None) -> None:
        conversation_id, seq = message["conversation_id"], message["seq"]
        known = self._known_of(conversation_id)
        if seq <= known["seq"]:
            return
        known["seq"] = seq
        event = {"conversation_id": conversation_id, "message": message}
        self._emit("new_message", {**event, "conversation_context": context})

    def _note_delivered(self, conversation_id: str, seq: int) -> None:
        """Mark a message of the other member as delivered, a moment later and many at once."""
        if not self._undelivered:
            self._spawn(self._mark_delivered())
        noted = self._undelivered.get(conversation_id, 0)
        self._undelivered[conversation_id] = max(seq, noted)

    async def _mark_delivered(self) -> None:
        """A failure does not matter: the next sync marks the messages that it brings."""
        await asyncio.sleep(self._options["delivered_after"])
        heard, self._undelivered = self._undelivered, {}
        for conversation_id, seq in heard.items():
            with contextlib.suppress(ParleyError):
                await self.call("mark_delivered", conversation_id=conversation_id, up_to_seq=seq)

    def _known_of(self, conversation_id: str) -> dict[str, int]:
        """No context has the version 0, so that the next sync brings it."""
        return self.known.setdefault(conversation_id, {"seq": 0, "version": 0})

    def _emit(self, event: str, payload: Json) -> None:
        calls = [(callback, payload) for callback in self._callbacks[event]]
        calls += [(call, {"event": event, "payload": payload}) for call in self._callbacks["*"]]
        for callback, argument in calls:
            try:
                callback(argument)
            except Exception:
                log.exception("A callback for %s failed", event)

    async def _enter_topic(self, topic: str) -> None:
        """Join a private channel, once, and wait until it is ours. Raises ParleyError."""
        arrival = self._arrivals.get(topic)
        if arrival is None:
            arrival = self._arrivals[topic] = asyncio.get_running_loop().create_future()
            self._spawn(self._join(topic))
        try:
            await asyncio.shield(arrival)
        except ParleyError:
            if self._arrivals.get(topic) is arrival:
                await self._leave_topic(topic)
            raise

    async def _leave_topic(self, topic: str) -> None:
        self._presences.pop(topic, None)
        self._statuses.pop(topic, None)
        arrival = self._arrivals.pop(topic, None)
        if arrival and not arrival.done():
            arrival.set_result(None)  # who still waits for it has called this off
        channel = self._channels.pop(topic, None)
        if channel:
            await self.supabase.remove_channel(channel)

    async def _join(self, topic: str) -> None:
        await self._give_token()
        config: RealtimeChannelConfig = {
            "private": True,
            "broadcast": {"ack": False, "self": False},
            "presence": {"key": self.user_id, "enabled": topic in self._presences},
        }
        channel = self.supabase.channel(topic, {"config": config})
        kind, _, id_ = topic.partition(":")
        if kind == "conversation":
            channel.on_broadcast(
                "*", lambda sent: self._hear_member(id_, sent["event"], sent.get("payload"))
            )
            channel.on_presence_sync(lambda: self._compare_presence(topic, channel))
        else:
            channel.on_broadcast("*", lambda sent: self._hear(sent["event"], sent["payload"]))
        self._channels[topic] = channel
        await channel.subscribe(lambda state, error: self._changed(topic, channel, state, error))

    def _changed(
        self,
        topic: str,
        channel: AsyncRealtimeChannel,
        state: RealtimeSubscribeStates,
        error: Exception | None,
    ) -> None:
        """Act on a new state of a channel, at the first join and whenever it is lost."""
        if self._channels.get(topic) is not channel:
            return
        arrival = self._arrivals[topic]
        if state == RealtimeSubscribeStates.SUBSCRIBED:
            self._spawn(self._arrive(topic, channel))
        elif "Unauthorized" in str(error) and not arrival.done():
            arrival.set_exception(ParleyError(f"{topic} is not yours.", "CHANNEL_REFUSED"))
        elif state == RealtimeSubscribeStates.CLOSED:  # by the server: the token ran out
            self._spawn(self._join_again(topic))
        elif state == RealtimeSubscribeStates.CHANNEL_ERROR:  # the SDK tries again
            self._spawn(self._give_token())

    async def _arrive(self, topic: str, channel: AsyncRealtimeChannel) -> None:
        """After each join: show my presence, or fetch what was missed before it."""
        arrival = self._arrivals[topic]
        try:
            if topic in self._presences:
                await self._meet(topic.partition(":")[2])
                if topic in self._presences:
                    await channel.track(self._presences[topic])
            else:
                await self.sync()
        except ParleyError as error:
            if arrival.done():
                raise
            arrival.set_exception(error)
        if not arrival.done():
            arrival.set_result(None)

    async def _join_again(self, topic: str) -> None:
        await asyncio.sleep(_delay(0))
        if topic in self._channels:
            await self._join(topic)

    async def _meet(self, conversation_id: str) -> None:
        """Learn who the other member is, unless a sync has said so."""
        if conversation_id not in self._others:
            context = await self.call_until_answered(
                "get_conversation_context", conversation_id=conversation_id
            )
            self._others[conversation_id] = context["other_party"]["id"]

    def _compare_presence(self, topic: str, channel: AsyncRealtimeChannel) -> None:
        """Pass on the status of the other member; any other presence is forged."""
        conversation_id = topic.partition(":")[2]
        other = self._others.get(conversation_id)
        if other is None:
            return
        statuses = [device.get("status") for device in channel.presence_state().get(other, [])]
        before = self._statuses.pop(topic, None)
        event = {"conversation_id": conversation_id, "user_id": other}
        if statuses:
            now = self._statuses[topic] = "online" if "online" in statuses else "away"
            if now != before:
                self._emit("user_status_change", {**event, "status": now})
        elif before:
            self._emit("user_offline", event)

    async def _give_token(self) -> None:
        """Hand the session's token, refreshed if it is old, to Realtime.

        The SDK does this at each refresh, but does not wait for it.
        """
        try:
            session = await self.supabase.auth.get_session()
        except (AuthError, httpx.TransportError):
            log.warning("The session could not be refreshed now", exc_info=True)
            return
        if session:
            await self.supabase.realtime.set_auth(session.access_token)

    async def _refresh_session(self) -> None:
        try:
            await self.supabase.auth.refresh_session()
        except (AuthRetryableError, httpx.TransportError):
            return  # no connection: the call after this one says so
        except AuthError as error:
            raise _read_auth_error(error) from error

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            log.error("Realtime work failed", exc_info=task.exception())


def read_error(error: APIError) -> ParleyError:
    """A refusal of the API as a ParleyError; `details` travels as the JSON text of an object."""
    details = _read_details(error.details)
    if error.hint:
        details["hint"] = error.hint
    return ParleyError(error.message or "The call failed.", error.code or "UNKNOWN", details)


def _read_details(text: str | None) -> Json:
    """The details of an error; PostgREST's own have a sentence there."""
    if not text:
        return {}
    try:
        details = json.loads(text)
    except ValueError:
        details = None
    return details if isinstance(details, dict) else {"reason": text}


def _read_storage_error(error: StorageApiError) -> ParleyError:
    """A refusal of Storage: its code, or the HTTP status where Storage itself failed (5xx)."""
    is_down = str(error.status).startswith("5")
    return ParleyError(error.message, str(error.status) if is_down else error.code)


def _network_error(error: httpx.TransportError) -> ParleyError:
    sentence = "There was no answer: check the connection."
    return ParleyError(sentence, "NETWORK", {"reason": repr(error)})


def _read_app(answer: httpx.Response) -> Any:
    try:
        said = answer.json()
        if answer.is_success:
            return said
        refused = said["message"], said["error_code"], said["details"]
    except (ValueError, LookupError, TypeError) as error:  # a proxy's page
        raise ParleyError("The app cannot be reached.", str(answer.status_code)) from error
    raise ParleyError(*refused)


def _read_auth_error(error: AuthError) -> ParleyError:
    if isinstance(error, AuthRetryableError):
        status = error.status or 0
        code = "NETWORK" if status < 100 else str(status)
        return ParleyError(error.message or "There was no answer.", code)
    return ParleyError(error.message, error.code or error.name)


def _delay(attempt: int, error: ParleyError | None = None) -> float:
    """Seconds to wait: what the server asks for, else doubling, always with some chance in it."""
    if error and "retry_after" in error.details:
        return float(error.details["retry_after"]) + random.uniform(0, 1)  # noqa: S311
    return random.uniform(0.1, min(LONGEST_DELAY, FIRST_DELAY * 2.0**attempt))  # noqa: S311
