"""What the planner knows of strangers' rows, which `Prefer: count=planned` tells everybody."""

from __future__ import annotations

from tests.support.databases import Database

# Words of closed lists, and numbers of steps: they say nothing about anybody's texts or amounts.
PLAIN = {
    "action", "actor_role", "awaiting_role", "chat_status", "currency", "flow_id", "flow_state",
    "from_state", "kind", "made_by", "message_type", "number", "round", "seq", "status", "to_state",
    "version", "visible_to", "work_status",
}  # fmt: skip
TELLING = """
select c.relname || '.' || a.attname as name
from pg_catalog.pg_class as c
join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> 'users'
  and format_type(a.atttypid, null) ~ '^(text|json|bytea|numeric|bigint|integer|double|real)'
  and a.attname <> all (%s)
  and a.attstattarget is distinct from 0
"""
# An index over an expression, or statistics of several columns, has samples of its own.
SAMPLED = """
select indexrelid::regclass::text as name from pg_catalog.pg_index as i
join pg_catalog.pg_class as c on c.oid = i.indrelid and c.relnamespace = 'public'::regnamespace
where i.indexprs is not null
union all
select stxname from pg_catalog.pg_statistic_ext
"""


def test_the_planner_samples_no_texts_and_no_amounts(db: Database) -> None:
    assert db.query(TELLING, sorted(PLAIN)) == []
    assert db.query(SAMPLED) == []
