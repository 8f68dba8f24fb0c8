"""Row 16: sends and reads with many more messages in the table, beside the smaller one."""

from __future__ import annotations

from dataclasses import replace

from scripts.benchmarks.bench import Bench
from scripts.benchmarks.compare import Row
from scripts.benchmarks.database import copy_side
from scripts.benchmarks.read import (
    measure_list,
    measure_page,
    measure_screens,
    measure_sync,
)
from scripts.benchmarks.send import measure_send
from scripts.benchmarks.world import grow_world

LEAST_SPEED = 0.93


def measure_growth(bench: Bench) -> list[Row]:
    """Row 16: both sizes are measured in turns, as two revisions are elsewhere."""
    large = copy_side(bench.new, "large")
    grow_world(large, bench.size.grown)
    pair = Bench({"new": large, "old": bench.new}, bench.size)
    sizes = f"{bench.size.grown:,} beside {bench.size.messages:,} messages"
    rows = []
    for measure in (measure_send, measure_page, measure_list, measure_sync, measure_screens):
        for row in measure(pair):
            row = replace(row, number=f"16 ({row.number})", what=f"{row.what}: {sizes}")
            if row.ratio is not None:
                speed = 1 / row.ratio
                row = replace(
                    row,
                    gate=f">= {LEAST_SPEED}x of the speed",
                    met=speed >= LEAST_SPEED,
                    more=f"{speed:.2f}x of the speed",
                )
            rows.append(row)
    return rows
