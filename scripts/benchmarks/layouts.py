"""A subject's tables in several layouts: as they are, or divided into partitions.

The tables have the columns and indexes of the product's, not its triggers and checks; a unique
index of a partitioned table must hold the key of the partitions, and so promises less. The layouts
take turns; the first is the `floor`.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from scripts.benchmarks.world import Size
from scripts.dev.local_supabase.throwaway import running_cluster

Owners = Sequence[tuple[Any, ...]]
Values = dict[str, Any]

LINES = {"smoke": 8_000, "quick": 1_000_000}
USUAL_LINES = 20_000_000
# Calls of one round.
CALLS = {"smoke": 20}
USUAL_CALLS = 2_000
MONTHS = 12
# A table that is made and filled in one transaction is not logged then; the session that is metered
# does everything itself.
FILLING = {
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "shared_buffers": "2GB",
    "max_parallel_workers": "0",
}

INDEXES = """
select pg_get_indexdef(i.indexrelid), i.indisunique
from pg_index as i where i.indrelid = %s::regclass
order by i.indexrelid
"""
OPTIONS = """
select coalesce('with (' || array_to_string(reloptions, ', ') || ')', '')
from pg_class where oid = %s::regclass
"""
HAS_COLUMN = "select from pg_attribute where attrelid = %s::regclass and attname = %s"
SIZE = """
select coalesce(sum(pg_total_relation_size(p.relid)), pg_total_relation_size('{0}'))
from pg_partition_tree('{0}') as p
"""


@dataclass(frozen=True)
class Layout:
    """How the tables are divided: by what, and the bounds of each part, `{lines}` in them."""

    name: str
    key: str = ""
    clause: str = ""
    bounds: tuple[str, ...] = ()

    @property
    def time(self) -> str:
        """The column that a table without a time gets, as its rows must be in a month too."""
        return ", created_at" if self.key == "created_at" else ""

    @property
    def has_months(self) -> bool:
        """Whether the oldest lines are a partition of their own."""
        return "by range" in self.clause


@dataclass(frozen=True)
class Call:
    """A statement, how many rows it must answer, and the part of a round's calls that it makes."""

    query: str
    rows: int
    part: float = 1.0


@dataclass(frozen=True)
class Subject:
    """Tables that grow together, what is in them, and what is asked of them.

    Its SQL names the tables in the schema `bench`, and there `owners`, which `prepare` makes and
    whose first column is their number. `{lines}` is how many lines there are, `{each}` how many of
    them an owner has, `{time}` the column of the layout. `draw` chooses the values of a call.
    """

    # Of the rows, and of the section in docs/SCALING.md.
    number: str
    each: int
    lines: str
    line: str
    tables: tuple[str, ...]
    layouts: tuple[Layout, ...]
    prepare: str
    fill: tuple[str, ...]
    calls: Mapping[str, Call]
    # How a month ends that is no partition.
    delete: tuple[str, ...]
    draw: Callable[[random.Random, Owners, Counter[Any]], Values]


def measure_subjects(subjects: Sequence[Subject], size: Size) -> list[Row]:
    """The subjects one after the other, on a server of their own."""
    lines = LINES.get(size.name, USUAL_LINES)
    calls = CALLS.get(size.name, USUAL_CALLS)
    with running_cluster(settings=SETTINGS | FILLING) as cluster:
        side = make_side(Server(cluster.data, cluster.port, cluster.binaries), "new")
        return [
            row
            for subject in subjects
            for row in measure_layouts(side, subject, lines, size.rounds, calls)
        ]


def write_layouts(subject: Subject, rows: Sequence[Row]) -> None:
    """Put the rows of the subject, if there are any, into docs/SCALING.md."""
    mine = [row for row in rows if row.number == subject.number]
    if mine:
        write_section(SCALING, subject.number, as_page(subject, mine))


def as_page(subject: Subject, rows: Sequence[Row]) -> str:
    """A Markdown table: a line for each call, a column for each layout."""
    calls: dict[str, dict[str, Row]] = {}
    lines = ""
    for row in rows:
        what, layout = row.what.split(": ")
        call, lines = what.rsplit(", ", 1)
        calls.setdefault(call, {})[layout] = row
    names = [layout.name for layout in subject.layouts]
    page = [
        f"| of {lines} {subject.lines} | {' | '.join(names)} |",
        "|---" * (len(names) + 1) + "|",
    ]
    for call, cells in calls.items():
        page.append(f"| {call} | {' | '.join(_tell(cells[name]) for name in names)} |")
    return "\n".join(page)


def _tell(row: Row) -> str:
    micros = row.new_us
    if micros is None:
        return row.more
    return f"{micros:,.0f} us; {row.more}" if micros < 1e5 else f"{micros / 1e6:,.1f} s; {row.more}"


def measure_layouts(side: Side, subject: Subject, lines: int, rounds: int, calls: int) -> list[Row]:
    """The rows of the table: each call and the end of a month, in each layout, in turns."""
    rows: list[Row] = []
    with side.connect() as session:
        session.execute(b"create schema if not exists bench")
        session.execute(_fit(subject, lines, subject.prepare).encode())
        tables = [_Tables(session, subject, layout, lines) for layout in subject.layouts]
        found = {name: _play(tables, call, rounds, calls) for name, call in subject.calls.items()}
        found["the end of a month"] = {t.layout.name: t.end_month() for t in tables}
        for name, told in found.items():
            for layout, (spent, more) in told.items():
                sides = {"new": spent, "floor": told[subject.layouts[0].name][0]}
                row = compare(subject.number, f"{name}, {lines:,}: {layout}", sides, Gate())
                rows.append(replace(row, more=more))
        for table in tables:
            what = f"{subject.line} on disk, with its indexes, {lines:,}: {table.layout.name}"
            rows.append(
                Row(subject.number, what, more=f"{table.size:,.0f} bytes", figure=table.size)
            )
            session.execute(f"drop schema {table.schema} cascade".encode())
        session.execute("drop schema bench cascade")
    return rows


