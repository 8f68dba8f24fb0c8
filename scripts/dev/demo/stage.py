"""The stage of the demo: the people, their shared clients, and the printed lines."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from examples.python.parley_client import ParleyClient
from scripts.dev.demo.gateway import Gateway, open_gateway
from scripts.dev.demo.person import Json, Person
from scripts.dev.demo.relay import Relay, open_relay

PASSWORD = "parley-demo-password"  # noqa: S105 - of people who exist on this machine only


@dataclass
class Stage:
    """Everything a scene may use."""

    asha: Person
    bharat: Person
    line: Relay  # the connection of Bharat's phone
    gateway: Gateway
    operator: httpx.AsyncClient  # the API's functions, as service_role
    emails: dict[str, str]
    began: float
    admit: Callable[[str], Awaitable[Person]]  # somebody new with this name, signed up
    people: dict[str, Person]  # everybody who was admitted, by name
    conversation_id: str = ""
    to_pay: str = ""  # a deal that is left to be paid by hand, by Dev
    first_delivery: float | None = None  # time.time()
    is_muted: bool = False  # nothing that is heard is shown

    def head(self, title: str) -> None:
        """Print the title of what follows."""
        print(f"\n{title}", flush=True)  # noqa: T201

    def tell(self, who: str, text: str) -> None:
        """Print one line with the time since the curtain rose."""
        print(f"  {time.monotonic() - self.began:6.2f} s  {who:<7} {text}", flush=True)  # noqa: T201

    def listen(self) -> None:
        """Show from now on what each side hears."""
        self.asha.client.on("*", lambda heard: self._show("Asha", self.asha, heard))
        self.bharat.client.on("*", lambda heard: self._show("Bharat", self.bharat, heard))

    def _show(self, name: str, person: Person, heard: Json) -> None:
        line = describe(heard["event"], heard["payload"], person.id)
        if line and not self.is_muted:
            self.tell(name, f"hears    {line}")
        if person is self.bharat and heard["event"] == "new_message":
            self.first_delivery = self.first_delivery or time.time()


Scene = Callable[[Stage], Awaitable[None]]


def describe(event: str, payload: Json, me: str) -> str | None:
    """One line about an event, or None for what would only repeat what the person did."""
    if event == "new_message":
        message = payload["message"]
        if message["sender_id"] == me:
            return None
        return f"new_message        {message['message']!r}, number {message['seq']}"
    if event in ("message_seen", "message_delivered"):
        return None if payload["user_id"] == me else f"{event:<18} up to number {payload['seq']}"
    if event == "user_typing":
        return f"user_typing        {'typing ...' if payload['is_typing'] else 'stopped'}"
    if event == "user_status_change":
        return f"user_status_change {payload['status']}"
    if event == "quota_changed":
        return f"quota_changed      {describe_quota(payload)}"
    return "user_offline" if event == "user_offline" else None


def describe_quota(quota: Json) -> str:
    """The free messages that are left, and the points."""
    return (
        f"{quota['free_left']} of {quota['daily_free_limit']} free messages left, "
        f"{quota['points_balance']} points"
    )


@asynccontextmanager
async def open_stage(
    stack: Mapping[str, str], app_url: str, keys: Mapping[str, str]
) -> AsyncIterator[Stage]:
    """Asha and Bharat, new people on this stack, signed up.

    Args:
        stack: what it printed.
        app_url: where the app is.
        keys: the sandbox's, of `make_keys`.
    """
    url, key, secret = (stack[name] for name in ("API_URL", "ANON_KEY", "SERVICE_ROLE_KEY"))
    async with AsyncExitStack() as everything:
        line = await everything.enter_async_context(open_relay(url))
        app = await everything.enter_async_context(httpx.AsyncClient(base_url=app_url, timeout=20))
        gateway = await everything.enter_async_context(open_gateway(keys, app))
        operator = await everything.enter_async_context(
            httpx.AsyncClient(
                base_url=f"{url}/rest/v1/rpc",
                headers={"apikey": secret, "Authorization": f"Bearer {secret}"},
            )
        )
        run = uuid.uuid4().hex[:8]
        emails: dict[str, str] = {}
        people: dict[str, Person] = {}

        async def admit(name: str, where: str = url) -> Person:
            emails[name] = f"{name}-{run}@example.com"
            client = await ParleyClient.sign_up(where, key, emails[name], PASSWORD, app_url=app_url)
            everything.push_async_callback(client.close)
            people[name] = Person(client)
            return people[name]

        asha, bharat = await admit("asha"), await admit("bharat", line.url)
        yield Stage(asha, bharat, line, gateway, operator, emails, time.monotonic(), admit, people)
