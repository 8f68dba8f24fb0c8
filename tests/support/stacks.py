"""Throwaway stacks on free ports; clusters, ports and folders are those of the tools."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.dev.local_supabase.ports import free_port
from scripts.dev.local_supabase.throwaway import Cluster, running_cluster, temporary_folder

__all__ = [
    "ENVIRONMENT",
    "ROOT",
    "Cluster",
    "Stack",
    "free_port",
    "parse_environment",
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


def run_cli(*arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run `local-supabase` with the arguments and catch what it says."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "scripts.dev.local_supabase", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=check,
    )


def parse_environment(text: str) -> dict[str, str]:
    """Read the NAME="value" lines that start and status print."""
    return dict(
        part.split("=", 1)
        for line in text.splitlines()
        for part in shlex.split(line)
        if "=" in part
    )


@contextmanager
def running_stack(*options: str | Path) -> Iterator[Stack]:
    """The local stack on free ports, stopped and removed at the end."""
    with temporary_folder() as folder:
        answer = run_cli(
            *("start", "--data-dir", folder, "--port", str(free_port())),
            *("--db-port", str(free_port()), *options),
            check=False,
        )
        try:
            assert answer.returncode == 0, answer.stderr
            said = parse_environment(answer.stdout)
            yield Stack(
                api_url=said["API_URL"],
                anon_key=said["ANON_KEY"],
                service_role_key=said["SERVICE_ROLE_KEY"],
                jwt_secret=said["JWT_SECRET"],
                db_url=said["DB_URL"],
                data_dir=folder,
            )
        finally:
            run_cli("stop", "--data-dir", folder)


def stack_from_environment() -> Stack | None:
    """The Supabase that the environment names, if it names one."""
    values = [os.environ.get(name, "") for name in ENVIRONMENT]
    if not all(values):
        return None
    url, anon, service, secret, database = values
    return Stack(url, anon, service, secret, database)
