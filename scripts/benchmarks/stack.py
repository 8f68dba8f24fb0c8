"""The Supabase that servers are measured on: a local one started for it, or the environment's."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil

from scripts.benchmarks.database import ROOT, BenchmarkError
from scripts.dev.local_supabase.config import database_url
from scripts.dev.local_supabase.ports import free_port
from scripts.dev.local_supabase.postgres import SUPERUSER
from scripts.dev.local_supabase.throwaway import temporary_folder

NAMES = ("SUPABASE_URL", "SUPABASE_ANON_KEY", "SUPABASE_SERVICE_ROLE_KEY")


class Memory(NamedTuple):
    """MB that the processes of a server hold by themselves: all of them, and the largest one."""

    mb: float
    processes: int
    largest: float


@dataclass(frozen=True)
class Stack:
    """A running Supabase with the product."""

    url: str
    anon_key: str
    service_role_key: str
    jwt_secret: str = ""
    db_port: int = 0
    # Where a local one lives; None: it is somebody's.
    folder: Path | None = None

    @property
    def superuser_dsn(self) -> str:
        """The connection URL of a local one's superuser."""
        return database_url(SUPERUSER, self.db_port)

    def memory(self) -> dict[str, Memory]:
        """The memory of each local server's own processes.

        Without what they share: the first process that looks at a page of Postgres's buffers would
        have it as its own.
        """
        held: dict[str, Memory] = {}
        for process in psutil.process_iter():
            try:
                line = " ".join(process.cmdline())
                if str(self.folder) not in line and not _works_below(process, self.folder):
                    continue
                name = "postgres" if "postgres" in process.name() else "api"
                before = held.get(name, Memory(0, 0, 0))
                mb = _own_memory(process) / 2**20
                held[name] = Memory(before.mb + mb, before.processes + 1, max(before.largest, mb))
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return held


def _own_memory(process: psutil.Process) -> int:
    return sum(
        part.private_clean + part.private_dirty
        for part in process.memory_maps(grouped=False)
        if "s" not in part.perms
    )


def stack_of_environment() -> Stack | None:
    """The Supabase that the environment names, if it names one whole."""
    values = [os.environ.get(name, "") for name in NAMES]
    if not any(values):
        return None
    if not all(values):
        raise BenchmarkError(f"Set all of {', '.join(NAMES)}, or none for a local Supabase.")
    url, anon_key, service_role_key = values
    return Stack(url.rstrip("/"), anon_key, service_role_key)


@contextmanager
def running_stack(*options: str) -> Iterator[Stack]:
    """A local Supabase on free ports, stopped and removed at the end."""
    db_port = free_port()
    with temporary_folder() as folder:
        ports = ("--port", str(free_port()), "--db-port", str(db_port))
        answer = _run("start", "--data-dir", str(folder), *ports, *options)
        try:
            if answer.returncode:
                raise BenchmarkError(f"The local Supabase did not start: {answer.stderr.strip()}")
            parts = [part for line in answer.stdout.splitlines() for part in shlex.split(line)]
            told = dict(part.split("=", 1) for part in parts if "=" in part)
            yield Stack(
                told["API_URL"],
                told["ANON_KEY"],
                told["SERVICE_ROLE_KEY"],
                told["JWT_SECRET"],
                db_port,
                folder,
            )
        finally:
            _run("stop", "--data-dir", str(folder))


def _works_below(process: psutil.Process, folder: Path | None) -> bool:
    return folder is not None and process.cwd().startswith(str(folder.resolve()))


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "scripts.dev.local_supabase", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
