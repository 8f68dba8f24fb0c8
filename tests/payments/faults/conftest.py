"""One world for all tests here, empty at the start of each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.payments.faults.running import running_world
from tests.payments.faults.world import World


@pytest.fixture(scope="session")
def _shared_world() -> Iterator[World]:
    with running_world() as running:
        yield running


@pytest.fixture
def world(_shared_world: World) -> World:
    """Everything runs, nobody has a deal yet, and nothing goes wrong."""
    _shared_world.empty()
    return _shared_world
