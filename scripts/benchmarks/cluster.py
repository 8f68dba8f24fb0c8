"""A throwaway PostgreSQL with our migrations, set so that two runs on it can be compared."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from scripts.local_supabase import postgres
from scripts.local_supabase.config import DATABASE_PASSWORD, LOOPBACK
from scripts.local_supabase.migrations import apply_migrations

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
class Server:
    """A running PostgreSQL whose database `postgres` holds the product."""

    data: Path
    port: int
    binaries: Path

    @property
    def postmaster(self) -> int:
        """The process id of the server's main process."""
        return int((self.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    def dsn(self, role: str = postgres.SUPERUSER) -> str:
        """The connection URL of one database role."""
        return f"postgresql://{role}:{DATABASE_PASSWORD}@{LOOPBACK}:{self.port}/postgres"

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
    # Not in the user's own temporary folder: Postgres' system user has to reach it.
    folder = Path(tempfile.mkdtemp(prefix="parley-bench-"))
    server = Server(folder / "data", port or _free_port(), postgres.embedded_binaries())
    try:
        postgres.init_cluster(server.data, server.binaries)
        lines = [f"{k} = '{v}'\n" for k, v in (SMALL_SETTINGS if small else SETTINGS).items()]
        with (server.data / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.writelines(lines)
        postgres.start_cluster(server.data, server.port, server.binaries)
        try:
            postgres.bootstrap(server.port)
            apply_migrations(server.dsn("postgres"))
            yield server
        finally:
            postgres.stop_cluster(server.data, server.binaries)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
