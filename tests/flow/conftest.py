"""A stage for the tests of the flow: people, and acts that never happened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flow.deals import Cast, gather_cast
from tests.flow.stages import Stage, copied_stage
from tests.support.databases import Database
from tests.support.stacks import Cluster


@pytest.fixture(scope="package")
def open_stage(cluster: Cluster, template: str) -> Iterator[tuple[Stage, Cast]]:
    """A database that all tests of this folder may share, because none leaves anything in it."""
    with copied_stage(cluster, template) as stage:
        yield stage, gather_cast(stage)


@pytest.fixture
def stage(open_stage: tuple[Stage, Cast]) -> Iterator[Stage]:
    """The shared database, inside a transaction that is rolled back: time stands still in it."""
    with open_stage[0].rolled_back():
        yield open_stage[0]


@pytest.fixture
def cast(open_stage: tuple[Stage, Cast]) -> Cast:
    """Who plays on the stage."""
    return open_stage[1]


@pytest.fixture
def people(db: Database) -> Cast:
    """The same people in a database of the test's own, for what must be committed."""
    return gather_cast(db)
