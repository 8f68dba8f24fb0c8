"""Reads a channel's request for postgres_changes, and checks it against the database.

Source: supabase/realtime, lib/extensions/postgres_cdc_rls/subscriptions.ex and the trigger
function realtime.subscription_check_filters (recorded messages).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from scripts.dev.local_supabase.realtime.authorization import Claims
from scripts.dev.local_supabase.realtime.frames import dumps

OPERATORS = {
    "eq": "=",
    "neq": "<>",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
    "in": "= any",
    "like": "like",
    "ilike": "ilike",
    "match": "~",
    "imatch": "~*",
    "is": "is",
    "isdistinct": "is distinct from",
}
IS_KEYWORDS = ("null", "true", "false", "unknown")

TABLES = """
select format('%%I.%%I', schemaname, tablename)::regclass::oid
from pg_publication_tables
where pubname = 'supabase_realtime'
  and (%(schema)s = '*' or schemaname = %(schema)s)
  and (%(table)s = '*' or tablename = %(table)s)
"""
COLUMNS = """
select attname, format_type(atttypid, null)
from pg_attribute
where attrelid = %(table)s and attnum > 0 and not attisdropped
  and has_column_privilege(%(role)s, attrelid, attnum, 'select')
"""


class BadBindingError(Exception):
    """A binding that cannot be served; the text is what the client reads."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a column."""

    column: str
    operator: str
    value: str
    negated: bool

    def expression(self, type_name: str, value: str | None) -> sql.Composable:
        """The condition as SQL over a value in text form, of a column of the named type."""
        kind = sql.SQL(type_name)
        left = sql.SQL("{}::{}").format(sql.Literal(value), kind)
        operator = sql.SQL(OPERATORS[self.operator])
        if self.operator == "is":
            right: sql.Composable = sql.SQL(self.value)
        elif self.operator == "in":
            right = sql.SQL("({}::{}[])").format(sql.Literal(self.value), kind)
        else:
            right = sql.SQL("{}::{}").format(sql.Literal(self.value), kind)
        condition = sql.SQL("{} {} {}").format(left, operator, right)
        return sql.SQL("not ({})").format(condition) if self.negated else condition

    def __str__(self) -> str:
        """The way the real server prints it, an Elixir tuple."""
        fields = (self.column, self.operator, self.value)
        return f"{{{', '.join(map(dumps, fields))}, {dumps(self.negated)}}}"


@dataclass(frozen=True, slots=True)
class Binding:
    """Which changes of which tables; `*` stands for all of them."""

    id: int
    event: str
    schema: str
    table: str
    filters: tuple[Filter, ...]
    select: tuple[str, ...] | None

    def __str__(self) -> str:
        """The way the real server prints it in its complaints."""
        filters = ", ".join(map(str, self.filters))
        select = dumps(list(self.select)).replace(",", ", ") if self.select else "nil"
        return (
            f"event: {self.event}, schema: {self.schema}, table: {self.table}, "
            f"filters: [{filters}], select: {select}"
        )


def read_binding(asked: dict[str, Any]) -> Binding:
    """Read one entry of `postgres_changes`.

    Raises:
        BadBindingError: it names neither schema nor table, or its filter cannot be read.
    """
    event = str(asked.get("event", "*")).upper()
    schema, table = asked.get("schema"), asked.get("table")
    if not isinstance(schema, str) and not isinstance(table, str):
        pairs = ((k, v) for k, v in asked.items() if k != "id")
        shown = ", ".join(f"{dumps(k)} => {dumps(v)}" for k, v in sorted(pairs))
        raise BadBindingError(
            "No subscription params provided. Please provide at least a `schema` or `table` "
            f"to subscribe to: %{{{shown}}}"
        )
    select = asked.get("select")
    if isinstance(select, str):
        raise BadBindingError(
            "Error parsing `select` params: expected a list of column name strings, "
            'e.g. select: ["col1", "col2"]'
        )
    columns = tuple(c for c in select or [] if isinstance(c, str))
    if columns and (schema == "*" or table in (None, "*")):
        raise BadBindingError(
            "Column selection is not supported for wildcard subscriptions. "
            "Provide an explicit schema and table name."
        )
    return Binding(
        id=asked["id"],
        event=event if event in ("INSERT", "UPDATE", "DELETE") else "*",
        schema=schema if isinstance(schema, str) else "public",
        table=table if isinstance(table, str) else "*",
        filters=tuple(map(_read_filter, _split(asked.get("filter") or ""))),
        select=columns or None,
    )


