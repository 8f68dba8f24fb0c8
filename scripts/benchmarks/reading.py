"""Goals 6, 7, 8 and 13: what reads cost beside index scans of the rows they answer.

Every figure is the processor time of the session's own server process, the work for the wire
included: a client gets the rows, and so it does from the floor.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scripts.benchmarks.cluster import Server
from scripts.benchmarks.meters import Spent, metered_session
from scripts.benchmarks.pgbench import BenchmarkError
from scripts.benchmarks.report import Row, middle, ratio
from scripts.benchmarks.world import (
    CASUAL,
    CASUAL_CONVERSATIONS,
    READER,
    READER_CONVERSATIONS,
    Connection,
    Size,
    make_id,
)

Rows = list[tuple[Any, ...]]

PAGE = 50
LIST = 20
# Calls between two looks at the clock.
BATCH = 5

BARE_PAGE = """
select id, conversation_id, seq, sender_id, receiver_id, message, media_url, message_type,
  visible_to, action_required, action_data, action_completed, is_automated, reply_to,
  client_message_id, expires_at, created_at
from public.messages
where conversation_id = %(conversation)s and seq < %(before)s
order by seq desc
limit 50
"""
PAGE_CALL = "select * from public.get_messages(%(conversation)s, before_seq => %(before)s)"

POLICY_READ = "select * from public.messages order by created_at desc limit 50"
BARE_NEWEST = """
select m.*
from unnest(%(conversations)s::uuid[]) as c (id)
cross join lateral (
  select m.* from public.messages as m
  where m.conversation_id = c.id and (m.expires_at is null or m.expires_at > now())
  order by m.seq desc
  limit 50
) as m
order by m.created_at desc
limit 50
"""

LIST_CALL = "select public.get_conversations(20)"
BARE_LIST = """
select c.*, u.*, m.*
from (
  select * from public.conversations where user_b = %(me)s
  order by last_message_at desc, id desc
  limit 20
) as c
join public.users as u on u.id = c.user_a
join public.messages as m on m.conversation_id = c.id and m.seq = c.last_seq
"""

SYNC_CALL = "select public.sync(%(known)s)"
BARE_SYNC = """
select m.*
from unnest(%(conversations)s::uuid[], %(seqs)s::bigint[]) as known (id, seq)
join public.messages as m on m.conversation_id = known.id and m.seq > known.seq
"""


@dataclass(frozen=True)
class Read:
    """One query that is repeated, as one user through the API's role or as the superuser."""

    query: str
    check: Callable[[Rows], bool]
    user: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    # Whether it writes, and so has to be undone before it can be measured again.
    undo: bool = False


