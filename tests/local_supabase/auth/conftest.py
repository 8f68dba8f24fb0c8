"""The servers that the tests of Auth talk to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.config import Settings
from tests.local_supabase.auth.server import Auth, serving
from tests.support.stacks import Cluster


@pytest.fixture(scope="module")
def project(cluster: Cluster) -> Settings:
    """A database of its own that is an empty Supabase project."""
    name = f"auth_{uuid4().hex}"
    postgres.create_database(cluster.port, name)
    postgres.bootstrap(cluster.port, name)
    return Settings(data_dir=Path(), db_port=cluster.port, db_name=name)


@pytest.fixture(scope="module")
def auth(project: Settings) -> Iterator[Auth]:
    """The Auth server that most tests talk to."""
    with serving(project) as running:
        yield running


@pytest.fixture
def own_auth(project: Settings) -> Iterator[Auth]:
    """A server for one test, which may exhaust its limits. Its access tokens live for 1 s."""
    with serving(replace(project, access_token_lifetime=1)) as running:
        yield running
