"""The floor of row 12 in an older revision: the same two actions, written out as a CASE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from scripts.benchmarks.database import Connection, Side
from scripts.benchmarks.world import SQL

# What sql/case.sql is written with; a revision that lacks one has no such floor.
HELPERS = (
    "private.announce_step", "private.append_event", "private.find_earlier_action",
    "private.lock_conversation", "private.notify_of_step", "private.run_deadlines",
    "private.store_conversation",
)  # fmt: skip
HAS_HELPERS = """
select bool_and(exists (
  select from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
  where n.nspname || '.' || p.proname = h.name
)) and to_regtype('private.flow_note') is not null
from unnest(%s::text[]) as h (name)
"""

# What an action message says of itself, beside what clients draw.
BY_ENGINE = (
    "flow_state", "message_type", "visible_to", "allowed_for", "action_id", "expires_at",
    "completed_by", "completed_action",
)  # fmt: skip


def make_case(side: Side, cycle: Sequence[str], deal: str, claims: str) -> bool:
    """Make `bench.take_action`; whether this revision can have it."""
    with side.connect() as superuser:
        if superuser.execute(HAS_HELPERS, [list(HELPERS)]).fetchone() != (True,):
            return False
        text = (SQL / "case.sql").read_text(encoding="utf-8")
        for name, drawn in _drawings(superuser, cycle, deal, claims).items():
            text = text.replace(f":{name}", sql.Literal(Jsonb(drawn)).as_string(superuser))
        superuser.execute(text.encode())
    return True


def _drawings(
    superuser: Connection, cycle: Sequence[str], deal: str, claims: str
) -> dict[str, Any]:
    """The drawings of clients after each action, from the flow, without ids and times."""
    with superuser.transaction(force_rollback=True):
        superuser.execute("select set_config('request.jwt.claims', %s, true)", [claims])
        asked, resumed = (
            (superuser.execute(action.encode(), [deal]).fetchone() or ({},))[0] for action in cycle
        )
        (shown,) = superuser.execute(
            "select action_data from public.messages where action_data ->> 'title' = %s"
            " and conversation_id = %s",
            ["Cancellation?", deal],
        ).fetchone() or ({},)
    return {
        "drawn_asked": _without(shown, *BY_ENGINE),
        "drawn_resumed": _without(resumed["messages"][-1]["action_data"], *BY_ENGINE),
        "offered_asked": [_without(action, "deadline_at") for action in asked["actions"]],
        "offered_resumed": [_without(action, "deadline_at") for action in resumed["actions"]],
    }


def _without(drawn: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in drawn.items() if name not in names}
