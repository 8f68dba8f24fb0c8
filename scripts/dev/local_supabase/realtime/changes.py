"""postgres_changes: committed row changes, to everybody who may see the row.

Source: supabase/realtime's realtime.apply_rls (recorded behaviour).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from scripts.dev.local_supabase.realtime.authorization import Claims, Context, Pool, set_context
from scripts.dev.local_supabase.realtime.bindings import (
    BadBindingError,
    Binding,
    check_binding,
    read_binding,
)
from scripts.dev.local_supabase.realtime.frames import JSON, dumps, fan_out
from scripts.dev.local_supabase.realtime.listening import Listener
from scripts.dev.local_supabase.realtime.pgoutput import UNCHANGED, Change, Row, Unchanged, Value

# poll_max_record_bytes; a larger record keeps only the values of at most 64 bytes.
MAX_RECORD = 1024 * 1024
SMALL_VALUE = 64

TABLE = """
select a.attname, format_type(a.atttypid, null), t.typname, c.relrowsecurity,
  coalesce(a.attnum = any(i.indkey), false),
  has_column_privilege(%(role)s, a.attrelid, a.attnum, 'select')
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
left join pg_index i on i.indrelid = c.oid and i.indisprimary
where c.oid = %(table)s
order by a.attnum
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One binding of one channel, for the user that the channel's token speaks for."""

    channel: Listener
    binding: Binding
    claims: Claims

    def wants(self, change: Change) -> bool:
        """Whether the change is of the binding's kind and table."""
        binding, relation = self.binding, change.relation
        return (
            binding.event in ("*", change.kind)
            and binding.schema in ("*", relation.schema)
            and binding.table in ("*", relation.name)
        )


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type_name: str
    short_type: str
    row_security: bool
    in_primary_key: bool
    selectable: bool


class Changes:
    """The subscriptions of all channels, and a queue of changes that somebody wants."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._subscriptions: dict[Listener, list[Subscription]] = {}
        self._queue: asyncio.Queue[Change] = asyncio.Queue()

    async def subscribe(
        self, channel: Listener, asked: list[dict[str, Any]], claims: Claims
    ) -> str | None:
        """Replace the channel's subscriptions; returns what is wrong, when something is.

        One bad binding spoils all of the channel's, as on the real server.
        """
        try:
            bindings = [read_binding(binding) for binding in asked]
            async with self._pool.connection() as connection:
                for binding in bindings:
                    async with connection.transaction(force_rollback=True):
                        await check_binding(connection, binding, claims)
        except BadBindingError as error:
            self.unsubscribe(channel)
            return str(error)
        if not channel.stopped:
            self._subscriptions[channel] = [Subscription(channel, b, claims) for b in bindings]
        return None

    def unsubscribe(self, channel: Listener) -> None:
        """Forget what the channel listens to."""
        self._subscriptions.pop(channel, None)

    def handle(self, change: Change) -> None:
        """Queue a change, if anybody wants it."""
        if self._wanting(change):
            self._queue.put_nowait(change)

    async def work(self) -> None:
        """Deliver queued changes one by one, for ever."""
        while True:
            change = await self._queue.get()
            try:
                async with self._pool.connection() as connection:
                    await _until_visible(connection, change)
                    await self._deliver(connection, change)
            except Exception:
                log.exception("a change could not be delivered")

    def _wanting(self, change: Change) -> list[Subscription]:
        # Newest binding first: the order in which the real server lists ids.
        return [
            subscription
            for subscriptions in self._subscriptions.values()
            for subscription in reversed(subscriptions)
            if subscription.wants(change)
        ]

    async def _deliver(self, connection: psycopg.AsyncConnection[Any], change: Change) -> None:
        tables: dict[str, list[_Column]] = {}
        seen: dict[str, bool] = {}
        groups: dict[tuple[Listener, tuple[str, ...] | None], list[Subscription]] = {}
        for subscription in self._wanting(change):
            try:
                async with connection.transaction(force_rollback=True):
                    passes = await _passes(connection, change, subscription, tables, seen)
            except psycopg.DatabaseError as error:
                log.warning("a policy or a filter of postgres_changes failed: %s", error)
                continue
            if passes:
                key = (subscription.channel, subscription.binding.select)
                groups.setdefault(key, []).append(subscription)
        for (channel, select), subscriptions in groups.items():
            columns = tables[subscriptions[0].claims["role"]]
            async with connection.transaction(force_rollback=True):
                data = await _payload(connection, change, columns, select)
            ids = [subscription.binding.id for subscription in subscriptions]
            payload = {"ids": ids, "data": data}
            channel.post_fanout(fan_out(channel.topic.full_name, "postgres_changes", payload))


async def _until_visible(connection: psycopg.AsyncConnection[Any], change: Change) -> None:
    """Wait for the end of the commit: the stream tells of it when it is on disk, before others see.

    The policies would hide the row from everybody for good.
    """
    query = "select pg_visible_in_snapshot(%s::text::xid8, pg_current_snapshot())"
    while (await (await connection.execute(query, [change.transaction])).fetchone()) == (False,):
        await asyncio.sleep(0.005)  # another process's progress: there is no event for it


async def _describe(
    connection: psycopg.AsyncConnection[Any], change: Change, role: str
) -> list[_Column]:
    cursor = await connection.execute(TABLE, {"table": change.relation.oid, "role": role})
    return [_Column(*row) for row in await cursor.fetchall()]


def _problem(change: Change, columns: list[_Column]) -> str | None:
    """Why the row cannot be shown to the role at all, in the real server's words."""
    keys = [column for column in columns if column.in_primary_key]
    if change.kind != "DELETE" and not keys:
        return "Error 400: Bad Request, no primary key"
    if change.kind != "DELETE" and not all(column.selectable for column in keys):
        return "Error 401: Unauthorized"
    return None


