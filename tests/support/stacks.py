"""Throwaway stacks on free ports; clusters, ports and folders are those of the tools."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.cli import main
from scripts.dev.local_supabase.config import Settings
from scripts.dev.local_supabase.ports import free_port
from scripts.dev.local_supabase.throwaway import Cluster, running_cluster, temporary_folder

__all__ = [
    "ENVIRONMENT",
    "ROOT",
    "Cluster",
    "Stack",
    "forget_durability",
    "free_port",
    "run_cli",
    "running_cluster",
    "running_stack",
    "stack_from_environment",
    "temporary_folder",
]

ROOT = Path(__file__).parents[2]

# Set all five to run the end-to-end tests against another Supabase.
ENVIRONMENT = (
    "SUPABASE_URL",
    "SUPABASE_ANON_KEY",
    "SUPABASE_SERVICE_ROLE_KEY",
    "SUPABASE_JWT_SECRET",
    "DATABASE_URL",
)


@dataclass(frozen=True)
class Stack:
    """A running Supabase with our migrations: the local stack, or another one."""

    api_url: str
    anon_key: str
    service_role_key: str
    jwt_secret: str
    db_url: str
    data_dir: Path | None = None  # None: not ours, so it is never stopped or killed


def run_cli(*arguments: str | int | Path) -> int:
    """Run `local-supabase` in this process; its exit status."""
    return main([str(argument) for argument in arguments])


@contextmanager
def running_stack(*options: str | Path) -> Iterator[Stack]:
    """The local stack on free ports, stopped and removed at the end."""
    with temporary_folder() as folder:
        db_port = free_port()
        ports = ("--port", free_port(), "--db-port", db_port)
        try:
            assert run_cli("start", "--data-dir", folder, *ports, *options) == 0
            forget_durability(postgres.superuser_dsn(db_port), "fsync", "full_page_writes")
            yield open_stack(folder)
        finally:
            run_cli("stop", "--data-dir", folder)


def forget_durability(dsn: str, *settings: str) -> None:
    """Switch off what only a power cut needs, as the superuser: commits wait for the disk."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for setting in settings:
            connection.execute(sql.SQL("alter system set {} = off").format(sql.SQL(setting)))
        connection.execute("select pg_reload_conf()")


def open_stack(data_dir: Path) -> Stack:
    """The local stack that was started in this folder."""
    settings = Settings.load(data_dir)
    return Stack(
        api_url=settings.api_url,
        anon_key=settings.api_key("anon"),
        service_role_key=settings.api_key("service_role"),
        jwt_secret=settings.jwt_secret,
        db_url=settings.dsn(),
        data_dir=data_dir,
    )


def stack_from_environment() -> Stack | None:
    """The Supabase that the environment names, if it names one."""
    values = [os.environ.get(name, "") for name in ENVIRONMENT]
    if not all(values):
        return None
    url, anon, service, secret, database = values
    return Stack(url, anon, service, secret, database)
