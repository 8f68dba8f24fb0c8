"""Rows 6, 7, 8, 13 and 15: reads, beside index scans of the rows that they answer.

Every figure is the processor time of the session's own server process, the work for the wire
included. A floor reads the tree's tables, so it tells what is left and is no gate.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import quantiles
from typing import Any

from scripts.benchmarks.act import make_deals
from scripts.benchmarks.bench import Bench
from scripts.benchmarks.compare import Gate, Row, compare
from scripts.benchmarks.database import BenchmarkError, Connection, Side
from scripts.benchmarks.meters import Spent
from scripts.benchmarks.turns import Player, take_turns
from scripts.benchmarks.world import (
    CASUAL,
    CASUAL_CONVERSATIONS,
    LATE,
    READER,
    READER_CONVERSATIONS,
    make_id,
    run_sql,
)

Rows = list[tuple[Any, ...]]

PAGE = 50
LIST = 20
# Calls of one turn.
CALLS = 3

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
  select * from private.conversations where user_b = %(me)s
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

CONTEXT_CALL = "select public.get_conversation_context(%(conversation)s)"
MARK_CALL = "select public.mark_read(%(conversation)s, %(seq)s)"
UNREAD_CALL = "select public.get_unread_count()"


@dataclass(frozen=True)
class Read:
    """One query that is repeated, as one user through the API's role or as the superuser."""

    query: str
    check: Callable[[Rows], bool]
    user: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    # Whether it writes, and so must be undone before it can be measured again.
    undo: bool = False


