"""A sandbox that tells a receiver what happens, for one test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.dev.razorpay_sandbox.client import SandboxClient, running_sandbox
from tests.razorpay_sandbox.support import Receiver, running_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where the webhooks go."""
    with running_receiver() as running:
        yield running


@pytest.fixture
def sandbox(receiver: Receiver) -> Iterator[SandboxClient]:
    """A gateway without a past; it sends again at once, and not for ever."""
    with running_sandbox(receiver.url, first_pause=0.01, send_limit=3) as running:
        yield running
