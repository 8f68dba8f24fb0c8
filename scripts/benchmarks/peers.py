"""Row 3: one call against the same send in nine steps over psycopg, node-postgres and Prisma.

The steps are those of the product's first guide, mended so that they are correct: every row that
decides is read FOR UPDATE. They write no broadcast, check no block and count no rate. Prisma runs
with its driver adapter, which needs no engine. The call goes over psycopg beside psycopg, and over
node-postgres beside the other two. With one client all bytes go through a proxy (delay.py) that
adds one millisecond to a round trip.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import psycopg

from scripts.benchmarks.bench import Bench
from scripts.benchmarks.compare import Row, interleave, middle, ratio
from scripts.benchmarks.database import ROOT, BenchmarkError, Connection, Side
from scripts.benchmarks.meters import Spent, metered_clients
from scripts.benchmarks.world import run_sql
from scripts.dev.local_supabase.config import DATABASE_PASSWORD, LOOPBACK
from scripts.dev.local_supabase.postgres import SUPERUSER

FOLDER = Path(__file__).parent / "node"
TEXT = "Can you send me the draft of part 17 before tomorrow evening?"
DELAY_MS = 1.0
# Sends of each sender before its clock starts: its plans, and its driver's compiled code.
WARM = 20
# Seconds that one process may take: an installation, or all sends one way on a busy machine.
PATIENCE = 600.0

# Peer, its steps, the call over the same driver, how many times the messages a second.
PEERS = (
    ("psycopg", "psycopg steps", "psycopg call", 1.4),
    ("node-postgres", "node steps", "node call", 1.8),
    ("Prisma", "node prisma", "node call", 5.0),
)
LEAST_P50 = 5.0

# Where each of the senders sends: conversation and user.
Places = Sequence[Sequence[tuple[str, ...]]]

CALL = (
    "select public.send_message(%s, %s, client_message_id => %s)"
    " from set_config('request.jwt.claims', %s, true)"
)


@dataclass(frozen=True)
class Sends:
    """The cost of all sends for the server, and the milliseconds of each timed one."""

    spent: Spent
    times: Sequence[float]

    @property
    def p50(self) -> float:
        """The median of the times."""
        return median(self.times)


def measure_peers(bench: Bench) -> list[Row]:
    """Row 3.

    Raises:
        BenchmarkError: the packages could not be installed, or a way did not do its work.
    """
    _install()
    with bench.new.connect() as superuser:
        if superuser.execute("select to_regclass('bench.points_wallets')").fetchone() == (None,):
            run_sql(superuser, "peers.sql")
        pairs = superuser.execute(
            "select bench.id(c)::text, bench.id(low)::text from bench.pairs where c < 800000"
        ).fetchall()
    clients, sends = max(4, bench.size.clients), bench.size.cold // 4
    found = _measure(bench, bench.new.server.port, _pick(pairs, clients, sends))
    rows = _compare(clients, found)
    with delayed(bench.new.server.port, DELAY_MS) as port:
        found = _measure(bench, port, _pick(pairs, 1, sends))
        return rows + _compare_delayed(found, round_trip(bench.new, port))


def _compare(clients: int, found: dict[str, list[Sends]]) -> list[Row]:
    rows = []
    for peer, steps, call, least in PEERS:
        ours, theirs = ([one.spent for one in found[way]] for way in (call, steps))
        rate = ratio(ours, theirs, "rate") or 0
        rows.append(
            Row(
                "3",
                f"one call against nine steps over {peer}, {clients} clients",
                middle(ours, "cpu_us"),
                floor_us=middle(theirs, "cpu_us"),
                floor_ratio=ratio(ours, theirs),
                new_wal=middle(ours, "wal_per_call"),
                gate=f">= {least}x msgs/s",
                met=rate >= least,
                more=f"{rate:.2f}x ({middle(ours, 'rate'):,.0f} of {middle(theirs, 'rate'):,.0f}"
                " msgs/s); the floor is the steps",
            )
        )
    return rows


def _compare_delayed(found: dict[str, list[Sends]], trip: float) -> list[Row]:
    rows = []
    for peer, steps, call, _ in PEERS:
        ours, theirs = (median(one.p50 for one in found[way]) for way in (call, steps))
        rows.append(
            Row(
                "3",
                f"the same over {peer}, 1 client, {trip:.1f} ms of round trip",
                gate=f"p50 >= {LEAST_P50:.0f}x shorter",
                met=theirs / ours >= LEAST_P50,
                more=f"{theirs / ours:.1f}x shorter: {ours:.1f} of {theirs:.1f} ms",
            )
        )
    return rows


def _measure(bench: Bench, port: int, places: Places) -> dict[str, list[Sends]]:
    ways = dict.fromkeys(way for _, *both, _ in PEERS for way in both)
    variants = {way: partial(_run, bench.new, port, way, places) for way in ways}
    return interleave(variants, bench.size.rounds)


def _run(side: Side, port: int, way: str, places: Places) -> Sends:
    driver, what = way.split()
    side.settle()
    before = _heads(side)
    with metered_clients(side) as spent:
        send = _send_by_psycopg if driver == "psycopg" else _send_by_node
        seconds, times = send(side, port, what, places)
        # The server's meters run from the first warm send on: these are theirs too.
        spent.calls = len(times) + len(places) * WARM
        spent.seconds = seconds * spent.calls / len(times)
    if (moved := _heads(side) - before) != spent.calls:
        raise BenchmarkError(f"{spent.calls} sends by {way} moved the heads by {moved}")
    return Sends(spent, times)


def _pick(pairs: Sequence[tuple[str, ...]], clients: int, count: int) -> Places:
    """By the power law of the other rows."""
    pick = random.Random(1)  # noqa: S311
    return [
        [pairs[int(len(pairs) * pick.random() ** 3)] for _ in range(WARM + count)]
        for _ in range(clients)
    ]


def _heads(side: Side) -> int:
    with side.connect() as superuser:
        (heads,) = superuser.execute(
            "select sum(last_seq)::bigint from private.conversations"
        ).fetchone() or (0,)
    return int(heads)


# psycopg: a thread for each sender


def _send_by_psycopg(side: Side, port: int, what: str, places: Places) -> tuple[float, list[float]]:
    role, way = {
        "call": ("authenticated", _send_in_one_call),
        "steps": ("postgres", _send_in_steps),
    }[what]
    start = threading.Barrier(len(places) + 1)

    def work(mine: Sequence[tuple[str, ...]]) -> list[float]:
        took = []
        with _connect(side, port) as session:
            session.execute(f"set role {role}".encode())
            session.prepare_threshold = 0
            try:
                for conversation, sender in mine[:WARM]:
                    way(session, sender, conversation)
            except Exception:
                start.abort()
                raise
            start.wait()
            for conversation, sender in mine[WARM:]:
                began = time.perf_counter()
                way(session, sender, conversation)
                took.append((time.perf_counter() - began) * 1000)
        return took

    with ThreadPoolExecutor(len(places)) as pool:
        jobs = [pool.submit(work, mine) for mine in places]
        with suppress(threading.BrokenBarrierError):
            start.wait()
        began = time.perf_counter()
        try:
            times = [milli for job in jobs for milli in job.result()]
        except psycopg.Error as error:
            raise BenchmarkError(f"A send by psycopg {what} failed: {error}") from error
        return time.perf_counter() - began, times


def _connect(side: Side, port: int) -> Connection:
    return psycopg.connect(side.server.dsn(SUPERUSER, side.database), port=port, autocommit=True)


def _send_in_one_call(session: Connection, sender: str, conversation: str) -> None:
    claims = json.dumps({"sub": sender, "role": "authenticated"})
    session.execute(CALL, [conversation, TEXT, uuid.uuid4(), claims])


def _send_in_steps(session: Connection, sender: str, conversation: str) -> None:
    with session.transaction():
        quota = session.execute(
            "select quota_date = current_date, messages_sent_today, daily_free_limit"
            " from bench.message_quotas where user_id = %s for update",
            [sender],
        ).fetchone()
        wallet = session.execute(
            "select balance from bench.points_wallets where user_id = %s for update", [sender]
        ).fetchone()
        place = session.execute(
            "select user_a::text, user_b::text, chat_status, last_seq from private.conversations"
            " where id = %s for update",
            [conversation],
        ).fetchone()
        if quota is None or wallet is None or place is None or sender not in place[:2]:
            raise BenchmarkError("The benchmark's data is not there")
        is_today, used, free = quota
        if (is_today and used >= free) or place[2] != "real_time":
            raise BenchmarkError("The peer ran out of free messages")
        session.execute(
            "update bench.message_quotas set quota_date = current_date, messages_sent_today = %s"
            " where user_id = %s",
            [used + 1 if is_today else 1, sender],
        )
        receiver = place[1] if sender == place[0] else place[0]
        session.execute(
            "insert into public.messages (conversation_id, seq, sender_id, receiver_id, message,"
            " message_type, client_message_id) values (%s, %s, %s, %s, %s, 'user_input', %s)"
            " returning *",
            [conversation, place[3] + 1, sender, receiver, TEXT, uuid.uuid4()],
        ).fetchone()
        session.execute(
            "update private.conversations set last_seq = %s, last_message_at = now(),"
            " updated_at = now() where id = %s",
            [place[3] + 1, conversation],
        )
    # What the guide's socket server puts into the event.
    session.execute("select * from public.users where id = %s", [sender]).fetchone()


# Node: one process with as many senders


def _send_by_node(side: Side, port: int, what: str, places: Places) -> tuple[float, list[float]]:
    role = "authenticated" if what == "call" else "postgres"
    job = {
        "way": what,
        "text": TEXT,
        "senders": [{"warm": mine[:WARM], "timed": mine[WARM:]} for mine in places],
        "connection": {
            "host": LOOPBACK,
            "port": port,
            "user": SUPERUSER,
            "password": DATABASE_PASSWORD,
            "database": side.database,
            "options": f"-c role={role}",
        },
    }
    answer = json.loads(_node("send.mjs", said=json.dumps(job)))
    return answer["seconds"], answer["times"]


def _install() -> None:
    """Install the packages of the lock and make the client, unless both are there."""
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


# The network


@contextmanager
def delayed(port: int, millis: float) -> Iterator[int]:
    """The port of a proxy in front of the server."""
    command = [sys.executable, "-m", "scripts.benchmarks.delay", str(port), str(millis)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as proxy:  # noqa: S603
        try:
            yield int(proxy.stdout.readline() if proxy.stdout else 0)
        finally:
            proxy.terminate()


def round_trip(side: Side, port: int) -> float:
    """The milliseconds of the shortest possible question through the proxy."""
    times = []
    with _connect(side, port) as session:
        for _ in range(50):
            began = time.perf_counter()
            session.execute("select 1", prepare=True)
            times.append((time.perf_counter() - began) * 1000)
    return median(times)
