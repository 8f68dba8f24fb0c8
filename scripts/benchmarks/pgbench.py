"""Runs a script with pgbench and says what it cost the server."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass

from scripts.benchmarks.cluster import Server
from scripts.benchmarks.meters import Spent, metered_clients
from scripts.benchmarks.world import SQL, Size
from scripts.local_supabase.config import DATABASE_PASSWORD, LOOPBACK


class BenchmarkError(Exception):
    """A variant did not do the work it was measured for, or could not be measured."""


@dataclass(frozen=True)
class Script:
    """What one pgbench client repeats, and as which database role."""

    name: str
    role: str
    text: str


def compose(name: str, role: str, *parts: str, api_role: str | None = None) -> Script:
    """A script of the named files.

    With `api_role` the last of them goes into the envelope of PostgREST: a transaction that sets
    role, claims and headers.
    """
    texts = [(SQL / f"{part}.pgbench").read_text(encoding="utf-8") for part in parts]
    if api_role is not None:
        envelope = (SQL / "envelope.pgbench").read_text(encoding="utf-8")
        texts[-1] = envelope.replace("ROLE", api_role).replace("STATEMENT\n", texts[-1])
    return Script(name, role, "".join(texts))


def run_script(server: Server, script: Script, size: Size, clients: int, **variables: int) -> Spent:
    """Let so many clients run the script `size.transactions` times each.

    Raises:
        BenchmarkError: pgbench stopped, or some transactions failed.
    """
    wanted = clients * size.transactions
    values = {"users": size.users, "conversations": size.conversations} | variables
    with tempfile.NamedTemporaryFile("w", suffix=".pgbench") as file:
        file.write(script.text)
        file.flush()
        command: list[str] = [
            str(server.binaries / "pgbench"),
            *("-n", "-M", "prepared", "-c", str(clients), "-j", "2"),
            *("-t", str(size.transactions), "-f", file.name),
            *(f"-D{key}={value}" for key, value in values.items()),
            *("-h", LOOPBACK, "-p", str(server.port), "-U", "supabase_admin", "postgres"),
        ]
        environment = os.environ | {
            "PGPASSWORD": DATABASE_PASSWORD,
            "PGOPTIONS": f"-c role={script.role}",
        }
        with metered_clients(server) as spent:
            done = subprocess.run(  # noqa: S603
                command, env=environment, capture_output=True, text=True, check=False
            )
            finished = re.search(r"actually processed: (\d+)/", done.stdout)
            rate = re.search(r"tps = ([0-9.]+)", done.stdout)
            if done.returncode or finished is None or rate is None or int(finished[1]) != wanted:
                said = [line for line in done.stderr.splitlines() if "error" in line.lower()]
                raise BenchmarkError(f"pgbench stopped in {script.name}: {' / '.join(said[:2])}")
            spent.calls = wanted
            spent.seconds = wanted / float(rate[1])
    return spent
