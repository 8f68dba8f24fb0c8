"""Calls functions: /rpc/<name>."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from starlette.responses import Response

from scripts.dev.local_supabase.rest.answer import check_rows, respond, shape_of, wrap
from scripts.dev.local_supabase.rest.catalog import SCHEMA, Catalog, Function
from scripts.dev.local_supabase.rest.database import Pool, run
from scripts.dev.local_supabase.rest.errors import ApiError
from scripts.dev.local_supabase.rest.grammar import array_literal
from scripts.dev.local_supabase.rest.hints import nearest
from scripts.dev.local_supabase.rest.negotiate import CSV, choose_media_type
from scripts.dev.local_supabase.rest.payload import RAW_TYPES, Payload, read_payload
from scripts.dev.local_supabase.rest.plan import MAX_ROWS, plan_read
from scripts.dev.local_supabase.rest.query import Query, parse_query
from scripts.dev.local_supabase.rest.request import RestRequest
from scripts.dev.local_supabase.rest.sql import SOURCE, Writer

WHOLE_BODY_TYPES = {
    "application/json": ("json", "jsonb"),
    "text/plain": ("text",),
    "text/xml": ("xml",),
    "application/octet-stream": ("bytea",),
}


async def call(pool: Pool, catalog: Catalog, request: RestRequest, name: str) -> Response:
    """Serve POST, GET, HEAD and OPTIONS of one function."""
    if request.method not in ("GET", "HEAD", "POST", "OPTIONS"):
        raise ApiError(405, "PGRST101", f"Cannot use the {request.method} method on RPC")
    request.require_known_schema()
    query = parse_query(request.query_string, takes_arguments=request.is_read)
    limit, offset = request.page(query, MAX_ROWS)
    payload = _payload(request, query)
    function = find_function(catalog, name, payload.names, request)
    if request.method == "OPTIONS":
        verbs = "OPTIONS,POST" if function.is_volatile else "OPTIONS,GET,HEAD,POST"
        return Response(headers={"Allow": verbs})
    media_type = choose_media_type(request.headers.get("accept"), function.media_type)
    _check_max_affected(request, function)

    writer = Writer(catalog)
    source = _call(writer, function, request, query, payload)
    reference = function.returns if function.is_composite else function.name
    tree = plan_read(catalog, query, reference, reference, limit, offset)
    shape = shape_of(function, media_type)
    counted = None
    if request.preferences["count"] in ("exact", "estimated"):
        counted = writer.count(tree, SOURCE) if function.is_set else "select 1"
    # PostgREST heads the CSV of a function with the selected columns in alphabetical order.
    names = sorted({column.field.name for column in tree.columns})
    header = "" if "*" in names or media_type != CSV else f"{writer.value(','.join(names))}::text"
    page = writer.read(tree, SOURCE)
    statement = wrap(shape, source, page, count=counted, csv_header=header)
    transaction = request.transaction(
        catalog, read_only=request.is_read or not function.is_volatile, function=function
    )
    check = partial(check_rows, shape, request.preferences.max_affected)
    row = (await run(pool, transaction, [(statement, writer.values)], check))[0]
    followed = request.preferences.applied(("count", "handling", "timezone", "max-affected"))
    return respond(shape, row, row["total"], offset, followed)


def _payload(request: RestRequest, query: Query) -> Payload:
    if request.is_read:
        return Payload(frozenset(name for name, _ in query.arguments))
    if request.method == "OPTIONS":
        return Payload(frozenset())
    body = request.body or (b"{}" if request.content_type == "application/json" else b"")
    return read_payload(body, request.content_type, query.columns)


def _call(
    writer: Writer, function: Function, request: RestRequest, query: Query, payload: Payload
) -> str:
    if request.is_read:
        return writer.call_directly(function, _last_values(function, query.arguments))
    if not _fits(function, payload.names, request.content_type in RAW_TYPES):
        if request.content_type == "application/octet-stream":
            return writer.call_with_body(function, request.body)
        text = payload.json or request.body.decode("utf-8", "replace")
        return writer.call_with_body(function, text)
    return writer.call(function, sorted(payload.names), payload.json)


def _last_values(function: Function, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The arguments of a GET: the last of equal names, but all of them for a variadic one."""
    variadic = {parameter.name for parameter in function.parameters if parameter.variadic}
    every: dict[str, list[str]] = {}
    for name, value in pairs:
        every.setdefault(name, []).append(value)
    return {
        name: array_literal(values) if name in variadic else values[-1]
        for name, values in every.items()
    }


def _check_max_affected(request: RestRequest, function: Function) -> None:
    if request.preferences.max_affected is not None and not function.is_set:
        raise ApiError(
            400,
            "PGRST128",
            "Function must return SETOF or TABLE when max-affected preference is used "
            "with handling=strict",
        )


def find_function(
    catalog: Catalog, name: str, given: frozenset[str], request: RestRequest
) -> Function:
    """The one overload that the argument names fit. Raises ApiError 404 or 300."""
    is_post = request.method == "POST"
    overloads = catalog.functions.get(name, [])
    found = [f for f in overloads if _fits(f, given, is_post and request.content_type in RAW_TYPES)]
    if not found and is_post:
        types = WHOLE_BODY_TYPES.get(request.content_type, ())
        found = [
            f
            for f in overloads
            if len(f.parameters) == 1 and not f.parameters[0].name and f.parameters[0].type in types
        ]
    if len(found) == 1:
        return found[0]
    if found:
        raise _ambiguous(found)
    raise _not_found(catalog, name, sorted(given), request.content_type if is_post else None)


def _fits(function: Function, given: frozenset[str], is_raw: bool) -> bool:
    if not function.parameters:
        return not given and not is_raw
    required = {p.name for p in function.parameters if p.required}
    return required <= given <= {p.name for p in function.parameters}


def _ambiguous(found: list[Function]) -> ApiError:
    signatures = ", ".join(
        f"{SCHEMA}.{f.name}({', '.join(f'{p.name} => {p.type}' for p in f.parameters)})"
        for f in found
    )
    return ApiError(
        300,
        "PGRST203",
        f"Could not choose the best candidate function between: {signatures}",
        hint="Try renaming the parameters or the function itself in the database "
        "so function overloading can be resolved",
    )


def _not_found(catalog: Catalog, name: str, given: list[str], body_type: str | None) -> ApiError:
    full, listed = f"{SCHEMA}.{name}", ", ".join(given)
    searched = f"with parameter{'s' * (len(given) > 1)} {listed}" if given else "without parameters"
    called = f"{full}({listed})" if given else f"{full} without parameters"
    if body_type == "application/json":
        searched += " or with a single unnamed json/jsonb parameter"
    elif body_type in RAW_TYPES:
        searched = f"with a single unnamed {WHOLE_BODY_TYPES[body_type][0]} parameter"
        called = full
    overloads = catalog.functions.get(name)
    if overloads is None:
        better = nearest(name, catalog.functions)
    else:
        signatures = (", ".join(sorted(p.name for p in f.parameters)) for f in overloads)
        better = nearest(f"({listed})", (f"({signature})" for signature in signatures))
        better = better and name + better
    return ApiError(
        404,
        "PGRST202",
        f"Could not find the function {called} in the schema cache",
        details=f"Searched for the function {full} {searched}, "
        "but no matches were found in the schema cache.",
        hint=f"Perhaps you meant to call the function {SCHEMA}.{better}" if better else None,
    )
