"""Sends events as Razorpay does: signed, in 5 seconds, again after a pause that doubles."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import httpx

from scripts.dev.razorpay_sandbox.bodies import event_body
from scripts.dev.razorpay_sandbox.books import Body, make_id
from scripts.dev.razorpay_sandbox.config import Settings
from scripts.dev.razorpay_sandbox.switches import Switches

USER_AGENT = "Razorpay-Webhook/v1 (sandbox)"
# An event that is still on its way; the others are delivered, lost or given_up.
UNDECIDED = ("held", "queued", "waiting")


def sign(message: bytes, secret: str) -> str:
    """Lowercase hex of HMAC-SHA256, as Razorpay signs bodies and checkout answers."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


@dataclass
class Event:
    """One event. It keeps the secret that was current when it was made, for ever.

    Attributes:
        subjects: the ids of what it is about.
        due: when it may leave, in seconds of the event loop.
        state: held, queued, waiting (to be sent again), delivered, lost or given_up.
        rounds: how often it was sent since it was queued; copies at once are one round.
    """

    id: str
    name: str
    body: bytes
    secret: str | None
    subjects: tuple[str, ...]
    due: float
    state: str = "queued"
    rounds: int = 0

    def about(self, subject: str) -> bool:
        """Whether it is this event, or one about this payment, order, refund or dispute."""
        return subject == self.id or subject in self.subjects


class Courier:
    """Takes events and sees to it that they arrive, or go astray as the switches say."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.switches = Switches()
        self.secret = settings.webhook_secret
        self.events: dict[str, Event] = {}
        self.attempts: list[Body] = []
        self._queue: asyncio.Queue[Event] = asyncio.Queue()
        self._sending: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        # A proxy of the environment must not see what stays on this machine.
        self._http = httpx.AsyncClient(trust_env=False, timeout=settings.deadline)

    def announce(self, name: str, **entities: Body) -> None:
        """Make an event about these entities, by kind, and send it when its turn comes."""
        body = event_body(name, self.settings.account_id, entities)
        subjects = [entity["id"] for entity in entities.values()]
        subjects += [entity["order_id"] for entity in entities.values() if "order_id" in entity]
        event = Event(
            id=make_id(),
            name=name,
            body=json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(),
            secret=self.secret,
            subjects=tuple(dict.fromkeys(subjects)),
            due=asyncio.get_running_loop().time() + self.switches.webhooks.delay,
        )
        self.events[event.id] = event
        if self.switches.webhooks.hold:
            self._set_state(event, "held")
        else:
            self._enqueue(event)

    def release(self, order: str, seed: int) -> list[str]:
        """Send what is held, as given, reversed or shuffled by the seed; the ids in that order."""
        held = [event for event in self.events.values() if event.state == "held"]
        if order == "reversed":
            held.reverse()
        elif order == "shuffled":
            # Must be the same for the same seed.
            random.Random(seed).shuffle(held)  # noqa: S311
        for event in held:
            self._enqueue(event)
        return [event.id for event in held]

    def replay(self, event: Event) -> None:
        """Send an event once more, whatever became of it."""
        self._enqueue(event)

    async def run(self) -> None:
        """Send events one after another until cancelled."""
        try:
            while True:
                await self._dispatch(await self._queue.get())
        finally:
            for task in self._sending:
                task.cancel()
            await self._http.aclose()

    async def wait_until_decided(
        self, subject: str, name: str | None, timeout: float
    ) -> list[Event]:
        """The events about a subject (of one name), once there are some and none is on its way.

        After `timeout` seconds they are given as they are.
        """
        try:
            async with asyncio.timeout(timeout):
                while True:
                    found = self.find(subject, name)
                    if found and all(event.state not in UNDECIDED for event in found):
                        return found
                    await self._changed.wait()
        except TimeoutError:
            return self.find(subject, name)

    def find(self, subject: str | None, name: str | None) -> list[Event]:
        """The events about a subject (None: any), of one name (None: any)."""
        return [
            event
            for event in self.events.values()
            if (subject is None or event.about(subject)) and name in (None, event.name)
        ]

    def _enqueue(self, event: Event) -> None:
        event.rounds = 0
        self._set_state(event, "queued")
        self._queue.put_nowait(event)

    async def _dispatch(self, event: Event) -> None:
        await asyncio.sleep(event.due - asyncio.get_running_loop().time())
        switches = self.switches.webhooks
        if self.settings.webhook_url is None or switches.lose:
            switches.lose = max(0, switches.lose - 1)
            self._set_state(event, "lost")
        elif switches.parallel:
            self._spawn(self._send(event, 1 + switches.duplicate))
        else:
            await self._send(event, 1 + switches.duplicate)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, event: Event, copies: int) -> None:
        event.rounds += 1
        taken = await asyncio.gather(*(self._post(event) for _ in range(copies)))
        if any(taken):
            self._set_state(event, "delivered")
        elif event.rounds < self.settings.send_limit:
            self._set_state(event, "waiting")
            self._spawn(self._send_later(event))
        else:
            self._set_state(event, "given_up")

    async def _send_later(self, event: Event) -> None:
        await asyncio.sleep(self.settings.first_pause * 2 ** (event.rounds - 1))
        if event.state == "waiting":
            await self._send(event, 1)

    async def _post(self, event: Event) -> bool:
        headers = {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            "x-razorpay-event-id": event.id,
        }
        if event.secret is not None:
            headers["X-Razorpay-Signature"] = sign(event.body, event.secret)
        loop = asyncio.get_running_loop()
        started, status = loop.time(), None
        try:
            async with asyncio.timeout(self.settings.deadline):
                answer = await self._http.post(
                    str(self.settings.webhook_url), content=event.body, headers=headers
                )
                status = answer.status_code
        except (httpx.HTTPError, TimeoutError):
            pass  # No answer: the log shows a status of null.
        self.attempts.append(
            {
                "event": event.name,
                "id": event.id,
                "attempt": 1 + sum(one["id"] == event.id for one in self.attempts),
                "status": status,
                "ms": round((loop.time() - started) * 1000, 1),
            }
        )
        return status is not None and 200 <= status < 300

    def _set_state(self, event: Event, state: str) -> None:
        event.state = state
        self._changed.set()
        self._changed = asyncio.Event()
