"""The rows in the database are the moves of the model, no more and no fewer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow.rows import CREATION_ACTIONS, ROWS
from tests.support.databases import Database

# The model says where a pause began; the row that leads back there says so by its next state.
WAS_THERE = {
    "was_unstarted": "payment_completed",
    "was_working": "work_in_progress",
    "was_in_review": "work_submitted",
}


@pytest.mark.parametrize("kind", ["bid", "campaign", "direct"])
def test_the_database_and_the_model_have_the_same_moves(db: Database, kind: str) -> None:
    stored = {
        (
            row["name"], row["from_state"], row["role"], row["action"], frozenset(row["guards"]),
            row["to_state"], row["awaiting"],
        )
        for row in db.query(
            """
            select t.*
            from private.flow_transitions as t
            join private.flow_definitions as f on f.id = t.flow_id
            where f.kind = %s and f.status = 'published'
            """,
            kind,
        )
        if row["action"] not in CREATION_ACTIONS
    }  # fmt: skip
    modelled = set()
    for row in ROWS:
        if row.kind != kind:
            continue
        assert all(WAS_THERE.get(name, row.to) == row.to for name in row.guards)
        guards = frozenset("was_there" if name in WAS_THERE else name for name in row.guards)
        awaiting = "unchanged" if row.awaiting == "same" else row.awaiting
        modelled.add((row.name, row.state, row.role, row.action, guards, row.to, awaiting))
    # Where nobody is awaited, `unchanged` and nobody are one.
    quiet = ("disputed", "refund_pending", "real_time", "chat_closed")
    assert _without_turns(modelled, quiet) == _without_turns(stored, quiet)


def _without_turns(rows: set[Any], quiet: tuple[str, ...]) -> set[Any]:
    return {(*row[:6], None if row[5] in quiet and row[1] == row[5] else row[6]) for row in rows}
