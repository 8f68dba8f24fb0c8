"""Goal 4: one call against the same nine steps in Prisma 7, all over node-postgres.

One Node process with 16 senders sends either way. The steps are those of goal 3: an interactive
transaction that reads every row that decides FOR UPDATE, and one read behind it. Prisma runs with
the driver adapter, which needs no engine of its own.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.benchmarks.cluster import Server
from scripts.benchmarks.meters import Spent, metered_clients
from scripts.benchmarks.peers import CLIENTS, TEXT
from scripts.benchmarks.pgbench import BenchmarkError
from scripts.benchmarks.report import Row, middle, ratio
from scripts.benchmarks.world import Connection, Size, settle
from scripts.local_supabase.config import DATABASE_PASSWORD, LOOPBACK
from scripts.local_supabase.postgres import SUPERUSER

FOLDER = Path(__file__).parent / "prisma"
# Sends of each sender before its clock starts.
WARM = 20
# Seconds that one process may take: an installation, or all sends one way on a busy machine.
PATIENCE = 600.0
# The ways of send.mjs and the database role of each.
ROLES = {"prisma": "postgres", "call": "authenticated", "envelope": "authenticator"}

Pairs = Sequence[tuple[str, ...]]


def measure_orm(server: Server, size: Size) -> list[Row]:
    """Goal 4: in one call, and in the transaction that PostgREST makes of it.

    Raises:
        BenchmarkError: the packages could not be installed, or a way did not do its work.
    """
    _install()
    spent: dict[str, list[Spent]] = {way: [] for way in ROLES}
    times: dict[str, list[float]] = {way: [] for way in ROLES}
    with server.connect() as superuser:
        pairs = superuser.execute(
            "select bench.id(c)::text, bench.id(low)::text from bench.pairs where c < 800000"
        ).fetchall()
        for turn in range(size.rounds):
            settle(superuser)
            order = list(ROLES)
            for way in order[turn % 3 :] + order[: turn % 3]:
                cost, took = _run(server, superuser, way, _pick(pairs, size.transactions))
                spent[way].append(cost)
                times[way] += took
    return [
        _row(spent, times, "call", "one call against nine steps in Prisma 7", 10.0),
        _row(spent, times, "envelope", "one call as PostgREST makes it against Prisma 7", 5.0),
    ]


def _row(
    spent: Mapping[str, Sequence[Spent]],
    times: Mapping[str, Sequence[float]],
    way: str,
    what: str,
    least: float,
) -> Row:
    rate = ratio(spent[way], spent["prisma"], "rate")
    tails = ", ".join(
        f"p{percent} {_rank(times[way], percent):.1f} of {_rank(times['prisma'], percent):.1f} ms"
        for percent in (50, 99)
    )
    return Row(
        "4",
        what,
        f"{rate:.2f}x ({middle(spent[way], 'rate'):,.0f} of"
        f" {middle(spent['prisma'], 'rate'):,.0f} msgs/s), {tails}",
        f">= {least:.0f}x msgs/s",
        rate >= least,
        ratio(spent[way], spent["prisma"], "cpu_us"),
        middle(spent[way], "cpu_us"),
        middle(spent[way], "wal_per_call"),
        floor_us=middle(spent["prisma"], "cpu_us"),
    )


def _rank(times: Sequence[float], percent: int) -> float:
    return sorted(times)[len(times) * percent // 100]


def _pick(pairs: Pairs, count: int) -> list[dict[str, Pairs]]:
    """For each sender where it sends: by the power law of the other benchmarks."""
    senders: list[dict[str, Pairs]] = []
    for number in range(CLIENTS):
        pick = random.Random(number)  # noqa: S311
        places = [pairs[int(len(pairs) * pick.random() ** 3)] for _ in range(WARM + count)]
        senders.append({"warm": places[:WARM], "timed": places[WARM:]})
    return senders


def _run(
    server: Server, superuser: Connection, way: str, senders: list[dict[str, Pairs]]
) -> tuple[Spent, list[float]]:
    """What all sends cost, and how many milliseconds each of the timed ones took."""
    job = {
        "way": way,
        "text": TEXT,
        "senders": senders,
        "connection": {
            "host": LOOPBACK,
            "port": server.port,
            "user": SUPERUSER,
            "password": DATABASE_PASSWORD,
            "database": "postgres",
            "options": f"-c role={ROLES[way]}",
        },
    }
    before = _count(superuser)
    with metered_clients(server) as spent:
        answer = json.loads(_node("send.mjs", said=json.dumps(job)))
        times: list[float] = answer["times"]
        # The server's meters run from the first warm send on: these are theirs too.
        spent.calls = len(times) + CLIENTS * WARM
        spent.seconds = answer["seconds"] * spent.calls / len(times)
    grown = tuple(b - a for a, b in zip(before, _count(superuser), strict=True))
    if grown != (spent.calls, spent.calls):
        raise BenchmarkError(
            f"{spent.calls} sends by {way} added {grown[0]} messages, moved heads by {grown[1]}"
        )
    return spent, times


def _count(superuser: Connection) -> tuple[int, ...]:
    """Messages, and the sum of all heads."""
    row = superuser.execute(
        "select (select count(*) from public.messages),"
        " (select sum(last_seq)::bigint from public.conversations)"
    ).fetchone()
    return row or ()


def _install() -> None:
    """Install the packages of the lock and make the client, unless both are there already."""
    wanted = "".join(
        (FOLDER / name).read_text(encoding="utf-8")
        for name in ("package-lock.json", "schema.prisma")
    )
    stamp = FOLDER / "node_modules" / ".installed"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    _call(Path(sys.executable).parent / "npm", "ci")
    _node("node_modules/prisma/build/index.js", "generate")
    stamp.write_text(wanted, encoding="utf-8")


def _node(script: str, *arguments: str, said: str = "") -> str:
    return _call(Path(sys.executable).parent / "node", script, *arguments, said=said)


def _call(program: Path, *arguments: str, said: str = "") -> str:
    """What a program of the virtual environment prints when it is told `said`."""
    environment = os.environ | {
        "PATH": f"{program.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        # No question for newer versions, and no download of an engine that only migrations need:
        # the generator looks whether the file is there and does not run it.
        "CHECKPOINT_DISABLE": "1",
        "PRISMA_SCHEMA_ENGINE_BINARY": shutil.which("true") or "",
    }
    command = [str(program), *arguments]
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=FOLDER,
            env=environment,
            input=said,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchmarkError(f"{program.name} could not run: {error}") from error
    if done.returncode:
        ends = " / ".join(line.strip() for line in done.stderr.splitlines()[-12:] if line.strip())
        raise BenchmarkError(f"{program.name} {arguments[0]} failed: {ends}")
    return done.stdout
