"""What a message occupies: its row, its indexes, and the broadcast rows beside it."""

from __future__ import annotations

from scripts.benchmarks.bench import Bench
from scripts.benchmarks.compare import Row
from scripts.benchmarks.database import Side

BYTES = """
select
  pg_total_relation_size('public.messages') / greatest(count(*), 1),
  pg_indexes_size('public.messages') / greatest(count(*), 1)
from public.messages
"""
# Partitions of realtime.messages hold their own rows; the parent is empty.
BROADCAST_BYTES = """
select
  coalesce(sum(pg_total_relation_size(p.relid)), 0)
    / greatest((select count(*) from realtime.messages), 1)
from pg_partition_tree('realtime.messages') as p
where p.isleaf
"""


def measure_store(bench: Bench) -> list[Row]:
    """Bytes on disk after all the other rows; no gate, docs/SCALING.md needs them."""
    texts, figures = {}, {}
    for name, side in bench.sides.items():
        side.settle()
        whole, indexes = _ask(side, BYTES)
        (told,) = _ask(side, BROADCAST_BYTES)
        texts[name] = f"{whole:,.0f} bytes {name}, {indexes:,.0f} of them indexes"
        figures[name] = (whole, told)
    message = "a message of 60 letters on disk"
    rows = [Row("store", message, more="; ".join(texts.values()), figure=figures["new"][0])]
    if figures["new"][1]:
        said = f"{figures['new'][1]:,.0f} bytes with its indexes, kept for three days"
        rows.append(Row("store", "a broadcast row on disk", more=said, figure=figures["new"][1]))
    return rows


def _ask(side: Side, query: str) -> tuple[float, ...]:
    with side.connect() as superuser:
        return tuple(float(value) for value in superuser.execute(query.encode()).fetchone() or ())
