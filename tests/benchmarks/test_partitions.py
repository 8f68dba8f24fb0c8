"""The layouts of messages: filled, measured and taken away again."""

from __future__ import annotations

import pytest

from scripts.benchmarks.database import Side
from scripts.benchmarks.meters import is_supported
from scripts.benchmarks.partitions import LAYOUTS, STATEMENTS, as_page, measure_layouts

pytestmark = pytest.mark.skipif(
    not is_supported(), reason="other processes' processor time can be read on Linux only"
)


def test_every_call_and_the_end_of_a_month_are_measured_in_every_layout(side: Side) -> None:
    rows = measure_layouts(side, messages=6_000, rounds=1, calls=20)
    assert len(rows) == len(LAYOUTS) * (len(STATEMENTS) + 2)
    for row in rows:
        assert row.new_us or row.figure, row
        assert ("B of log" in row.more) == row.what.startswith(("insert", "the end")), row
    page = as_page(rows)
    assert len(page.splitlines()) == 2 + len(STATEMENTS) + 2
    assert all(layout.name in page.splitlines()[0] for layout in LAYOUTS)
    with side.connect() as session:
        assert session.execute("select to_regclass('bench.messages')").fetchone() == (None,)
