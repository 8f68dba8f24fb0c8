"""Runs a script with pgbench and says what it cost the server."""

from __future__ import annotations

import os
import random
import re
import subprocess
import tempfile
from dataclasses import dataclass

from scripts.benchmarks.database import BenchmarkError, Connection, Side
from scripts.benchmarks.meters import Spent, metered_clients
from scripts.benchmarks.world import SQL, Size
from scripts.dev.local_supabase.config import DATABASE_PASSWORD, LOOPBACK
from scripts.dev.local_supabase.postgres import SUPERUSER


@dataclass(frozen=True)
class Script:
    """The script of one pgbench client, and its database role."""

    name: str
    role: str
    text: str

    @property
    def statements(self) -> list[str]:
        """The SQL without pgbench's own commands."""
        lines = [line for line in self.text.splitlines() if not line.startswith("\\")]
        return [part for part in "\n".join(lines).split(";") if part.strip()]


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


def play(session: Connection, script: Script, size: Size, pick: random.Random) -> None:
    """Run a script of `pick_by_power_law` and `pick_member` once in a session of one's own."""
    c = 1 + int(size.conversations * pick.random() ** 3)
    a = 1 + (c - 1) % size.users
    b = 1 + (a + (c - 1) // size.users) % size.users
    me, other = pick.sample((a, b), 2)
    values = {"c": c, "me": me, "other": other}
    for statement in script.statements:
        session.execute(
            re.sub(r"(?<!:):([a-z]+)", r"%(\1)s::bigint::text", statement).encode(),
            values,
            prepare=True,
        )


def run_script(
    side: Side, script: Script, clients: int, transactions: int, **variables: int
) -> Spent:
    """Let so many clients run the script so many times each, on connections of their own.

    Raises:
        BenchmarkError: pgbench stopped, or some transactions failed.
    """
    wanted = clients * transactions
    with tempfile.NamedTemporaryFile("w", suffix=".pgbench") as file:
        file.write(script.text)
        file.flush()
        command: list[str] = [
            str(side.server.binaries / "pgbench"),
            *("-n", "-M", "prepared", "-c", str(clients), "-j", str(min(2, clients))),
            *("-t", str(transactions), "-f", file.name),
            *(f"-D{key}={value}" for key, value in variables.items()),
            *("-h", LOOPBACK, "-p", str(side.server.port), "-U", SUPERUSER, side.database),
        ]
        environment = os.environ | {
            "PGPASSWORD": DATABASE_PASSWORD,
            "PGOPTIONS": f"-c role={script.role}",
        }
        with metered_clients(side) as spent:
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
