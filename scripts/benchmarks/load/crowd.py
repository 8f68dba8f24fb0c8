"""Signs users in, lets them talk for some minutes, and counts what came and what did not."""

from __future__ import annotations

import asyncio
import random
import resource
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from scripts.benchmarks.database import BenchmarkError
from scripts.benchmarks.load.client import Books, Client, Line
from scripts.benchmarks.stack import Memory, Stack

T = TypeVar("T")

MOST_CLIENTS = 5_000
MOST_MINUTES = 55.0  # an access token lives for an hour
SLOW_ONE_IN = 20
# How many users are made, or sign in, at the same time.
AT_ONCE = 8
# Connections that all clients share for their calls.
LINES = 32
# Open files beside a websocket for each client.
SPARE_FILES = 256
SAMPLE_SECONDS = 5.0
STORM_PATIENCE = 300.0
# Clients that come in a second when the load begins; in the storm all come at once.
RAMP = 20
QUIET_SECONDS = 3.0
PASSWORD = "a-password-of-the-load"  # noqa: S105  of users made up for it


@dataclass(frozen=True)
class Plan:
    """The amount of load and its duration."""

    clients: int = 100
    minutes: float = 2.0
    # Messages of one client in a minute.
    rate: float = 6.0
    # Seconds until a client loses its connection, on average.
    reconnect: float = 60.0

    def check(self) -> None:
        """Refuse what is no plan or would never end, and what this shell cannot open."""
        if not 2 <= self.clients <= MOST_CLIENTS or self.clients % 2:
            raise BenchmarkError(f"--clients is an even number from 2 to {MOST_CLIENTS}.")
        if not 0 < self.minutes <= MOST_MINUTES:
            raise BenchmarkError(f"--minutes is more than 0 and at most {MOST_MINUTES:.0f}.")
        # Here, and again in the server that is started from here.
        files = self.clients + SPARE_FILES
        allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if most != resource.RLIM_INFINITY and most < files:
            raise BenchmarkError(f"--clients {self.clients} needs `ulimit -n {files}`, not {most}.")
        if allowed != resource.RLIM_INFINITY and allowed < files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))


@dataclass
class Result:
    """The results. Times are seconds."""

    plan: Plan
    seconds: float = 0.0
    sent: int = 0
    accepted: int = 0
    heard: int = 0
    lost: int = 0
    delays: list[float] = field(default_factory=list)
    # From all connections lost at once until all are joined and synced again.
    storm: float | None = None
    # How many came back in that time.
    back: int = 0
    # Seconds since the beginning, and what each server holds then.
    memory: list[tuple[float, dict[str, Memory]]] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)

    def delay(self, part: float) -> float:
        """Milliseconds within which this part of what was heard came."""
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 if ordered else 0


async def run_crowd(stack: Stack, plan: Plan) -> Result:
    """Everything, from the first sign-up to the last sync."""
    books = Books()
    result = Result(plan)
    async with httpx.AsyncClient(timeout=60, transport=Line(LINES), trust_env=False) as http:
        users = await _at_once(range(plan.clients), lambda _: _make_user(stack, http))
        try:
            clients = [Client(stack, http, books, user, token) for user, token in users]
            for number, client in enumerate(clients):
                client.is_slow = number % SLOW_ONE_IN == SLOW_ONE_IN - 1
            pairs = list(zip(clients[::2], clients[1::2], strict=True))
            await _at_once(pairs, _introduce)
            say(f"{plan.clients} users are signed in and know each other")
            await _live(stack, plan, clients, result)
            await asyncio.sleep(QUIET_SECONDS)
            await _at_once(clients, lambda client: client.sync())
        finally:
            if stack.folder is None:
                await _at_once(users, lambda user: _forget_user(stack, http, user[0]))
    result.sent, result.accepted = len(books.sent), len(books.accepted)
    result.heard, result.delays = len(books.delays), books.delays
    result.lost = count_lost(books.accepted, {client.user: client.got for client in clients})
    result.events = dict(books.events)
    return result


def count_lost(accepted: Mapping[str, str], got: Mapping[str, set[str]]) -> int:
    """How many accepted messages, by receiver, are not among what that receiver got."""
    return sum(message not in got[receiver] for message, receiver in accepted.items())


