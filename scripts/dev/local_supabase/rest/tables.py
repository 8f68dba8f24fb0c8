"""Reads tables and views: GET, HEAD and OPTIONS of /<table>."""

from __future__ import annotations

from functools import partial

from psycopg.rows import DictRow
from starlette.responses import Response

from scripts.dev.local_supabase.rest.answer import Shape, check_rows, respond, wrap
from scripts.dev.local_supabase.rest.catalog import SCHEMA, Catalog, Table
from scripts.dev.local_supabase.rest.database import Pool, run
from scripts.dev.local_supabase.rest.errors import ApiError
from scripts.dev.local_supabase.rest.hints import nearest
from scripts.dev.local_supabase.rest.negotiate import choose_media_type
from scripts.dev.local_supabase.rest.plan import MAX_ROWS, plan_read
from scripts.dev.local_supabase.rest.query import parse_query
from scripts.dev.local_supabase.rest.request import RestRequest
from scripts.dev.local_supabase.rest.sql import SOURCE, Writer, quote


def find_table(catalog: Catalog, name: str) -> Table:
    """The table or view of that name. Raises ApiError 404."""
    table = catalog.tables.get(name)
    if table is None:
        better = nearest(name, catalog.tables)
        raise ApiError(
            404,
            "PGRST205",
            f"Could not find the table '{SCHEMA}.{name}' in the schema cache",
            hint=f"Perhaps you meant the table '{SCHEMA}.{better}'" if better else None,
        )
    return table


def options(catalog: Catalog, name: str) -> Response:
    """The methods of a table, as far as the database allows them to anyone."""
    table = find_table(catalog, name)
    verbs = ["OPTIONS", "GET", "HEAD"]
    if table.insertable:
        verbs.append("POST")
    if table.insertable and table.updatable and table.primary_key:
        verbs.append("PUT")
    verbs += ["PATCH"] * table.updatable + ["DELETE"] * table.deletable
    return Response(headers={"Allow": ",".join(verbs)})


async def read(pool: Pool, catalog: Catalog, request: RestRequest, name: str) -> Response:
    """Serve GET and HEAD of one table or view."""
    request.require_known_schema()
    query = parse_query(request.query_string, takes_arguments=False)
    limit, offset = request.page(query, MAX_ROWS)
    find_table(catalog, name)
    shape = Shape(choose_media_type(request.headers.get("accept")))
    writer = Writer(catalog)
    tree = plan_read(catalog, query, name, name, limit, offset)
    table = f"{quote(SCHEMA)}.{quote(name)}"
    how = request.preferences["count"]
    everything = writer.count(tree, table) if how else ""
    counted = {"exact": everything, "estimated": f"{everything} limit {MAX_ROWS + 1}"}
    statement = wrap(
        shape, writer.read(tree, table), f"select * from {SOURCE}", count=counted.get(how or "")
    )
    statements = [(statement, writer.values)]
    if how in ("planned", "estimated"):
        statements.append((f"explain (format json) {everything}", writer.values))
    rows = await run(
        pool,
        request.transaction(catalog, read_only=True),
        statements,
        partial(check_rows, shape, None),
    )
    location = f"/{name}" + (f"?{query.canonical}" if query.canonical else "")
    followed = request.preferences.applied(("count", "handling", "timezone"))
    headers = [("Content-Location", location), *followed]
    return respond(shape, rows[0], _total(how, rows), offset, headers)


def _total(how: str | None, rows: list[DictRow]) -> int | None:
    """The number of rows without limits: counted, guessed by the planner, or nothing."""
    counted: int | None = rows[0]["total"]
    if how in ("planned", "estimated"):
        guessed: int = rows[1]["QUERY PLAN"][0]["Plan"]["Plan Rows"]
        if counted is None or counted > MAX_ROWS:
            return max(guessed, counted or 0)
    return counted
