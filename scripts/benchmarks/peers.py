"""Goal 3: one call against the same send in nine steps, all over psycopg.

The steps are those of the product's first guide, mended so that they are correct: every row that
decides is read FOR UPDATE. They write no broadcast, check no block and count no rate.
"""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from scripts.benchmarks.cluster import Server
from scripts.benchmarks.meters import Spent, metered_clients
from scripts.benchmarks.pgbench import BenchmarkError
from scripts.benchmarks.report import Row, middle, ratio
from scripts.benchmarks.world import Connection, Size, settle

CLIENTS = 16
TEXT = "Can you send me the draft of part 17 before tomorrow evening?"

# A way to send: a connection, the sender, the conversation.
Way = Callable[[Connection, str, str], None]

CALL = (
    "select public.send_message(%s, %s, client_message_id => %s)"
    " from set_config('request.jwt.claims', %s, true)"
)
ENVELOPE = """
select
  set_config('search_path', '"public", "extensions"', true),
  set_config('role', 'authenticated', true),
  set_config('request.jwt.claims', %s, true),
  set_config('request.method', 'POST', true),
  set_config('request.path', '/rpc/send_message', true),
  set_config('request.headers', '{}', true),
  set_config('request.cookies', '{}', true)
"""


def measure_steps(server: Server, size: Size) -> list[Row]:
    """Goal 3: in one call, and in the transaction that PostgREST makes of it."""
    ways: dict[str, tuple[str, Way]] = {
        "steps": ("postgres", _send_in_steps),
        "call": ("authenticated", _send_in_one_call),
        "envelope": ("authenticator", _send_as_postgrest),
    }
    spent: dict[str, list[Spent]] = {name: [] for name in ways}
    tails: dict[str, list[float]] = {name: [] for name in ways}
    with server.connect() as superuser:
        pairs = superuser.execute(
            "select bench.id(c)::text, bench.id(low)::text from bench.pairs where c < 800000"
        ).fetchall()
        for turn in range(size.rounds):
            settle(superuser)
            order = list(ways)
            for name in order[turn % 3 :] + order[: turn % 3]:
                role, way = ways[name]
                cost, tail = _run(server, size, pairs, role, way)
                spent[name].append(cost)
                tails[name].append(tail)
    rows = []
    for name, what, least in (
        ("call", "one call against nine steps over psycopg", 2.5),
        ("envelope", "one call as PostgREST makes it against nine steps", 1.5),
    ):
        rate = ratio(spent[name], spent["steps"], "rate")
        worst = sorted(a / b for a, b in zip(tails[name], tails["steps"], strict=True))
        p99 = worst[len(worst) // 2]
        most = 0.7 if name == "call" else None
        rows.append(
            Row(
                "3",
                what,
                f"{rate:.2f}x ({middle(spent[name], 'rate'):,.0f} of"
                f" {middle(spent['steps'], 'rate'):,.0f} msgs/s), p99 {p99:.2f}x",
                f">= {least}x msgs/s" + (f", p99 <= {most}x" if most else ""),
                rate >= least and (most is None or p99 <= most),
                ratio(spent[name], spent["steps"], "cpu_us"),
                middle(spent[name], "cpu_us"),
                middle(spent[name], "wal_per_call"),
                floor_us=middle(spent["steps"], "cpu_us"),
            )
        )
    return rows


def _run(
    server: Server, size: Size, pairs: list[tuple[str, ...]], role: str, way: Way
) -> tuple[Spent, float]:
    """What all sends of all clients cost, and how long the slowest hundredth took, in seconds."""
    start = threading.Barrier(CLIENTS + 1)

    def work(number: int) -> list[float]:
        pick = random.Random(number)  # noqa: S311
        took = []
        with server.connect() as session:
            session.execute(f"set role {role}".encode())
            session.prepare_threshold = 0
            start.wait()
            for _ in range(size.transactions):
                # The power law of the other benchmarks.
                conversation, sender = pairs[int(len(pairs) * pick.random() ** 3)]
                began = time.perf_counter()
                way(session, sender, conversation)
                took.append(time.perf_counter() - began)
        return took

    with server.connect() as superuser:
        (before,) = superuser.execute(
            "select sum(last_seq) from public.conversations"
        ).fetchone() or (0,)
        with metered_clients(server) as spent, ThreadPoolExecutor(CLIENTS) as pool:
            jobs = [pool.submit(work, number) for number in range(CLIENTS)]
            start.wait()
            began = time.perf_counter()
            times = sorted(second for job in jobs for second in job.result())
            spent.seconds = time.perf_counter() - began
            spent.calls = len(times)
        (after,) = superuser.execute(
            "select sum(last_seq) from public.conversations"
        ).fetchone() or (0,)
    if after - before != spent.calls:
        raise BenchmarkError(f"{spent.calls} sends as {role} moved the heads by {after - before}")
    return spent, times[len(times) * 99 // 100]


def _claims(sender: str) -> str:
    return json.dumps({"sub": sender, "role": "authenticated"})


def _send_in_one_call(session: Connection, sender: str, conversation: str) -> None:
    session.execute(CALL, [conversation, TEXT, uuid.uuid4(), _claims(sender)])


def _send_as_postgrest(session: Connection, sender: str, conversation: str) -> None:
    with session.transaction():
        session.execute(ENVELOPE, [_claims(sender)])
        session.execute(
            "select public.send_message(%s, %s, client_message_id => %s)",
            [conversation, TEXT, uuid.uuid4()],
        )


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
            "select user_a::text, user_b::text, chat_status, last_seq from public.conversations"
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
            "update public.conversations set last_seq = %s, last_message_at = now(),"
            " updated_at = now() where id = %s",
            [place[3] + 1, conversation],
        )
    # What the guide's socket server puts into the event.
    session.execute("select * from public.users where id = %s", [sender]).fetchone()
