"""Supabase Auth over HTTP: its paths without /auth/v1. README.md says what is and is not here."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from scripts.dev.local_supabase.auth import account, users
from scripts.dev.local_supabase.auth.forms import ApiError
from scripts.dev.local_supabase.config import Settings

logger = logging.getLogger(__name__)

SETTINGS = {
    "external": {"email": True, "phone": False, "anonymous_users": False},
    "disable_signup": False,
    "mailer_autoconfirm": True,
    "phone_autoconfirm": False,
    "sms_provider": "",
    "saml_enabled": False,
}


@asynccontextmanager
async def open_auth(settings: Settings) -> AsyncIterator[ASGIApp]:
    """The Auth server as an ASGI app, with its own connections to the database."""
    pool: users.Pool = AsyncConnectionPool(
        settings.dsn("supabase_auth_admin"),
        min_size=1,
        max_size=5,
        open=False,
        kwargs={"row_factory": dict_row, "options": "-c timezone=UTC"},
        check=AsyncConnectionPool.check_connection,
    )
    async with pool:
        app = Starlette(
            routes=ROUTES,
            exception_handlers={
                ApiError: _on_api_error,
                HTTPException: _on_no_route,
                psycopg.Error: _on_database_error,
            },
            middleware=[
                Middleware(
                    CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"]
                )
            ],
        )
        app.router.redirect_slashes = False  # it knows nothing of the gateway's prefix
        app.state.settings, app.state.pool = settings, pool
        yield app


async def _on_api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - what Starlette promises
    return JSONResponse(error.body, error.status)


async def _on_no_route(request: Request, _error: Exception) -> Response:
    said = f"The local stack does not do {request.method} {request.url.path} of Supabase Auth."
    return await _on_api_error(request, ApiError(501, "not_implemented", said))


async def _on_database_error(request: Request, error: Exception) -> Response:
    logger.error("%s %s: %s", request.method, request.url.path, error)
    said = "Unexpected failure, please check server logs for more information"
    return await _on_api_error(request, ApiError(500, "unexpected_failure", said))


def _fixed(body: dict[str, Any]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_request: Request) -> Response:
        return JSONResponse(body)

    return answer


ROUTES = [
    Route("/signup", account.sign_up, methods=["POST"]),
    Route("/token", account.token, methods=["POST"]),
    Route("/user", account.get_user, methods=["GET"]),
    Route("/logout", account.log_out, methods=["POST"]),
    Route("/admin/users", account.create_user, methods=["POST"]),
    Route("/admin/users/{user_id:uuid}", account.delete_user, methods=["DELETE"]),
    # No public keys: an HS256 project signs with its secret.
    Route("/.well-known/jwks.json", _fixed({"keys": []}), methods=["GET"]),
    Route("/settings", _fixed(SETTINGS), methods=["GET"]),
    Route("/health", _fixed({"name": "GoTrue", "version": "local stack"}), methods=["GET"]),
]
