"""Goals 10 and 11: many senders who want the same rows."""

from __future__ import annotations

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg

from scripts.benchmarks.cluster import Server
from scripts.benchmarks.meters import Spent
from scripts.benchmarks.pgbench import BenchmarkError, compose, run_script
from scripts.benchmarks.report import Row, middle, ratio
from scripts.benchmarks.sending import check_sends, count
from scripts.benchmarks.world import Connection, Size, make_id, settle

CLIENTS = 32
SENDS = 64
FREE, PRICE, POINTS = 20, 10, 50
AFFORDABLE = FREE + POINTS // PRICE
RETRIES = 16

SEND = "select public.send_message(%s, %s, client_message_id => %s)"
CROWD = compose("send_message", "authenticated", "pick_evenly", "pick_member", "send_message")


def measure_quota(server: Server, size: Size) -> list[Row]:
    """Goal 10: at the edge of what a user can pay, and many tries of one message."""
    exact = sum(_overspend(server, turn) for turn in range(size.quota_runs))
    single = sum(_repeat_one(server, turn) for turn in range(size.quota_runs))
    with server.connect() as superuser:
        superuser.execute(
            "update private.accounts set daily_free_limit = 1000000 where daily_free_limit = %s",
            [FREE],
        )
    return [
        Row(
            "10",
            f"{SENDS} sends over {CLIENTS} connections, {AFFORDABLE} affordable",
            f"exactly {AFFORDABLE} in {exact} of {size.quota_runs} runs",
            "all",
            exact == size.quota_runs,
        ),
        Row(
            "10",
            f"{RETRIES} equal tries at once",
            f"1 message, 1 charge in {single} of {size.quota_runs} runs",
            "all",
            single == size.quota_runs,
        ),
    ]


def measure_crowd(server: Server, size: Size) -> list[Row]:
    """Goal 11: everybody in one conversation, against the same senders in fifty."""
    # Senders who wait for each other need no more calls to be told apart from those who do not.
    size = replace(size, transactions=max(size.transactions // 4, 1))
    spent: dict[int, list[Spent]] = {1: [], 50: []}
    with server.connect() as watcher:
        for turn in range(size.rounds):
            settle(watcher)
            for spread in (1, 50) if turn % 2 else (50, 1):
                before = count(watcher)
                spent[spread].append(run_script(server, CROWD, size, CLIENTS, spread=spread))
                check_sends("crowd", before, count(watcher), CLIENTS * size.transactions)
    rate = ratio(spent[1], spent[50], "rate")
    return [
        Row(
            "11",
            f"{CLIENTS} senders in one conversation against fifty",
            f"{rate:.2f}x ({middle(spent[1], 'rate'):,.0f} of"
            f" {middle(spent[50], 'rate'):,.0f} msgs/s)",
            ">= 0.3x msgs/s",
            rate >= 0.3,
            ratio(spent[1], spent[50], "cpu_us"),
            middle(spent[1], "cpu_us"),
            middle(spent[1], "wal_per_call"),
        )
    ]


def _overspend(server: Server, turn: int) -> bool:
    """Whether exactly what is affordable went through, and books and numbers agree."""
    with server.connect() as superuser:
        user, conversation = _sender(superuser, turn)
        before = _balance(superuser, user, conversation)
        answers = _at_once(
            server, user, [(conversation, uuid.uuid4()) for _ in range(SENDS)], CLIENTS
        )
        after = _balance(superuser, user, conversation)
    sent = answers.count("sent")
    if sent + answers.count("INSUFFICIENT_POINTS") != SENDS:
        raise BenchmarkError(f"Sends at the edge of the quota ended as {sorted(set(answers))}")
    grown = tuple(b - a for a, b in zip(before, after, strict=True))
    return sent == AFFORDABLE and grown == (AFFORDABLE, AFFORDABLE, AFFORDABLE, -POINTS, -POINTS)


def _repeat_one(server: Server, turn: int) -> bool:
    """Whether equal tries at once made one message at one price."""
    with server.connect() as superuser:
        user, conversation = _sender(superuser, turn)
        before = _balance(superuser, user, conversation)
        answers = _at_once(server, user, [(conversation, uuid.uuid4())] * RETRIES, RETRIES)
        after = _balance(superuser, user, conversation)
    if answers != ["sent"] * RETRIES:
        raise BenchmarkError(f"Equal tries ended as {sorted(set(answers))}")
    return tuple(b - a for a, b in zip(before, after, strict=True)) == (1, 1, 1, 0, 0)


def _sender(superuser: Connection, turn: int) -> tuple[str, str]:
    """The lower member of a conversation, with the free messages and points of the goal."""
    row = superuser.execute(
        "select user_a::text, id::text from public.conversations where id = %s",
        [make_id(turn + 1)],
    ).fetchone()
    if row is None:
        raise BenchmarkError("The benchmark's data is not there")
    superuser.execute(
        "update private.accounts set daily_free_limit = %s, points_per_message = %s,"
        " points_balance = %s, points_high = %s, messages_sent_today = 0"
        " where user_id = %s",
        [FREE, PRICE, POINTS, POINTS, row[0]],
    )
    return str(row[0]), str(row[1])


def _balance(superuser: Connection, user: str, conversation: str) -> tuple[int, ...]:
    """Messages of the user, sends counted, the conversation's head, balance, sum of the ledger."""
    row = superuser.execute(
        "select (select count(*) from public.messages where sender_id = a.user_id),"
        " a.messages_sent_today,"
        " (select last_seq from public.conversations where id = %s), a.points_balance,"
        " (select coalesce(sum(delta), 0) from private.points_ledger where user_id = a.user_id)"
        " from private.accounts as a where a.user_id = %s",
        [conversation, user],
    ).fetchone()
    return tuple(int(value) for value in row or ())


def _at_once(
    server: Server, user: str, sends: list[tuple[str, uuid.UUID]], clients: int
) -> list[str]:
    """Send from so many connections that start together; what each send ended as."""
    start = threading.Barrier(clients)
    claims: dict[str, Any] = {"sub": user, "role": "authenticated"}

    def work(mine: list[tuple[str, uuid.UUID]]) -> list[str]:
        with server.connect() as session:
            session.execute(
                "select set_config('request.jwt.claims', %s, false)", [json.dumps(claims)]
            )
            session.execute("set role authenticated")
            start.wait()
            return [_send(session, conversation, token) for conversation, token in mine]

    with ThreadPoolExecutor(clients) as pool:
        return [
            end
            for ends in pool.map(work, (sends[n::clients] for n in range(clients)))
            for end in ends
        ]


def _send(session: Connection, conversation: str, token: uuid.UUID) -> str:
    try:
        session.execute(SEND, [conversation, "At once", token])
    except psycopg.DatabaseError as error:
        said = error.diag.message_primary or ""
        return str(json.loads(said)["code"]) if said.startswith("{") else said
    return "sent"
