"""A throwaway PostgreSQL with our migrations, set so that two runs on it can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from scripts.local_supabase import postgres
from scripts.local_supabase.migrations import apply_migrations
from scripts.local_supabase.throwaway import Cluster, running_cluster

# Durability stays on: commits wait for the disk as in production. What happens on its own time
# (vacuum, checkpoints) would hit one variant and not the other, so it happens between rounds.
SETTINGS = {
    "shared_buffers": "4GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "max_connections": "200",
    "maintenance_work_mem": "1GB",
}
SMALL_SETTINGS = SETTINGS | {"shared_buffers": "256MB", "maintenance_work_mem": "64MB"}


@dataclass(frozen=True)
class Server(Cluster):
    """A running PostgreSQL whose database `postgres` holds the product."""

    @property
    def postmaster(self) -> int:
        """The process id of the server's main process."""
        return int((self.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    def connect(self, role: str = postgres.SUPERUSER) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection that commits every statement by itself."""
        return psycopg.connect(self.dsn(role), autocommit=True)


@contextmanager
def running_server(port: int | None, *, small: bool) -> Iterator[Server]:
    """The server, stopped and removed at the end.

    Args:
        port: where it listens; None takes a free one.
        small: with memory for a few thousand messages only.
    """
    settings = SMALL_SETTINGS if small else SETTINGS
    with running_cluster(port=port, settings=settings) as cluster:
        postgres.bootstrap(cluster.port)
        apply_migrations(cluster.dsn("postgres"))
        yield Server(cluster.data, cluster.port, cluster.binaries)