def _play(
    tables: Sequence[_Tables], call: Call, rounds: int, calls: int
) -> dict[str, tuple[list[Spent], str]]:
    repeats = max(6, int(calls * call.part))
    blocks = {table.layout.name: table.count_blocks(call) for table in tables}
    turns = {table.layout.name: partial(table.spend, call, repeats) for table in tables}
    spent = interleave(turns, rounds)
    return {
        name: (
            costs,
            (_log(costs) if "insert into" in call.query else "") + f"{blocks[name]:,} blocks",
        )
        for name, costs in spent.items()
    }


def _log(spent: Sequence[Spent]) -> str:
    written = middle(spent, "wal_bytes_per_call")
    return (
        f"{written / 1e3:,.1f} kB of log; "
        if written < 1e6
        else f"{written / 1e6:,.0f} MB of log; "
    )


class _Tables:
    """The subject's tables in one layout; every layout is asked for the same lines."""

    def __init__(self, session: Connection, subject: Subject, layout: Layout, lines: int) -> None:
        self.layout = layout
        self.schema = f"bench_{subject.layouts.index(layout)}"
        self._session = session
        self._subject = subject
        self._lines = lines
        self._tables = {table: f"bench.{table.split('.')[1]}" for table in subject.tables}
        self._fill()
        self.size = sum(self._measure(table) for table in self._tables.values()) / lines
        self._pick = random.Random(1)  # noqa: S311
        self._owners = session.execute("select * from bench.owners order by 1").fetchall()
        self._asked: Counter[Any] = Counter()

    def spend(self, call: Call, repeats: int) -> Spent:
        """The cost of so many calls, the first after a checkpoint."""
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
        """Drop the month's partition; where there is none, delete its lines and vacuum."""
        self._session.execute("checkpoint")
        with metered_session(self._session) as spent:
            if self.layout.has_months:
                for table in self._tables.values():
                    self._session.execute(self._here(f"drop table {table}_0"))
            else:
                for delete in self._subject.delete:
                    if not self._session.execute(self._here(delete)).rowcount:
                        raise BenchmarkError(f"Nothing to delete: {delete.strip()[:60]}")
                for table in self._tables.values():
                    self._session.execute(self._here(f"vacuum (parallel 0) {table}"))
        spent.calls = 1
        return [spent], f"{_log([spent])}{spent.seconds:,.1f} s until it is over"

    def _fill(self) -> None:
        self._session.execute("set maintenance_work_mem = '512MB'")
        self._session.execute("set work_mem = '128MB'")
        with self._session.transaction():
            self._session.execute(f"create schema {self.schema}".encode())
            for source, table in self._tables.items():
                self._create(source, table)
            for fill in self._subject.fill:
                self._session.execute(self._here(fill))
            for source in self._tables:
                for definition in list(self._indexes(source)):
                    self._session.execute(self._here(definition))
        for table in self._tables.values():
            self._session.execute(self._here(f"vacuum analyze {table}"))

    def _create(self, source: str, table: str) -> None:
        columns = f"like {source} including defaults including storage"
        if self.layout.time:
            known = self._session.execute(HAS_COLUMN, [source, "created_at"]).fetchall()
            columns += "" if known else ", created_at timestamptz not null"
        (options,) = self._session.execute(OPTIONS, [source]).fetchone() or ("",)
        clause = self.layout.clause or options
        self._session.execute(self._here(f"create table {table} ({columns}) {clause}"))
        for number, bounds in enumerate(self.layout.bounds):
            part = f"create table {table}_{number} partition of {table} for values"
            self._session.execute(self._here(f"{part} {bounds} {options}"))

    def _indexes(self, source: str) -> Iterator[str]:
        """The indexes of the product's table; a unique one with the key of the partitions in it."""
        key = self.layout.key
        for definition, is_unique in self._session.execute(INDEXES, [source]).fetchall():
            text = re.sub(r" INDEX \w+ ON \w+\.", " INDEX ON bench.", definition)
            columns = re.search(r"\((.+?)\)", text)
            if is_unique and key and columns and key not in columns[1].split(", "):
                text = text.replace(columns[0], f"({columns[1]}, {key})", 1)
            yield text

    def _draw(self) -> Values:
        return self._subject.draw(self._pick, self._owners, self._asked)

    def _run(self, call: Call, values: Values) -> None:
        found = len(self._session.execute(self._here(call.query), values, prepare=True).fetchall())
        if found != call.rows:
            raise BenchmarkError(f"{found} rows, not {call.rows}: {call.query.strip()[:60]}")

    def _measure(self, table: str) -> float:
        (value,) = self._session.execute(self._here(SIZE.format(table))).fetchone() or (0,)
        return float(value)

    def _here(self, query: str) -> bytes:
        """The statement with the layout's own tables; the owners are those of all."""
        query = _fit(self._subject, self._lines, query).replace("{time}", self.layout.time)
        return re.sub(r"\bbench\.(?!owners)", f"{self.schema}.", query).encode()


def _fit(subject: Subject, lines: int, query: str) -> str:
    return query.replace("{lines}", str(lines)).replace("{each}", str(subject.each))
