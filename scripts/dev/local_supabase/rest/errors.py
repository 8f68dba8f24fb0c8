"""Errors in PostgREST's form: a status, four keys of JSON, a Proxy-Status header.

The status of every SQLSTATE is the one that PostgREST 14 answers with.
Source: https://docs.postgrest.org/en/v14/references/errors.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import psycopg
from starlette.responses import Response

Headers = Sequence[tuple[str, str]]

# The longest prefix of a SQLSTATE that is listed decides; anything else is the caller's fault.
STATUS_OF_SQLSTATE = {
    **dict.fromkeys(("08", "53", "57P01"), 503),
    **dict.fromkeys(("0L", "0P", "28"), 403),
    **dict.fromkeys(("23503", "23505"), 409),
    **dict.fromkeys(("42883", "42P01"), 404),
    **dict.fromkeys(("09", "21", "25", "2D", "38", "39", "3B", "40", "42P17", "53400"), 500),
    **dict.fromkeys(("54", "55", "57", "58", "F0", "HV", "P0", "XX"), 500),
    **dict.fromkeys(("25006",), 405),
    **dict.fromkeys(("P0001",), 400),
}


class ApiError(Exception):
    """A refusal, ready to be sent."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Any = None,
        hint: str | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "details": details, "hint": hint, "message": message}
        self.headers = list(headers)

    def response(self) -> Response:
        """The answer to send, named in Proxy-Status as PostgREST does on every error."""
        named = ("Proxy-Status", f"PostgREST; error={self.body['code']}")
        kind = ("Content-Type", "application/json; charset=utf-8")
        return make_response(self.status, [kind, named, *self.headers], dump_json(self.body))


def make_response(status: int, headers: Headers, body: bytes) -> Response:
    """A response with headers that came from the database: UTF-8, and each on one line."""
    # The web server cannot send other statuses; the real one sends every status of a function.
    status = status if 200 <= status < 600 else 500
    answer = Response(b"" if status in (204, 304) else body, status)
    for name, value in headers:
        line = re.sub(r"[\r\n]+", " ", value)
        answer.headers.append(name, line.encode().decode("latin-1"))
    return answer


def dump_json(value: Any) -> bytes:
    """Compact JSON in UTF-8, as PostgREST writes its own bodies."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def parse_error(what: str, text: str, column: int, details: str) -> ApiError:
    """A part of the query string that does not read; `column` counts from one."""
    message = f'"failed to parse {what} ({text})" (line 1, column {column})'
    return ApiError(400, "PGRST100", message, details=details)


def invalid_body(message: str) -> ApiError:
    """A body that cannot be used."""
    return ApiError(400, "PGRST102", message)


def not_offered(sentence: str) -> ApiError:
    """Something real PostgREST does and this emulation leaves out on purpose."""
    return ApiError(
        501, "not_implemented", sentence, hint="Use `supabase start` or a hosted project."
    )


def from_database(error: psycopg.Error, role: str) -> ApiError:
    """The answer to an error raised in the database, by Postgres or by a function."""
    # Without a code it never reached the database: psycopg refuses text with a NUL in it.
    diag, code = error.diag, error.sqlstate or "22021"
    message = diag.message_primary or str(error)
    if code == "PGRST":
        return _raised_with_full_control(message, diag.message_detail)
    status = _status(code, message, role)
    headers = [("WWW-Authenticate", "Bearer")] if status == 401 else []
    if status == 503:
        headers.append(("Retry-After", "0"))
    details, hint = diag.message_detail, diag.message_hint
    return ApiError(status, code, message, details=details, hint=hint, headers=headers)


def _status(code: str, message: str, role: str) -> int:
    if code.startswith("PT"):
        return int(code[2:]) if re.fullmatch(r"PT[2-9]\d\d", code) else 500
    if code == "42501":
        return 401 if role == "anon" else 403
    if code == "22023" and re.fullmatch(r"role .* does not exist", message, re.S):
        return 401
    for length in (5, 2):
        status = STATUS_OF_SQLSTATE.get(code[:length])
        if status is not None:
            return status
    return 400


def _raised_with_full_control(message: str, detail: str | None) -> ApiError:
    """RAISE SQLSTATE 'PGRST': MESSAGE is the body, DETAIL the status and the headers."""
    try:
        body, control = json.loads(message), json.loads(detail or "")
        return ApiError(
            int(control["status"]),
            body["code"],
            body["message"],
            details=body.get("details"),
            hint=body.get("hint"),
            headers=[(name, str(value)) for name, value in control["headers"].items()],
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        said = "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error"
        return ApiError(500, "PGRST121", said, details=f"MESSAGE: {message} DETAIL: {detail}")