def say(text: str) -> None:
    """Show progress."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


async def _live(stack: Stack, plan: Plan, clients: list[Client], result: Result) -> None:
    """The timed part: all are connected, talk, lose connections, and once all at the same time."""
    running = [
        asyncio.create_task(_begin(client, number / RAMP)) for number, client in enumerate(clients)
    ]
    talking: list[asyncio.Task[None]] = []
    began = time.monotonic()
    sampling = asyncio.create_task(_sample(stack, result, began))
    try:
        if not await _all_joined(clients, len(clients) / RAMP + STORM_PATIENCE):
            raise BenchmarkError(f"{_joined(clients)} of {len(clients)} clients could join")
        talking = [asyncio.create_task(_talk(client, plan)) for client in clients]
        started = time.monotonic()
        await _drop_some(clients, plan, plan.minutes * 30)
        result.storm, result.back = await _storm(clients)
        say(f"{result.back} of {len(clients)} were back after {result.storm:.1f} s")
        await _drop_some(clients, plan, started + plan.minutes * 60 - time.monotonic())
        await _stop(talking)
        result.seconds = time.monotonic() - started
        await asyncio.sleep(QUIET_SECONDS)
    finally:
        await _stop([*talking, *running, sampling])


async def _talk(client: Client, plan: Plan) -> None:
    sending: set[asyncio.Task[None]] = set()
    try:
        while True:
            await asyncio.sleep(random.expovariate(plan.rate / 60))
            # A client does not wait for an answer to type the next message.
            task = asyncio.create_task(client.send())
            sending.add(task)
            task.add_done_callback(sending.discard)
    finally:
        # What is under way is finished, or nobody knows whether it was sent.
        await asyncio.gather(*sending)


async def _drop_some(clients: Sequence[Client], plan: Plan, seconds: float) -> None:
    """Let clients lose their connections at random for a while."""
    dropping = [asyncio.create_task(_drop(client, plan)) for client in clients]
    try:
        await asyncio.sleep(seconds)
    finally:
        await _stop(dropping)


async def _drop(client: Client, plan: Plan) -> None:
    while True:
        await asyncio.sleep(random.expovariate(1 / plan.reconnect))
        await client.drop()


async def _stop(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _begin(client: Client, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await client.run()


async def _storm(clients: list[Client]) -> tuple[float, int]:
    """Drop everybody at once; the seconds until all were back, and how many then were."""
    began = time.monotonic()
    await asyncio.gather(*(client.drop() for client in clients))
    for client in clients:
        client.is_joined.clear()
    # Who is not back by then is behind its last sync, which is looked at in the end.
    await _all_joined(clients, STORM_PATIENCE)
    return time.monotonic() - began, _joined(clients)


async def _all_joined(clients: list[Client], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(client.is_joined.wait() for client in clients))
    except TimeoutError:
        return False
    return True


def _joined(clients: list[Client]) -> int:
    return sum(client.is_joined.is_set() for client in clients)


async def _sample(stack: Stack, result: Result, began: float) -> None:
    while stack.folder is not None:
        held = await asyncio.to_thread(stack.memory)
        result.memory.append((time.monotonic() - began, held))
        await asyncio.sleep(SAMPLE_SECONDS)


async def _make_user(stack: Stack, http: httpx.AsyncClient) -> tuple[str, str]:
    """Make a user and sign in with the password; the id and the access token."""
    email = f"load-{uuid.uuid4().hex}@example.com"
    credentials = {"email": email, "password": PASSWORD}
    service = {
        "apikey": stack.service_role_key,
        "Authorization": f"Bearer {stack.service_role_key}",
    }
    made = await http.post(
        f"{stack.url}/auth/v1/admin/users",
        json={**credentials, "email_confirm": True},
        headers=service,
    )
    made.raise_for_status()
    for _ in range(10):
        answer = await http.post(
            f"{stack.url}/auth/v1/token?grant_type=password",
            json=credentials,
            headers={"apikey": stack.anon_key},
        )
        if answer.status_code != 429:
            break
        await asyncio.sleep(float(answer.headers.get("Retry-After", 10)))
    answer.raise_for_status()
    session: dict[str, Any] = answer.json()
    return str(session["user"]["id"]), str(session["access_token"])


async def _forget_user(stack: Stack, http: httpx.AsyncClient, user: str) -> None:
    await http.delete(
        f"{stack.url}/auth/v1/admin/users/{user}",
        headers={
            "apikey": stack.service_role_key,
            "Authorization": f"Bearer {stack.service_role_key}",
        },
    )


async def _introduce(pair: tuple[Client, Client]) -> None:
    """A direct chat in which both have written."""
    asking, asked = pair
    for client in pair:
        name = f"Load {client.user[:8]}"
        await client.call("complete_profile", role="influencer", display_name=name)
    chat = await asking.call("direct_connect", target_user_id=asked.user, initial_message="Hello")
    for client, other in ((asking, asked), (asked, asking)):
        client.conversation = chat["conversation"]["conversation_id"]
        client.other = other.user
    await asked.call("send_message", conversation_id=asked.conversation, message="Hello, too")


async def _at_once(items: Sequence[Any], work: Callable[[Any], Awaitable[T]]) -> list[T]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(item: Any) -> T:
        async with gate:
            return await work(item)

    return await asyncio.gather(*(one(item) for item in items))