def measure_page(server: Server, size: Size) -> list[Row]:
    """Goal 6: a page of 50 in the busiest conversation."""
    with server.connect() as connection:
        (last, user) = _one(
            connection,
            "select last_seq, user_a from public.conversations where id = %s",
            make_id(1),
        )
    values = {"conversation": make_id(1), "before": last * 3 // 4}
    floor = Read(BARE_PAGE, lambda rows: len(rows) == PAGE, values=values)
    ours = Read(
        PAGE_CALL,
        lambda rows: len(rows) == PAGE and len({row[2] for row in rows}) == PAGE,
        int(str(user).replace("-", "")),
        values,
    )
    return [_row("6", "page of 50 against the index scan", server, size, ours, floor, 1.8)]


def measure_policy(server: Server, size: Size) -> list[Row]:
    """Goal 7: the newest 50 of a user with five conversations, by the policy alone."""
    conversations = [make_id(CASUAL + n) for n in range(1, CASUAL_CONVERSATIONS + 1)]
    floor = Read(
        BARE_NEWEST, lambda rows: len(rows) == PAGE, values={"conversations": conversations}
    )
    ours = Read(POLICY_READ, lambda rows: len(rows) == PAGE, CASUAL)
    return [
        _row("7", "newest 50 by the policy alone against a lateral", server, size, ours, floor, 3.0)
    ]


def measure_list(server: Server, size: Size) -> list[Row]:
    """Goal 8: 20 of a user's 500 conversations."""
    floor = Read(BARE_LIST, lambda rows: len(rows) == LIST, values={"me": make_id(READER)})
    ours = Read(LIST_CALL, lambda rows: len(rows[0][0]["conversations"]) == LIST, READER)
    return [_row("8", "20 of 500 conversations against 20 rows", server, size, ours, floor, 2.5)]


def measure_sync(server: Server, size: Size) -> list[Row]:
    """Goal 13: a user of 500 conversations has missed ten messages in each of twenty."""
    with server.connect() as connection:
        rows = connection.execute(
            "select c.id::text, c.last_seq from private.participants as p"
            " join public.conversations as c on c.id = p.conversation_id"
            " where p.user_id = %s order by c.id",
            [make_id(READER)],
        ).fetchall()
        missed = rows[:: READER_CONVERSATIONS // LIST]
        connection.execute(
            "update private.participants as p"
            " set read_seq = least(p.read_seq, k.seq - 10), delivered_seq = k.seq - 10"
            " from unnest(%s::uuid[], %s::bigint[]) as k (id, seq)"
            " where p.conversation_id = k.id and p.user_id = %s",
            [[r[0] for r in missed], [r[1] for r in missed], make_id(READER)],
        )
        (visible,) = _one(
            connection,
            "select count(*) from public.messages as m"
            " join unnest(%s::uuid[], %s::bigint[]) as k (id, seq)"
            " on m.conversation_id = k.id and m.seq > k.seq - 10"
            " where m.expires_at is null or m.expires_at > now()",
            [r[0] for r in missed],
            [r[1] for r in missed],
        )
    known = dict(rows) | {name: seq - 10 for name, seq in missed}
    floor = Read(
        BARE_SYNC,
        lambda rows: len(rows) == 10 * LIST,
        values={
            "conversations": [name for name, _ in missed],
            "seqs": [seq - 10 for _, seq in missed],
        },
        undo=True,
    )
    ours = Read(
        SYNC_CALL,
        lambda rows: len(rows[0][0]["messages"]) == visible,
        READER,
        {"known": json.dumps(known)},
        undo=True,
    )
    return [_row("13", "sync of 200 messages against reading them", server, size, ours, floor, 3.0)]


def _row(
    goal: str, what: str, server: Server, size: Size, ours: Read, floor: Read, most: float
) -> Row:
    spent: dict[str, list[Spent]] = {"ours": [], "floor": []}
    with server.connect() as session, server.connect() as superuser:
        if ours.user is not None:
            session.execute(
                "select set_config('request.jwt.claims', %s, false)",
                [json.dumps({"sub": make_id(ours.user), "role": "authenticated"})],
            )
        session.execute("set role authenticated")
        for turn in range(size.rounds):
            pair = [("ours", ours, session), ("floor", floor, superuser)]
            for name, read, connection in pair if turn % 2 else reversed(pair):
                spent[name].append(_repeat(what, read, connection, size.read_seconds))
    cpu = ratio(spent["ours"], spent["floor"], "cpu_us")
    elapsed = middle(spent["ours"], "seconds_per_call") * 1000
    met = cpu <= most and (goal != "7" or elapsed <= 3)
    bound = f"<= {most}x CPU" + (", <= 3 ms" if goal == "7" else "")
    return Row(
        goal,
        what,
        f"{cpu:.2f}x ({elapsed:.2f} ms)",
        bound,
        met,
        cpu,
        middle(spent["ours"], "cpu_us"),
        floor_us=middle(spent["floor"], "cpu_us"),
    )


def _repeat(what: str, read: Read, connection: Connection, seconds: float) -> Spent:
    """Repeat a read until it has used so much processor time; the first calls do not count."""

    def call() -> None:
        with connection.transaction(force_rollback=read.undo):
            rows = connection.execute(read.query, read.values, prepare=True).fetchall()
        if not read.check(rows):
            raise BenchmarkError(f"{what}: the answer of `{read.query.strip()[:60]}` is not whole")

    total = Spent()
    # Plans settle after the fifth call (plancache.c, choose_custom_plan).
    for _ in range(6):
        call()
    while total.cpu_seconds < seconds:
        with metered_session(connection) as spent:
            for _ in range(BATCH):
                call()
        total.calls += BATCH
        total.seconds += spent.seconds
        total.cpu_seconds += spent.cpu_seconds
        total.wal_records += spent.wal_records
    return total


def _one(connection: Connection, query: str, *values: Any) -> tuple[Any, ...]:
    row = connection.execute(query.encode(), values).fetchone()
    if row is None:
        raise BenchmarkError("The benchmark's data is not there")
    return row
