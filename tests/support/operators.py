"""What an operator and the clock do between the steps of a test."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import sql

from tests.support.databases import Database

# Counted in no list of tables: kept by Postgres itself.
OWN_SCHEMAS = ("pg_catalog", "information_schema", "pg_toast")


def in_a_year() -> str:
    """A time to mute until."""
    return (datetime.now(UTC) + timedelta(days=365)).isoformat()


def set_setting(db: Database, key: str, value: Any) -> None:
    """Give a setting another value; None switches it off."""
    changed = db.query(
        "update private.settings set value = %s where key = %s returning key",
        *(json.dumps(value), key),
    )
    assert changed, f"there is no setting {key}"


def set_account(db: Database, user: uuid.UUID, **columns: Any) -> None:
    """Change columns of a user's account, behind the back of every rule."""
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in columns
    )
    query = sql.SQL("update private.accounts set {} where user_id = {} returning user_id").format(
        assignments, sql.Placeholder("user_id")
    )
    assert db.query(query.as_string(), {**columns, "user_id": user}), "no such account"


def account_of(db: Database, user: uuid.UUID) -> Any:
    """The user's account as stored, as JSON: times that never were are text."""
    return db.value("select to_jsonb(a) from private.accounts as a where a.user_id = %s", user)


def expire_at(db: Database, moment: datetime, *messages: Any) -> None:
    """Move messages in time so that they expire at the moment; how long they live stays."""
    moved = db.query(
        """
        update public.messages
        set created_at = %s - (expires_at - created_at), expires_at = %s
        where id = any(%s) and expires_at is not null
        returning id
        """,
        *(moment, moment, [uuid.UUID(str(message)) for message in messages]),
    )
    assert len(moved) == len(messages), "a message has no expiry"


def let_expire(db: Database, *messages: Any, days_ago: float = 0) -> datetime:
    """Let messages have expired, just now or some days ago; says when."""
    moment: datetime = db.value("select clock_timestamp()") - timedelta(days=days_ago)
    expire_at(db, moment, *messages)
    return moment


def find_text(db: Database, text: str) -> dict[str, int]:
    """In which tables of the whole database the text stands, in how many rows."""
    tables = db.query_as_superuser(
        """
        select n.nspname as schema, c.relname as name
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'm') and n.nspname <> all(%s) and not c.relispartition
        """,
        list(OWN_SCHEMAS),
    )
    counts = {f"{row['schema']}.{row['name']}": _count(db, text, **row) for row in tables}
    return {name: count for name, count in counts.items() if count}


def _count(db: Database, text: str, schema: str, name: str) -> int:
    query = sql.SQL("select count(*) as n from {} as t where position({} in t::text) > 0").format(
        sql.Identifier(schema, name), sql.Placeholder()
    )
    (row,) = db.query_as_superuser(query.as_string(), text)
    return int(row["n"])
