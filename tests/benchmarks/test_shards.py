"""No statement of a hot call looks at rows of everybody: each finds them by a key."""

from __future__ import annotations

from scripts.benchmarks.database import Side
from scripts.benchmarks.shards import CALLS, find_keys


def test_every_statement_of_the_hot_calls_has_a_key(side: Side) -> None:
    found = find_keys(side)
    assert set(found) == set(CALLS)
    for call, keys in found.items():
        assert "private.participants" in keys["conversation"] | keys["user"], call
        assert keys["none"] == set(), call
