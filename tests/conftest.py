"""Fixtures that every test folder may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.stacks import (
    Cluster,
    Stack,
    running_cluster,
    running_stack,
    stack_from_environment,
)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """An empty throwaway PostgreSQL; `postgres.bootstrap` makes a database a Supabase project."""
    with running_cluster() as running:
        yield running


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A running Supabase with our migrations: the local stack, or the one the environment names."""
    given = stack_from_environment()
    if given is not None:
        yield given
        return
    with running_stack("--realtime-delays", "0.1", "0.1") as running:
        yield running