async def _visible(
    connection: psycopg.AsyncConnection[Any],
    change: Change,
    columns: list[_Column],
    claims: Claims,
) -> bool:
    """Whether the user sees the row now; a deleted row has no policies any more."""
    secured = any(column.row_security for column in columns)
    if change.kind == "DELETE" or not secured or _problem(change, columns):
        return True
    query = sql.SQL("select exists (select from {} where {})").format(*_row_by_key(change, columns))
    async with connection.transaction(force_rollback=True):
        await set_context(connection, Context("", claims, {}))
        row = await (await connection.execute(query)).fetchone()
    return bool(row and row[0])


async def _passes(
    connection: psycopg.AsyncConnection[Any],
    change: Change,
    subscription: Subscription,
    tables: dict[str, list[_Column]],
    seen: dict[str, bool],
) -> bool:
    """Whether the subscriber sees the row and it meets every filter.

    `tables` and `seen` remember, for one change, what a role may select and which user sees it.
    """
    claims = subscription.claims
    role, user = claims["role"], dumps(claims)
    if role not in tables:
        tables[role] = await _describe(connection, change, role)
    if user not in seen:
        seen[user] = False  # a policy that fails hides the row
        seen[user] = await _visible(connection, change, tables[role], claims)
    if not seen[user]:
        return False
    row = change.old if change.kind == "DELETE" else change.new
    types = {column.name: column.type_name for column in tables[role]}
    conditions = []
    for item in subscription.binding.filters:
        value = row.get(item.column, UNCHANGED)
        if item.column not in types or isinstance(value, Unchanged):
            return False  # what cannot be evaluated is not met
        conditions.append(item.expression(types[item.column], value))
    if not conditions:
        return True
    query = sql.SQL("select {}").format(sql.SQL(" and ").join(conditions))
    found = await (await connection.execute(query)).fetchone()
    return bool(found and found[0])


async def _payload(
    connection: psycopg.AsyncConnection[Any],
    change: Change,
    columns: list[_Column],
    select: tuple[str, ...] | None,
) -> JSON:
    """The `data` of a frame: the parts of the row that role and binding let through."""
    at = change.committed_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    head = {
        "schema": change.relation.schema,
        "table": change.relation.name,
        "type": change.kind,
        "commit_timestamp": at,
    }
    problem = _problem(change, columns)
    if problem:
        return {**head, "errors": [problem]}
    shown = [
        column
        for column in columns
        if column.selectable and (not select or column.in_primary_key or column.name in select)
    ]
    size = sum(
        len(v) for row in (change.new, change.old) for v in row.values() if isinstance(v, str)
    )
    too_large = size > MAX_RECORD
    data: dict[str, JSON] = {
        **head,
        "columns": [{"name": column.name, "type": column.short_type} for column in shown],
        "errors": ["Error 413: Payload Too Large"] if too_large else None,
    }
    if change.kind != "DELETE":
        data["record"] = await _as_json(connection, change, shown, change.new, too_large)
    if change.kind != "INSERT":
        if change.kind == "DELETE" and any(column.row_security for column in columns):
            shown = [column for column in shown if column.in_primary_key]
        data["old_record"] = await _as_json(connection, change, shown, change.old, too_large)
    return data


async def _as_json(
    connection: psycopg.AsyncConnection[Any],
    change: Change,
    columns: list[_Column],
    row: Row,
    too_large: bool,
) -> JSON:
    """The row as PostgreSQL's own JSON; a value that the stream left out is read from the table."""
    fields = []
    for column in columns:
        value = row.get(column.name)
        if column.name not in row or (too_large and not _is_small(value)):
            continue
        if isinstance(value, Unchanged):
            expression: sql.Composable = sql.SQL("(select {} from {} where {})").format(
                sql.Identifier(column.name), *_row_by_key(change, columns)
            )
        else:
            expression = sql.SQL("{}::{}").format(sql.Literal(value), sql.SQL(column.type_name))
        fields.append(sql.SQL("{} as {}").format(expression, sql.Identifier(column.name)))
    query = sql.SQL("select to_jsonb(r) from (select {}) r").format(sql.SQL(", ").join(fields))
    found = await (await connection.execute(query)).fetchone()
    return found[0] if found else {}


def _row_by_key(change: Change, columns: list[_Column]) -> tuple[sql.Composable, sql.Composable]:
    """The table, and the condition that finds the changed row in it."""
    conditions = [
        sql.SQL("{} = {}::{}").format(
            sql.Identifier(column.name),
            sql.Literal(change.new[column.name]),
            sql.SQL(column.type_name),
        )
        for column in columns
        if column.in_primary_key
    ]
    table = sql.Identifier(change.relation.schema, change.relation.name)
    return table, sql.SQL(" and ").join(conditions)


def _is_small(value: Value) -> bool:
    return isinstance(value, str) and len(value.encode()) <= SMALL_VALUE
