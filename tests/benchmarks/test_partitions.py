"""The layouts of messages and books: filled, measured and taken away again."""

from __future__ import annotations

import pytest

from scripts.benchmarks.database import Side
from scripts.benchmarks.layouts import Subject, as_page, measure_layouts
from scripts.benchmarks.meters import is_supported
from scripts.benchmarks.partitions import SUBJECTS

pytestmark = pytest.mark.skipif(
    not is_supported(), reason="other processes' processor time can be read on Linux only"
)


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS.keys())
def test_every_call_and_the_end_of_a_month_are_measured_in_every_layout(
    side: Side, subject: Subject
) -> None:
    rows = measure_layouts(side, subject, lines=8_000, rounds=1, calls=20)
    assert len(rows) == len(subject.layouts) * (len(subject.calls) + 2)
    for row in rows:
        assert row.new_us or row.figure, row
        call = subject.calls.get(row.what.split(", 8,000: ")[0])
        is_written = "insert" in call.query if call else row.what.startswith("the end")
        assert ("B of log" in row.more) == is_written, row
    page = as_page(subject, rows)
    assert len(page.splitlines()) == 2 + len(subject.calls) + 2
    assert all(layout.name in page.splitlines()[0] for layout in subject.layouts)
    with side.connect() as session:
        assert session.execute("select to_regnamespace('bench')").fetchone() == (None,)
