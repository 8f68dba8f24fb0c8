"""The ASGI app: tokens, paths, methods, CORS; errors become answers here."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import psycopg
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from scripts.dev.local_supabase.config import Settings
from scripts.dev.local_supabase.rest import rpc, tables, writes
from scripts.dev.local_supabase.rest.auth import read_claims
from scripts.dev.local_supabase.rest.catalog import SCHEMA, Catalog
from scripts.dev.local_supabase.rest.database import (
    MAX_TRIES,
    BrokenBeforeCommitError,
    Pool,
    open_pool,
    unavailable,
)
from scripts.dev.local_supabase.rest.errors import ApiError, from_database, not_offered
from scripts.dev.local_supabase.rest.negotiate import read_preferences
from scripts.dev.local_supabase.rest.reload import CatalogKeeper, open_keeper
from scripts.dev.local_supabase.rest.request import RestRequest

METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS")
OPENAPI_TYPE = "application/openapi+json; charset=utf-8"
# What a schema cache that has not heard the latest news may complain about.
STALE = ("PGRST200", "PGRST202", "PGRST204", "PGRST205", "42703", "42883", "42P01")
EXPOSED_HEADERS = (
    "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, "
    "Transfer-Encoding, Range-Unit"
)


@contextlib.asynccontextmanager
async def open_rest(settings: Settings) -> AsyncIterator[ASGIApp]:
    """The REST API of the stack, with its connections; they close at the end."""
    dsn = settings.dsn("authenticator")
    async with open_pool(dsn) as pool, open_keeper(dsn, pool) as keeper:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive)
            response = _preflight(request) or await _answer(settings, pool, keeper, request)
            if request.headers.get("accept-profile") == SCHEMA:
                response.headers["Content-Profile"] = SCHEMA
            if "origin" in request.headers or "allow" in response.headers:
                response.headers["Access-Control-Allow-Origin"] = "*"
                if not {"access-control-allow-methods", "allow"} & set(response.headers):
                    response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
            await response(scope, receive, send)

        yield app


def _preflight(request: Request) -> Response | None:
    asked = "access-control-request-method"
    if request.method != "OPTIONS" or not {"origin", asked} <= set(request.headers):
        return None
    wanted = request.headers.get("access-control-request-headers", "")
    allowed = ["Authorization", *(part.strip() for part in wanted.split(",") if part.strip())]
    simple = ["Accept", "Accept-Language", "Content-Language"]
    headers = {
        "Access-Control-Allow-Methods": "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD",
        "Access-Control-Max-Age": "86400",
    }
    if wanted:
        headers["Access-Control-Allow-Headers"] = ", ".join(allowed + simple)
    return Response(headers=headers)


async def _answer(
    settings: Settings, pool: Pool, keeper: CatalogKeeper, request: Request
) -> Response:
    try:
        claims = read_claims(request.headers.get("authorization"), settings.jwt_secret)
        catalog = await keeper.current()
        headers = {
            name: value.encode("latin-1").decode("utf-8", "replace")
            for name, value in request.headers.items()
        }
        read = RestRequest(
            method=request.method,
            path=request.scope["path"],
            query_string=request.scope["query_string"],
            headers=headers,
            body=await request.body(),
            claims=claims,
            preferences=read_preferences(request.headers.getlist("prefer"), catalog.timezones),
            safeupdate=settings.safeupdate,
        )
        return await _try(pool, keeper, catalog, read)
    except ApiError as error:
        if error.status == 503:
            keeper.reload()
        return error.response()


async def _try(
    pool: Pool, keeper: CatalogKeeper, catalog: Catalog, request: RestRequest
) -> Response:
    """Serve the request, again when nothing has happened yet and another try may go better."""
    for _ in range(MAX_TRIES):
        try:
            return await _route(pool, catalog, request)
        except BrokenBeforeCommitError:
            await pool.check()
            catalog = await keeper.settled()
        except ApiError as error:
            # The complaint may be about a schema that has just been announced.
            newest = await keeper.settled() if error.body["code"] in STALE else catalog
            if newest is catalog:
                raise
            catalog = newest
    raise unavailable("Every connection that was tried had been cut.")


async def _route(pool: Pool, catalog: Catalog, request: RestRequest) -> Response:
    try:
        return await _serve(pool, catalog, request)
    except psycopg.Error as error:
        if error.sqlstate is None and isinstance(error, psycopg.OperationalError):
            raise unavailable(str(error)) from error
        raise from_database(error, request.role) from error
    except RecursionError as error:
        raise ApiError(400, "PGRST100", "The query is nested too deeply") from error


async def _serve(pool: Pool, catalog: Catalog, request: RestRequest) -> Response:
    if request.method not in METHODS:
        raise ApiError(405, "PGRST117", f"Unsupported HTTP method: {request.method}")
    match request.path.removeprefix("/").split("/"):
        case [""]:
            return _root(request.method)
        case ["rpc", name]:
            return await rpc.call(pool, catalog, request, name)
        case [name] if request.method == "OPTIONS":
            return tables.options(catalog, name)
        case [name] if request.is_read:
            return await tables.read(pool, catalog, request, name)
        case [name]:
            return await writes.serve(pool, catalog, request, name)
    raise ApiError(404, "PGRST125", "Invalid path specified in request URL")


def _root(method: str) -> Response:
    if method == "HEAD":
        return Response(headers={"Content-Type": OPENAPI_TYPE})
    if method == "OPTIONS":
        return Response(headers={"Allow": "OPTIONS,GET,HEAD"})
    if method != "GET":
        raise ApiError(405, "PGRST117", f"Unsupported HTTP method: {method}")
    raise not_offered("The OpenAPI document at / is not part of the local stack.")
