"""Bytes of a message: its row, its indexes, and its broadcast rows."""

from __future__ import annotations

import random

from scripts.benchmarks.bench import Bench
from scripts.benchmarks.compare import Row
from scripts.benchmarks.database import Side
from scripts.benchmarks.pgbench import play
from scripts.benchmarks.send import SEND

# So many sends at least fill the pages of the broadcasts' table.
SENDS = 1_000

BYTES = """
select
  pg_total_relation_size('public.messages') / greatest(count(*), 1),
  pg_indexes_size('public.messages') / greatest(count(*), 1)
from public.messages
"""
# Partitions of realtime.messages hold their own rows; the parent is empty.
BROADCASTS = """
select
  (select count(*) from realtime.messages),
  coalesce(sum(pg_total_relation_size(p.relid)), 0)
from pg_partition_tree('realtime.messages') as p
where p.isleaf
"""


def measure_store(bench: Bench) -> list[Row]:
    """Bytes on disk; no gate, docs/SCALING.md needs them."""
    texts, figures = [], []
    for name, side in bench.sides.items():
        side.settle()
        whole, indexes = _ask(side, BYTES)
        texts.append(f"{whole:,.0f} bytes {name}, {indexes:,.0f} of them indexes")
        figures.append(whole)
    told = _broadcast_bytes(bench)
    return [
        Row("store", "a message of 60 letters on disk", more="; ".join(texts), figure=figures[0]),
        Row(
            "store",
            "a broadcast row on disk",
            more=f"{told:,.0f} bytes with its indexes, kept for three days",
            figure=told,
        ),
    ]


def _broadcast_bytes(bench: Bench) -> float:
    before = _ask(bench.new, BROADCASTS)
    pick = random.Random(1)  # noqa: S311
    with bench.new.connect() as session:
        session.execute("set role authenticated")
        for _ in range(SENDS):
            play(session, SEND, bench.size, pick)
    after = _ask(bench.new, BROADCASTS)
    return (after[1] - before[1]) / max(1, after[0] - before[0])


def _ask(side: Side, query: str) -> tuple[float, ...]:
    with side.connect() as superuser:
        return tuple(float(value) for value in superuser.execute(query.encode()).fetchone() or ())
