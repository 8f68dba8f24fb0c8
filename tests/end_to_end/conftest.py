"""Fixtures of the end-to-end tests; async tests run by anyio's pytest plugin."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.end_to_end.doors import call
from tests.end_to_end.gateway import Payments, running_payments
from tests.end_to_end.people import open_client, sign_in
from tests.support.limits import lift_limits
from tests.support.stacks import Stack, running_stack


@pytest.fixture
def anyio_backend() -> str:
    """The SDKs know asyncio only."""
    return "asyncio"


@pytest.fixture(scope="session")
def own_stack() -> Iterator[Stack]:
    """A stack as `stack` is, to be killed and started again."""
    with running_stack("--realtime-delays", "0.1", "0.1", "--realtime-events", "0") as running:
        lift_limits(running.db_url)
        yield running


@pytest.fixture(scope="session")
def payments(stack: Stack) -> Iterator[Payments]:
    """The app in front of the stack, and a sandbox in Razorpay's place."""
    with running_payments(stack) as running:
        yield running


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    """A client of the API with the publishable key only."""
    with open_client(stack) as client:
        yield client


@pytest.fixture(scope="module")
def user(stack: Stack, http: httpx.Client) -> dict[str, str]:
    """The headers of a signed-in user."""
    return sign_in(stack, http)[1]


@pytest.fixture(scope="module")
def talk(stack: Stack, http: httpx.Client, user: dict[str, str]) -> str:
    """A conversation of the user."""
    other_id, _ = sign_in(stack, http)
    answer = call(http, user, "direct_connect", target_user_id=other_id)
    return str(answer.json()["conversation"]["conversation_id"])
