"""Writes to tables: POST, PATCH, PUT and DELETE of /<table>.

Whether Postgres refuses a write can only be seen by trying it, so they are carried out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from urllib.parse import quote as percent_encode

from psycopg.rows import DictRow
from starlette.responses import Response

from scripts.dev.local_supabase.rest.answer import Shape, check_rows, finish, wrap
from scripts.dev.local_supabase.rest.catalog import SCHEMA, Catalog, Table
from scripts.dev.local_supabase.rest.database import Pool, run
from scripts.dev.local_supabase.rest.errors import ApiError, invalid_body, not_offered
from scripts.dev.local_supabase.rest.grammar import Filter
from scripts.dev.local_supabase.rest.negotiate import choose_media_type
from scripts.dev.local_supabase.rest.payload import RAW_TYPES, Payload, read_payload
from scripts.dev.local_supabase.rest.plan import Node, plan_read
from scripts.dev.local_supabase.rest.query import Query, parse_query
from scripts.dev.local_supabase.rest.request import RestRequest
from scripts.dev.local_supabase.rest.sql import SOURCE, Writer, quote
from scripts.dev.local_supabase.rest.tables import find_table

UNLIMITED = 2**62  # rows of a write are not capped
WRITTEN = "pgrst_write"
ANSWERED = ("resolution", "return", "count", "handling", "timezone", "max-affected")


async def serve(pool: Pool, catalog: Catalog, request: RestRequest, name: str) -> Response:
    """Serve one write."""
    request.require_known_schema()
    query = parse_query(request.query_string, takes_arguments=False)
    if request.method == "PUT" and (() in query.limits or () in query.offsets):
        said = "limit/offset querystring parameters are not allowed for PUT"
        raise ApiError(400, "PGRST114", said)
    payload = Payload(frozenset()) if request.method == "DELETE" else _payload(request, query)
    table = find_table(catalog, name)
    for column in sorted(payload.names - set(table.columns)):
        said = f"Could not find the '{column}' column of '{name}' in the schema cache"
        raise ApiError(400, "PGRST204", said)
    shape = Shape(choose_media_type(request.headers.get("accept")))

    writer = Writer(catalog)
    tree = plan_read(catalog, query, name, name, UNLIMITED, 0)
    conflict = _on_conflict(request, query, table, payload)
    write = _write(writer, request, query, payload, table, tree) + conflict
    returned = _returned(request, table, tree)
    listed = _names(returned) or "1"
    # An update joins the new values, so what it returns must say whose.
    taken = ", ".join(f"{quote(name)}.{quote(column)}" for column in returned) or "1"
    # A row that was inserted, not updated, has no deleting transaction.
    inserted = ", xmax = 0 as pgrst_inserted" if conflict else ""
    before = f"{WRITTEN} as ({write} returning {taken}{inserted}), "
    tree.conditions.clear()
    represented = request.preferences["return"] == "representation"
    statement = wrap(
        shape,
        f"select {listed} from {WRITTEN}",
        writer.read(tree, SOURCE) if represented else f"select * from {SOURCE}",
        count=f"select from {WRITTEN} where pgrst_inserted" if conflict else None,
        before=before,
    )
    row = (
        await run(
            pool,
            request.transaction(catalog, read_only=False),
            [(statement, writer.values)],
            partial(_check, request, shape),
        )
    )[0]
    return _respond(request, shape, table, row)


def _payload(request: RestRequest, query: Query) -> Payload:
    if request.content_type in RAW_TYPES:
        raise invalid_body(f"Content-Type not acceptable: {request.content_type}")
    if request.preferences["missing"] == "default":
        raise not_offered("Prefer: missing=default is not part of the local stack.")
    return read_payload(request.body, request.content_type, query.columns)


def _check(request: RestRequest, shape: Shape, row: DictRow) -> None:
    if request.method == "PUT" and row["rows"] != 1:
        said = "Payload values do not match URL in primary key column(s)"
        raise ApiError(400, "PGRST115", said)
    check_rows(shape, None if request.method == "POST" else request.preferences.max_affected, row)


def _write(
    writer: Writer, request: RestRequest, query: Query, payload: Payload, table: Table, tree: Node
) -> str:
    """The insert, update or delete, up to its on conflict and returning clauses."""
    target = f"{quote(SCHEMA)}.{quote(table.name)}"
    names = sorted(payload.names)
    types = {name: table.columns[name] for name in names}
    if request.method == "DELETE":
        _require_where(request, tree, "DELETE")
        return f"delete from {target}{writer.where(tree)}"
    if request.method == "PATCH":
        if not names:
            return f"delete from {target} where false"
        _require_where(request, tree, "UPDATE")
        changes = ", ".join(f"{quote(name)} = pgrst_body.{quote(name)}" for name in names)
        body = writer.records(types, payload.json)
        return f"update {target} set {changes} from {body} as pgrst_body{writer.where(tree)}"
    where = ""
    if request.method == "PUT":
        _require_key_filters(query, table)
        tree.reference = "pgrst_body"
        where = writer.where(tree)
        tree.reference = table.name
    into = f"{target} ({_names(names)})" if names else target
    body = writer.records(types, payload.json, every=True)
    return f"insert into {into} select {_names(names)} from {body} as pgrst_body{where}"


def _require_where(request: RestRequest, tree: Node, command: str) -> None:
    """Supabase preloads safeupdate, which refuses to change every row of a table."""
    if request.safeupdate and not tree.conditions:
        raise ApiError(400, "21000", f"{command} requires a WHERE clause")


def _require_key_filters(query: Query, table: Table) -> None:
    named = [f.field.name for path, f in query.filters if not path and _is_plain_eq(f)]
    if sorted(named) != sorted(table.primary_key) or len(named) != len(query.filters):
        said = "Filters must include all and only primary key columns with 'eq' operators"
        raise ApiError(405, "PGRST105", said)


def _is_plain_eq(found: Filter) -> bool:
    return found.operator == "eq" and not found.negated and not found.modifier


def _on_conflict(request: RestRequest, query: Query, table: Table, payload: Payload) -> str:
    keys = query.on_conflict or table.primary_key
    resolution = request.preferences["resolution"] if request.method == "POST" else None
    if request.method == "PUT":
        resolution = "merge-duplicates"
    if not keys or resolution is None:
        return ""
    changes = ", ".join(f"{quote(n)} = excluded.{quote(n)}" for n in sorted(payload.names))
    if resolution == "ignore-duplicates" or not changes:
        return f" on conflict ({_names(keys)}) do nothing"
    return f" on conflict ({_names(keys)}) do update set {changes}"


def _returned(request: RestRequest, table: Table, tree: Node) -> list[str]:
    """The columns to give back: no more than needed, because giving them needs SELECT on them."""
    if request.preferences["return"] == "headers-only":
        return list(table.primary_key) if request.method == "POST" else []
    if request.preferences["return"] != "representation":
        return []
    read = [c.field.name for c in tree.columns] + [o.field.name for o in tree.order]
    if tree.children or "*" in read:
        return list(table.columns)
    return list(dict.fromkeys(read))


def _names(names: Iterable[str]) -> str:
    return ", ".join(quote(name) for name in names)


def _respond(request: RestRequest, shape: Shape, table: Table, row: DictRow) -> Response:
    method, rows, inserted = request.method, row["rows"], row["total"]
    represented = request.preferences["return"] == "representation"
    total = rows if request.preferences["count"] == "exact" else "*"
    span = f"0-{rows - 1}" if method == "PATCH" and rows else "*"
    headers = [("Content-Range", f"{span}/{total}")] if method != "PUT" else []
    if request.preferences["return"] == "headers-only" and method == "POST" and table.primary_key:
        for written in json.loads(row["body"])[:1]:
            headers.append(("Location", _location(table, written)))
    unfit = "max-affected" if method == "POST" else "resolution"
    named = [name for name in ANSWERED if name != unfit]
    headers += request.preferences.applied(named)
    if represented:
        headers.append(("Content-Type", shape.content_type))
    status = 200 if represented else 204
    if method == "POST":
        merges = request.preferences["resolution"] == "merge-duplicates"
        status = 200 if merges and inserted == 0 else 201
    elif method == "PUT" and inserted:
        status = 201
    return finish(row, status, headers, row["body"] if represented else "")


def _location(table: Table, written: dict[str, object]) -> str:
    values = (
        f"{name}=" + ("is.null" if value is None else percent_encode(f"eq.{value}", safe=""))
        for name, value in written.items()
    )
    return f"/{table.name}?{'&'.join(values)}"
