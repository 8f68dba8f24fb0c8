"""A database that the benchmarks may fill."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.benchmarks.database import Server, Side
from tests.support.databases import copied_database
from tests.support.stacks import Cluster


@pytest.fixture(scope="module")
def side(cluster: Cluster, template: str) -> Iterator[Side]:
    """The product of this tree with nobody in it."""
    server = Server(cluster.data, cluster.port, cluster.binaries)
    with copied_database(cluster, template) as database:
        yield Side(server, database.name)
