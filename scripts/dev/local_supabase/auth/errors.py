"""The one way in which this app says no, and how GoTrue writes that down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

API_VERSION_HEADER = "X-Supabase-Api-Version"
# From this version on, `code` is the name of the error; before it was the HTTP status.
# Source: supabase/auth, internal/api/errors.go
API_VERSION = "2024-01-01"


class ApiError(Exception):
    """An answer other than success: HTTP status, GoTrue's name of the error, a sentence."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.extra, self.headers = dict(extra or {}), dict(headers or {})


def error_response(request: Request, error: ApiError) -> JSONResponse:
    """The error in the shape that the client's API version expects."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    headers = error.headers | {API_VERSION_HEADER: API_VERSION}
    if request.headers.get(API_VERSION_HEADER, "") < API_VERSION:
        body = {"code": error.status, "error_code": error.code, "msg": error.message}
        headers = error.headers
    return JSONResponse(body | error.extra, error.status, headers)
