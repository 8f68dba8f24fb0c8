"""Messages as one table, in partitions by month, and in partitions by conversation.

The table has the columns and indexes of `public.messages`, not its triggers; a unique index of a
partitioned table must hold the key of the partitions, and so promises less. The messages of a year
lie in the order of time, a hundred of each conversation are spread over the year. The layouts take
turns; the `floor` is the one table.
"""

from __future__ import annotations

import random
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from scripts.benchmarks.compare import Gate, Row, compare, interleave, middle
from scripts.benchmarks.database import (
    SETTINGS,
    BenchmarkError,
    Connection,
    Server,
    Side,
    make_side,
)
from scripts.benchmarks.meters import Spent, metered_session
from scripts.benchmarks.publish import SCALING, write_section
from scripts.benchmarks.read import BARE_PAGE, BARE_SYNC, LIST, PAGE
from scripts.benchmarks.world import Size
from scripts.dev.local_supabase.throwaway import running_cluster

MESSAGES = {"smoke": 6_000, "quick": 1_000_000}
USUAL_MESSAGES = 20_000_000
# Calls of one round.
CALLS = {"smoke": 20}
USUAL_CALLS = 2_000
EACH = 100
MONTHS = 12
PARTS = 16
# A table that is made and filled in one transaction is not logged then.
FILLING = {"wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "4GB"}


@dataclass(frozen=True)
class Layout:
    """How the table is divided: by what, and the bounds of each part."""

    name: str
    key: str = ""
    clause: str = ""
    bounds: tuple[str, ...] = ()


def _month(number: int) -> str:
    return f"{2026 + number // 12}-{number % 12 + 1:02d}-01+00"


LAYOUTS = (
    Layout("one table"),
    Layout(
        "by month",
        "created_at",
        "partition by range (created_at)",
        tuple(f"from ('{_month(m)}') to ('{_month(m + 1)}')" for m in range(MONTHS)),
    ),
    Layout(
        "by conversation",
        "conversation_id",
        "partition by hash (conversation_id)",
        tuple(f"with (modulus {PARTS}, remainder {part})" for part in range(PARTS)),
    ),
)

PAIRS = """
create schema if not exists bench;
create table bench.pairs as
select
  c::integer, md5('c' || c)::uuid as id,
  md5('a' || c)::uuid as user_a, md5('b' || c)::uuid as user_b
from generate_series(0, {messages} / {each} - 1) as c;
analyze bench.pairs;
"""
FILL = """
insert into bench.messages (
  id, conversation_id, seq, sender_id, receiver_id, message, message_type, client_message_id,
  created_at, updated_at, expires_at
)
select
  md5('m' || n)::uuid, p.id, n / ({messages} / {each}) + 1, p.user_a, p.user_b,
  'Can you send me the draft of part ' || n % 1000 || ' before tomorrow evening?',
  'user_input', md5('t' || n)::uuid, at.sent, at.sent,
  case when n % 50 in (7, 17, 27, 37, 47) then at.sent + interval '2000 hours' end
from generate_series(0, {messages} - 1) as n
join bench.pairs as p on p.c = n % ({messages} / {each})
cross join lateral (
  select timestamptz '2026-01-01+00' + interval '365 days' * (n::float8 / {messages}) as sent
) as at
"""
INDEXES = """
select pg_get_indexdef(i.indexrelid), i.indisunique
from pg_index as i where i.indrelid = 'public.messages'::regclass
order by i.indexrelid
"""
COLUMNS = "(like public.messages including defaults including storage)"
FILLED = "with (fillfactor = 90)"
SIZE = """
select coalesce(sum(pg_total_relation_size(p.relid)), pg_total_relation_size('bench.messages'))
from pg_partition_tree('bench.messages') as p
"""
DELETE = "delete from bench.messages where created_at < %s"

SEND = """
insert into bench.messages (
  conversation_id, seq, sender_id, receiver_id, message, message_type, client_message_id,
  created_at, updated_at
)
values (
  %(id)s, %(seq)s, %(user_a)s, %(user_b)s,
  'Can you send me the draft of part 7 before tomorrow evening?', 'user_input', %(token)s,
  '2026-12-31 12:00+00', '2026-12-31 12:00+00'
)
returning id
"""
REPEAT = """
select id from bench.messages where sender_id = %(user_a)s and client_message_id = %(token)s
"""


@dataclass(frozen=True)
class Call:
    """A statement, how many rows it must answer, and the part of a round's calls that it makes."""

    query: str
    rows: int
    part: float = 1.0


STATEMENTS = {
    "page of 50": Call(BARE_PAGE.replace("public.", "bench."), PAGE, 0.5),
    "sync of 200 messages in 20 conversations": Call(
        BARE_SYNC.replace("public.", "bench."), 10 * LIST, 0.1
    ),
    "a message by its client's id": Call(REPEAT, 0),
    "insert of a message": Call(SEND, 1),
}


def measure_partitions(size: Size) -> list[Row]:
    """Every layout on a server of its own, which needs 35 GB of disk for 20 million messages."""
    messages = MESSAGES.get(size.name, USUAL_MESSAGES)
    with running_cluster(settings=SETTINGS | FILLING | {"shared_buffers": "2GB"}) as cluster:
        server = Server(cluster.data, cluster.port, cluster.binaries)
        side = make_side(server, "new")
        return measure_layouts(side, messages, size.rounds, CALLS.get(size.name, USUAL_CALLS))


def write_partitions(rows: Sequence[Row]) -> None:
    """Put the rows of this module, if there are any, into docs/SCALING.md."""
    mine = [row for row in rows if row.number == "partitions"]
    if mine:
        write_section(SCALING, "partitions", as_page(mine))


def as_page(rows: Sequence[Row]) -> str:
    """A Markdown table: a line for each call, a column for each layout."""
    calls: dict[str, dict[str, Row]] = {}
    messages = ""
    for row in rows:
        what, layout = row.what.split(": ")
        call, messages = what.rsplit(", ", 1)
        calls.setdefault(call, {})[layout] = row
    lines = [
        f"| of {messages} messages | {' | '.join(layout.name for layout in LAYOUTS)} |",
        "|---" * (len(LAYOUTS) + 1) + "|",
    ]
    for call, cells in calls.items():
        told = (_tell(cells[layout.name]) for layout in LAYOUTS)
        lines.append(f"| {call} | {' | '.join(told)} |")
    return "\n".join(lines)


def _tell(row: Row) -> str:
    micros = row.new_us
    if micros is None:
        return row.more
    return f"{micros:,.0f} us; {row.more}" if micros < 1e5 else f"{micros / 1e6:,.1f} s; {row.more}"


def measure_layouts(side: Side, messages: int, rounds: int, calls: int) -> list[Row]:
    """The rows of the table: each call and the end of a month, in each layout, in turns."""
    rows: list[Row] = []
    with side.connect() as session:
        session.execute(PAIRS.format(messages=messages, each=EACH).encode())
        tables = [_Table(session, layout, messages) for layout in LAYOUTS]
        found = {name: _play(tables, call, rounds, calls) for name, call in STATEMENTS.items()}
        found["the end of a month"] = {t.layout.name: t.end_month() for t in tables}
        for name, told in found.items():
            for layout, (spent, more) in told.items():
                sides = {"new": spent, "floor": told[LAYOUTS[0].name][0]}
                row = compare("partitions", f"{name}, {messages:,}: {layout}", sides, Gate())
                rows.append(replace(row, more=more))
        for table in tables:
            what = f"a message on disk, with its indexes, {messages:,}: {table.layout.name}"
            rows.append(Row("partitions", what, more=f"{table.size:,.0f} bytes", figure=table.size))
            session.execute(f"drop schema {table.schema} cascade".encode())
        session.execute("drop table bench.pairs")
    return rows


def _play(
    tables: Sequence[_Table], call: Call, rounds: int, calls: int
) -> dict[str, tuple[list[Spent], str]]:
    repeats = max(6, int(calls * call.part))
    blocks = {table.layout.name: table.count_blocks(call) for table in tables}
    turns = {table.layout.name: partial(table.spend, call, repeats) for table in tables}
    spent = interleave(turns, rounds)
    return {
        name: (costs, (_log(costs) if call.query == SEND else "") + f"{blocks[name]:,} blocks")
        for name, costs in spent.items()
    }


def _log(spent: Sequence[Spent]) -> str:
    written = middle(spent, "wal_bytes_per_call")
    return (
        f"{written / 1e3:,.1f} kB of log; "
        if written < 1e6
        else f"{written / 1e6:,.0f} MB of log; "
    )


class _Table:
    """The messages in one layout; every layout is asked for the same ones."""

    def __init__(self, session: Connection, layout: Layout, messages: int) -> None:
        self.layout = layout
        self.schema = f"bench_{LAYOUTS.index(layout)}"
        self._session = session
        self._fill(messages)
        self.size = self._ask(SIZE) / messages
        self._pick = random.Random(1)  # noqa: S311
        self._pairs = session.execute("select * from bench.pairs order by c").fetchall()
        self._sent: Counter[uuid.UUID] = Counter()

    def spend(self, call: Call, repeats: int) -> Spent:
        """What so many calls cost, the first after a checkpoint."""
        self._session.execute("checkpoint")
        values = [self._draw() for _ in range(repeats)]
        with metered_session(self._session) as spent:
            for value in values:
                self._run(call, value)
        spent.calls = repeats
        return spent

    def count_blocks(self, call: Call) -> int:
        """How many blocks a call reads once it is planned."""
        for _ in range(6):
            self._run(call, self._draw())
        explain = self._here(f"explain (analyze, buffers, format json) {call.query}")
        (said,) = self._session.execute(explain, self._draw()).fetchone() or ([],)
        return int(said[0]["Plan"]["Shared Hit Blocks"] + said[0]["Plan"]["Shared Read Blocks"])

    def end_month(self) -> tuple[list[Spent], str]:
        """Drop the month's partition; where there is none, delete its messages and vacuum."""
        self._session.execute("checkpoint")
        with metered_session(self._session) as spent:
            if self.layout.key == "created_at":
                self._session.execute(self._here("drop table bench.part_0"))
            else:
                self._session.execute(self._here(DELETE), [_month(1)])
                self._session.execute(self._here("vacuum (parallel 0) bench.messages"))
        spent.calls = 1
        return [spent], f"{_log([spent])}{spent.seconds:,.1f} s until it is over"

    def _fill(self, messages: int) -> None:
        self._session.execute("set maintenance_work_mem = '512MB'")
        self._session.execute("set work_mem = '128MB'")
        with self._session.transaction():
            self._session.execute(f"create schema {self.schema}".encode())
            self._session.execute(
                self._here(f"create table bench.messages {COLUMNS} {self.layout.clause or FILLED}")
            )
            for number, bounds in enumerate(self.layout.bounds):
                part = f"create table bench.part_{number} partition of bench.messages"
                self._session.execute(self._here(f"{part} for values {bounds} {FILLED}"))
            fill = FILL.format(messages=messages, each=EACH)
            self._session.execute(self._here(fill))
            for definition in list(self._indexes()):
                self._session.execute(self._here(definition))
        self._session.execute(self._here("vacuum analyze bench.messages"))

    def _indexes(self) -> Iterator[str]:
        """The indexes of public.messages; a unique one with the key of the partitions in it."""
        key = self.layout.key
        for definition, is_unique in self._session.execute(INDEXES).fetchall():
            text = re.sub(r" INDEX \w+ ON public\.", " INDEX ON bench.", definition)
            columns = re.search(r"\((.+?)\)", text)
            if is_unique and key and columns and key not in columns[1].split(", "):
                text = text.replace(columns[0], f"({columns[1]}, {key})", 1)
            yield text

    def _draw(self) -> dict[str, Any]:
        known = self._pick.sample(self._pairs, LIST)
        _, chosen, user_a, user_b = known[0]
        self._sent[chosen] += 1
        return {
            "conversation": chosen, "before": EACH + 1,
            "conversations": [row[1] for row in known], "seqs": [EACH - 10] * LIST,
            "id": chosen, "seq": EACH + self._sent[chosen], "user_a": user_a, "user_b": user_b,
            "token": uuid.UUID(int=self._pick.getrandbits(128)),
        }  # fmt: skip

    def _run(self, call: Call, values: dict[str, Any]) -> None:
        found = len(self._session.execute(self._here(call.query), values, prepare=True).fetchall())
        if found != call.rows:
            raise BenchmarkError(f"{found} rows, not {call.rows}: {call.query.strip()[:60]}")

    def _ask(self, query: str) -> float:
        (value,) = self._session.execute(self._here(query)).fetchone() or (0,)
        return float(value)

    def _here(self, query: str) -> bytes:
        """The statement with the layout's own tables; the pairs are those of all."""
        return re.sub(r"\bbench\.(?!pairs)", f"{self.schema}.", query).encode()
