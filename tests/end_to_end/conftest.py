"""Fixtures of the end-to-end tests; async tests run by anyio's pytest plugin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.stacks import Stack, running_stack


@pytest.fixture
def anyio_backend() -> str:
    """The SDKs know asyncio only."""
    return "asyncio"


@pytest.fixture
def own_stack() -> Iterator[Stack]:
    """A stack of the test's own, with a project's limits: to be killed and started again."""
    with running_stack("--realtime-delays", "0.1", "0.1") as running:
        yield running
