"""A throwaway PostgreSQL with several databases: the tree's product beside that of a revision."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg

from scripts.build.build_migrations import apply_sources
from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.migrations import apply_migrations
from scripts.dev.local_supabase.throwaway import Cluster, running_cluster, temporary_folder

ROOT = Path(__file__).parents[2]

# Commits wait for the disk as in production. Vacuum and checkpoints happen between rounds: left to
# the server they would hit one variant and not the other.
SETTINGS = {
    "shared_buffers": "4GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "max_connections": "200",
    "maintenance_work_mem": "1GB",
}
SMALL_SETTINGS = SETTINGS | {"shared_buffers": "512MB", "maintenance_work_mem": "128MB"}

# An older revision has its conversations in public: the statements find them by today's name.
OLD_NAMES = """
do $$
begin
  if to_regclass('private.conversations') is null then
    create view private.conversations as select * from public.conversations;
  end if;
end
$$;
"""

Connection = psycopg.Connection[tuple[Any, ...]]


class BenchmarkError(Exception):
    """A variant did not do the work it was measured for, or could not be measured."""


@dataclass(frozen=True)
class Server(Cluster):
    """A running PostgreSQL."""

    @property
    def postmaster(self) -> int:
        """The process id of the server's main process."""
        return int((self.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])


@dataclass(frozen=True)
class Side:
    """One database of the server: the product as one revision has it."""

    server: Server
    database: str

    def connect(self, role: str = postgres.SUPERUSER) -> Connection:
        """A connection that commits every statement."""
        return psycopg.connect(self.server.dsn(role, self.database), autocommit=True)

    def settle(self) -> None:
        """Vacuum now, as autovacuum would at some other time."""
        with self.connect() as connection:
            connection.execute("vacuum analyze")


@contextmanager
def running_server(port: int | None, *, small: bool) -> Iterator[Server]:
    """The server, stopped and removed at the end.

    Args:
        port: where it listens; None takes a free one.
        small: with memory for some hundred thousand messages only.
    """
    settings = SMALL_SETTINGS if small else SETTINGS
    with running_cluster(port=port, settings=settings) as cluster:
        yield Server(cluster.data, cluster.port, cluster.binaries)


def make_side(server: Server, database: str, revision: str | None = None) -> Side:
    """Make a database with the product of this tree, or of a revision of its repository.

    The tree's sources are applied on top of its migrations, as the tests do, so that an edited
    function is measured before its migration is built.
    """
    postgres.create_database(server.port, database)
    postgres.bootstrap(server.port, database)
    dsn = server.dsn("postgres", database)
    if revision is None:
        apply_migrations(dsn)
        apply_sources(dsn)
    else:
        with _migrations_of(revision) as folder:
            apply_migrations(dsn, folder)
        with psycopg.connect(dsn) as connection:
            connection.execute(OLD_NAMES)
    return Side(server, database)


def copy_side(side: Side, database: str) -> Side:
    """A second database with the same content."""
    postgres.create_database(side.server.port, database, template=side.database)
    return Side(side.server, database)


@contextmanager
def _migrations_of(revision: str) -> Iterator[Path]:
    try:
        packed = subprocess.run(  # noqa: S603
            ["git", "archive", "--end-of-options", revision, "supabase/migrations"],  # noqa: S607
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchmarkError(
            f"git has no migrations of {revision}: name a commit that this repository has."
        ) from error
    with temporary_folder() as folder:
        with tarfile.open(fileobj=BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        yield folder / "supabase" / "migrations"