async def check_binding(
    connection: psycopg.AsyncConnection[Any], binding: Binding, claims: Claims
) -> None:
    """See that the binding's tables are published and that its filters fit their columns.

    Raises:
        BadBindingError: they do not.
    """
    start = "Unable to subscribe to changes with given parameters. "
    names = {"schema": binding.schema, "table": binding.table}
    tables = await (await connection.execute(TABLES, names)).fetchall()
    if not tables:
        raise BadBindingError(
            f"{start}Please check Realtime is enabled for the given connect parameters: [{binding}]"
        )
    for (table,) in tables:
        try:
            await _check_columns(connection, binding, table, claims["role"])
        except psycopg.Error as error:
            state = error.sqlstate or "XX000"
            said = f"{state} ({_condition(error)}) {error.diag.message_primary}"
        except ValueError as error:
            said = f"P0001 (raise_exception) {error}"
        else:
            continue
        raise BadBindingError(
            f"{start}An exception happened so please check your connect parameters: "
            f"[{binding}]. Exception: ERROR {said}"
        )


async def _check_columns(
    connection: psycopg.AsyncConnection[Any], binding: Binding, table: int, role: str
) -> None:
    cursor = await connection.execute(COLUMNS, {"table": table, "role": role})
    types: dict[str, str] = dict(await cursor.fetchall())
    for item in binding.filters:
        if item.column not in types:
            raise ValueError(f"invalid column for filter {item.column}")
        await _check_filter(connection, item, types[item.column])
    for column in binding.select or ():
        if column not in types:
            raise ValueError(f"invalid column for select {column}")


async def _check_filter(
    connection: psycopg.AsyncConnection[Any], item: Filter, type_name: str
) -> None:
    if item.operator == "is" and item.value not in IS_KEYWORDS:
        raise ValueError("invalid value for is filter: must be null, true, false, or unknown")
    await connection.execute(sql.SQL("select {}").format(item.expression(type_name, None)))


def _read_filter(text: str) -> Filter:
    column, separator, condition = text.partition("=")
    parts = condition.split(".", 1)
    negated = parts[0] == "not" and len(parts) == 2
    if negated:
        parts = parts[1].split(".", 1)
    if not separator or len(parts) != 2 or parts[0] not in OPERATORS:
        shown = dumps(parts if separator else [text]).replace(",", ", ", 1)
        raise BadBindingError(f"Error parsing `filter` params: {shown}")
    operator, value = parts
    if operator == "in":
        if not (value.startswith("(") and value.endswith(")")):
            raise BadBindingError(
                "Error parsing `filter` params: `in` filter value must be wrapped by parentheses"
            )
        value = f"{{{value[1:-1]}}}"
    return Filter(column.strip(), operator, value, negated)


def _split(text: str) -> list[str]:
    """Split at commas that stand neither in parentheses nor in quotes, and start a condition."""
    parts: list[str] = []
    depth = 0
    quoted = False
    for character in text.strip():
        if character == '"':
            quoted = not quoted
        depth += 0 if quoted else {"(": 1, ")": -1}.get(character, 0)
        if not parts or (character == "," and depth <= 0 and not quoted):
            parts.append("" if character == "," else character)
        else:
            parts[-1] += character
    return parts


def _condition(error: psycopg.Error) -> str:
    """PostgreSQL's name of the error's condition, such as invalid_text_representation."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