def measure_page(bench: Bench) -> list[Row]:
    """Row 6: a page of 50 in the busiest conversation."""

    def prepare(side: Side) -> tuple[Read, Read]:
        last, user = _one(
            side, "select last_seq, user_a from private.conversations where id = %s", make_id(1)
        )
        # Where the page is may not depend on how long the conversation has become.
        values = {"conversation": make_id(1), "before": min(last, 1_000) * 3 // 4}
        floor = Read(BARE_PAGE, lambda rows: len(rows) == PAGE, values=values)
        page = Read(
            PAGE_CALL,
            lambda rows: len(rows) == PAGE and len({row[2] for row in rows}) == PAGE,
            int(str(user).replace("-", "")),
            values,
        )
        return page, floor

    return [_measure(bench, "6", "page of 50", prepare, Gate(cpu=0.68))]


def measure_policy(bench: Bench) -> list[Row]:
    """Row 7: the newest 50 of a user with five conversations, by the policy alone."""
    conversations = [make_id(CASUAL + n) for n in range(1, CASUAL_CONVERSATIONS + 1)]

    def prepare(_side: Side) -> tuple[Read, Read]:
        return (
            Read(POLICY_READ, lambda rows: len(rows) == PAGE, CASUAL),
            Read(
                BARE_NEWEST, lambda rows: len(rows) == PAGE, values={"conversations": conversations}
            ),
        )

    return [_measure(bench, "7", "newest 50 by the policy alone", prepare, Gate(ms=3))]


def measure_list(bench: Bench) -> list[Row]:
    """Row 8: 20 of a user's 500 conversations."""

    def prepare(_side: Side) -> tuple[Read, Read]:
        return (
            Read(LIST_CALL, lambda rows: len(rows[0][0]["conversations"]) == LIST, READER),
            Read(BARE_LIST, lambda rows: len(rows) == LIST, values={"me": make_id(READER)}),
        )

    return [_measure(bench, "8", "list, 20 of 500 conversations", prepare, Gate(cpu=0.65))]


def measure_sync(bench: Bench) -> list[Row]:
    """Row 13: a user of 500 conversations has missed ten messages in each of twenty."""
    what = "sync of 200 messages in 20 of 500 conversations"
    return [_measure(bench, "13", what, _miss_messages, Gate(cpu=0.5))]


def _miss_messages(side: Side) -> tuple[Read, Read]:
    with side.connect() as connection:
        rows = connection.execute(
            "select c.id::text, c.last_seq from private.participants as p"
            " join private.conversations as c on c.id = p.conversation_id"
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
        side,
        "select count(*) from public.messages as m"
        " join unnest(%s::uuid[], %s::bigint[]) as k (id, seq)"
        " on m.conversation_id = k.id and m.seq > k.seq - 10"
        " where m.expires_at is null or m.expires_at > now()",
        [r[0] for r in missed],
        [r[1] for r in missed],
    )
    known = dict(rows) | {name: seq - 10 for name, seq in missed}
    sync = Read(
        SYNC_CALL,
        lambda rows: len(rows[0][0]["messages"]) == visible,
        READER,
        {"known": json.dumps(known)},
        undo=True,
    )
    floor = Read(
        BARE_SYNC,
        lambda rows: len(rows) == 10 * LIST,
        values={
            "conversations": [name for name, _ in missed],
            "seqs": [seq - 10 for _, seq in missed],
        },
        undo=True,
    )
    return sync, floor


def measure_mark(bench: Bench) -> list[Row]:
    """The cost of a receipt of three messages; no gate, docs/SCALING.md needs it."""

    def prepare(side: Side) -> tuple[Read, None]:
        (last,) = _one(
            side, "select last_seq from private.conversations where id = %s", make_id(READER + 2)
        )
        values = {"conversation": make_id(READER + 2), "seq": last}
        mark = Read(MARK_CALL, lambda rows: rows[0][0]["read_seq"] == last, READER, values, True)
        return mark, None

    return [_measure(bench, "mark", "mark_read of three messages", prepare, Gate())]


# A screen, and the calls that a client would make without it.
SCREENS = {
    "inbox": (
        "select public.get_inbox_screen()",
        "select public.get_conversations(20), public.get_unread_count(), public.get_quota(),"
        " public.get_profile()",
    ),
    "chat": (
        "select public.get_chat_screen(%(conversation)s)",
        "select public.get_conversation_context(%(conversation)s),"
        " (select json_agg(m) from public.get_messages(%(conversation)s) as m),"
        " public.get_available_actions(%(conversation)s), public.get_quota()",
    ),
    "deal": (
        "select public.get_deal_screen(%(deal)s)",
        "select public.get_conversation_context(%(deal)s), public.get_available_actions(%(deal)s),"
        " (select json_agg(o) from public.offers as o where o.conversation_id = %(deal)s),"
        " (select json_agg(w) from public.work_submissions as w where conversation_id = %(deal)s),"
        " public.get_ratings(%(deal)s), public.get_conversation_history(%(deal)s),"
        " public.verify_conversation(%(deal)s)",
    ),
    "quota": (
        "select public.get_quota_screen()",
        "select public.get_quota(), public.get_points_history()",
    ),
    "market": (
        "select public.get_market_screen()",
        "select public.get_profile(),"
        " (select json_agg(b) from (select b.*, row_to_json(u) as owner from public.bids as b"
        " join public.users as u on u.id = b.influencer_id where b.status = 'open'"
        " order by b.created_at desc limit 20) as b),"
        " (select json_agg(g) from (select g.*, row_to_json(u) as owner from public.campaigns as g"
        " join public.users as u on u.id = g.brand_owner_id where g.status = 'open'"
        " order by g.created_at desc limit 20) as g),"
        " (select json_agg(c.id) from private.conversations as c"
        " where c.bid_id in (select b.id from public.bids as b where b.status = 'open'"
        " order by b.created_at desc limit 20)),"
        " (select json_agg(b) from (select * from public.bids where influencer_id = %(me)s"
        " order by created_at desc limit 20) as b),"
        " (select json_agg(g) from (select * from public.campaigns where brand_owner_id = %(me)s"
        " order by created_at desc limit 20) as g),"
        " (select json_agg(r) from public.requests as r)",
    ),
}
SCREEN = Gate(floor=2.0, p95=30.0)


def measure_screens(bench: Bench) -> list[Row]:
    """A screen beside the sum of its parts, by the user with 500 conversations; the tree alone.

    The deal is somebody else's: the reader has none.
    """
    with bench.new.connect() as connection:
        run_sql(connection, "market.sql", reader=READER)
    ((deal, claims),) = make_deals(bench.new, 1)
    values = {"conversation": make_id(READER + 1), "deal": deal, "me": make_id(READER)}
    influencer = int(json.loads(claims)["sub"].replace("-", ""))
    rows = []
    for name, (screen, parts) in SCREENS.items():
        user = influencer if name == "deal" else READER
        read = Read(screen, lambda rows: rows[0][0] is not None, user, values)
        reads = (read, replace(read, query=parts))
        alone = Bench({"new": bench.new}, bench.size)
        row = _measure(alone, "screen", f"{name} screen", partial(_take, reads), SCREEN)
        rows.append(replace(row, more=f"{row.more}; the floor is its parts"))
    return rows


def _take(reads: tuple[Read, Read], _side: Side) -> tuple[Read, Read]:
    return reads


def measure_unread(bench: Bench) -> list[Row]:
    """Row 15: what a user sees who left very many messages unread in one conversation."""
    unread = bench.size.unread
    # Counting stops at 1,000; some of those have expired.
    least = min(unread, 1_000) * 9 // 10
    for side in bench.sides.values():
        (made,) = _one(side, "select count(*) from private.conversations where id = %s", _late())
        if not made:
            with side.connect() as connection:
                run_sql(connection, "unread.sql", late=LATE, messages=unread)
            side.settle()

    def context(_side: Side) -> tuple[Read, None]:
        def is_counted(rows: Rows) -> bool:
            return int(rows[0][0]["unread_count"]) >= least

        return Read(CONTEXT_CALL, is_counted, LATE, {"conversation": _late()}), None

    def count(_side: Side) -> tuple[Read, None]:
        def is_counted(rows: Rows) -> bool:
            return int(rows[0][0]["unread_messages"]) >= least

        return Read(UNREAD_CALL, is_counted, LATE), None

    return [
        _measure(bench, "15", f"{what} with {unread:,} unread messages", prepare, Gate(ms=5))
        for what, prepare in (("context", context), ("unread count", count))
    ]


def _late() -> str:
    return make_id(LATE + 1)


def _measure(
    bench: Bench,
    number: str,
    what: str,
    prepare: Callable[[Side], tuple[Read, Read | None]],
    gate: Gate,
) -> Row:
    reads: dict[str, tuple[Side, Read]] = {}
    for name, side in bench.sides.items():
        read, floor = prepare(side)
        reads[name] = (side, read)
        if name == "new" and floor is not None:
            reads["floor"] = (side, floor)
    spent: dict[str, list[Spent]] = {name: [] for name in reads}
    times: dict[str, list[float]] = {name: [] for name in reads}
    for _ in range(bench.size.rounds):
        with ExitStack() as sessions:
            players = {
                name: _player(what, sessions.enter_context(_open(side, read)), read, times[name])
                for name, (side, read) in reads.items()
            }
            # Plans settle after the fifth call (plancache.c, choose_custom_plan).
            settling = take_turns(players, 1, 6)
            turns = int(bench.size.read_seconds / settling["new"].cpu_seconds * 6 / CALLS) + 1
            for name, cost in take_turns(players, turns, CALLS).items():
                spent[name].append(cost)
    took = quantiles(times["new"], n=20)
    more = f"p50 {took[9]:.2f} ms, p95 {took[18]:.2f} ms"
    return compare(number, what, spent, gate, more, took[18])


def _open(side: Side, read: Read) -> Connection:
    session = side.connect()
    if read.user is not None:
        session.execute(
            "select set_config('request.jwt.claims', %s, false)",
            [json.dumps({"sub": make_id(read.user), "role": "authenticated"})],
        )
        session.execute("set role authenticated")
    return session


def _player(what: str, session: Connection, read: Read, times: list[float]) -> Player:
    def call() -> None:
        began = time.perf_counter()
        # A read is one statement that commits itself, as the calls of the other rows.
        undone = session.transaction(force_rollback=True) if read.undo else nullcontext()
        with undone:
            rows = session.execute(read.query, read.values, prepare=True).fetchall()
        times.append((time.perf_counter() - began) * 1000)
        if not read.check(rows):
            raise BenchmarkError(f"{what}: the answer of `{read.query.strip()[:60]}` is not whole")

    return Player(session, call)


def _one(side: Side, query: str, *values: Any) -> tuple[Any, ...]:
    with side.connect() as connection:
        row = connection.execute(query.encode(), values).fetchone()
    if row is None:
        raise BenchmarkError("The benchmark's data is not there")
    return row
