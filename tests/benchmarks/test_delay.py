"""The proxy lets every round trip take what it was told, and changes no byte."""

from __future__ import annotations

import psycopg

from scripts.benchmarks.database import Side
from scripts.benchmarks.peers import delayed, round_trip

DELAY_MS = 20.0


def test_a_round_trip_takes_at_least_the_delay(side: Side) -> None:
    with delayed(side.server.port, DELAY_MS) as port:
        assert round_trip(side, port) >= DELAY_MS
        dsn = side.server.dsn(database=side.database)
        with psycopg.connect(dsn, port=port) as session:
            row = session.execute("select repeat('x', 300000)").fetchone()
    assert row == ("x" * 300_000,)
