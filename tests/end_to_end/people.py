"""People who use a running stack through the SDKs, and ears that wait for what they hear."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import httpx
import pytest

from examples.python.parley_client import Options, ParleyClient
from scripts.dev.demo.person import PATIENCE, Person
from tests.support.stacks import Stack, run_cli, stack_from_environment

PASSWORD = "correct horse battery staple"
# Of PASSWORD; the weakest there is, because Auth spends most of its time on hashing.
PASSWORD_HASH = "$argon2id$v=19$m=8,t=1,p=1$G6jMy00HWq8$Bj+WXeNJRtSapxJe+2FbdQ"

needs_our_process = pytest.mark.skipif(
    stack_from_environment() is not None,
    reason="it kills the server, which is not ours when the environment names one",
)
# realtime-py 2.34 reads two attributes that websockets has deprecated.
sdk_warnings = pytest.mark.filterwarnings(
    "ignore:ConnectionClosed.(code|reason) is deprecated:DeprecationWarning"
)


def make_user(stack: Stack) -> str:
    """Make a confirmed user with PASSWORD and a fresh e-mail address, which is returned."""
    email = f"{uuid.uuid4().hex}@example.com"
    answer = httpx.post(
        f"{stack.api_url}/auth/v1/admin/users",
        headers=service_headers(stack),
        json={"email": email, "password_hash": PASSWORD_HASH, "email_confirm": True},
        timeout=PATIENCE,
    )
    answer.raise_for_status()
    return email


def service_headers(stack: Stack) -> dict[str, str]:
    """The headers of a request as service_role."""
    key = stack.service_role_key
    return {"apikey": key, "Authorization": f"Bearer {key}"}


def open_client(stack: Stack) -> httpx.Client:
    """A client of the API with the publishable key only."""
    headers = {"apikey": stack.anon_key}
    return httpx.Client(base_url=stack.api_url, headers=headers, timeout=PATIENCE)


def sign_in(stack: Stack, http: httpx.Client) -> tuple[str, dict[str, str]]:
    """A new user's id and the headers of the user's requests."""
    answer = open_session(http, make_user(stack))
    return answer["user"]["id"], {"Authorization": f"Bearer {answer['access_token']}"}


def open_session(http: httpx.Client, email: str) -> Any:
    """What Auth answers to one more sign-in."""
    given = {"email": email, "password": PASSWORD}
    return http.post("/auth/v1/token?grant_type=password", json=given).raise_for_status().json()


@asynccontextmanager
async def signed_in(
    stack: Stack,
    url: str | None = None,
    *,
    has_two_devices: bool = False,
    **options: Unpack[Options],
) -> AsyncIterator[Person]:
    """A new person who is signed in and hears nothing yet; `url` is another way to the stack.

    Who has two devices hears of own steps.
    """
    email = make_user(stack)
    if has_two_devices:
        with open_client(stack) as http:
            open_session(http, email)
    client = await ParleyClient.sign_in(
        url or stack.api_url, stack.anon_key, email, PASSWORD, **options
    )
    try:
        yield Person(client)
    finally:
        await client.close()


# The seq of the next message of a Talk: it has the system's opening line and two greetings.
NEXT_SEQ = 4


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
async def talking(
    stack: Stack, bharat_url: str | None = None, **options: Unpack[Options]
) -> AsyncIterator[Talk]:
    """The usual three with an open chat of Asha and Bharat; options of their clients."""
    async with AsyncExitStack() as everyone:
        asha = await everyone.enter_async_context(signed_in(stack, **options))
        bharat = await everyone.enter_async_context(signed_in(stack, bharat_url, **options))
        chitra = await everyone.enter_async_context(signed_in(stack, **options))
        for person in (asha, bharat, chitra):
            await person.client.start()
        opened = await asha.client.call("direct_connect", target_user_id=bharat.id)
        talk = Talk(asha, bharat, chitra, opened["conversation"]["conversation_id"])
        # Until she has an answer, a stranger may write only once.
        await asha.client.send(talk.id, "Hello?")
        await bharat.client.send(talk.id, "Hello.")
        for person in (asha, bharat):
            await person.hears_text("Hello.")
            person.heard.clear()
        yield talk


def kill(stack: Stack, file: str) -> None:
    """End the process whose id stands in the first line of this file."""
    assert stack.data_dir is not None
    pid = int((Path(stack.data_dir) / file).read_text("utf-8").splitlines()[0])
    os.kill(pid, signal.SIGKILL)


async def start_again(stack: Stack) -> None:
    """Bring up what is down of our own stack."""
    assert stack.data_dir is not None
    assert await asyncio.to_thread(run_cli, "start", "--data-dir", stack.data_dir) == 0
