"""Request bodies and their fields: whatever is sent, it is understood or refused, never a 500."""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar
from uuid import UUID

from starlette.requests import Request

from scripts.dev.local_supabase.auth.errors import ApiError

MAX_BODY = 1_048_576  # bytes
KINDS = {str: "a string", bool: "true or false", dict: "a JSON object"}
# Source: the "email" format of HTML, which GoTrue checks too.
EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")
# A NUL in JSON text, not a backslash followed by "u0000": PostgreSQL can store neither kind.
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
# Durations as Go writes them ("24h", "1h30m"), up to a thousand years.
DURATION = re.compile(r"(?=.)([0-9]{1,7}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?")

T = TypeVar("T", str, bool, dict[str, Any])


def invalid(message: str) -> ApiError:
    """The refusal of a value."""
    return ApiError(400, "validation_failed", message)


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object that was sent; an empty body is an empty object."""
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY:
            raise ApiError(413, "validation_failed", f"Send at most {MAX_BODY} bytes.")
    try:
        body = json.loads(raw or b"{}")
        text = json.dumps(body, allow_nan=False, ensure_ascii=False)
        text.encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise ApiError(400, "bad_json", "Could not parse request body as JSON") from None
    if not isinstance(body, dict):
        raise ApiError(400, "bad_json", "Could not parse request body as JSON: send an object")
    if NUL.search(text):
        raise invalid("Values must not contain the NUL character (\\u0000).")
    return body


def field_of(body: dict[str, Any], name: str, kind: type[T]) -> T | None:
    """A field of this JSON type; None when missing or null."""
    value = body.get(name)
    if value is None or isinstance(value, kind):
        return value
    raise invalid(f"{name} must be {KINDS[kind]}.")


def text_of(body: dict[str, Any], name: str, limit: int = 255) -> str:
    """A field of text, at most `limit` characters (the columns are varchar(255)); or empty."""
    text = field_of(body, name, str) or ""
    if len(text) > limit:
        raise invalid(f"{name} must have at most {limit} characters.")
    return text


def email_of(body: dict[str, Any]) -> str:
    """The e-mail address in lower case; empty when missing."""
    email = text_of(body, "email").strip().lower()
    if email and not EMAIL.fullmatch(email):
        raise invalid("Unable to validate email address: invalid format")
    return email


def ban_of(body: dict[str, Any]) -> str | None:
    """`ban_duration` as an interval: 0 for "none" (lifts a ban), None when missing."""
    text = text_of(body, "ban_duration", 30)
    if text in ("", "none"):
        return "0" if text else None
    if not DURATION.fullmatch(text):
        raise invalid(f"invalid format for ban duration: {text!r} is not like 24h or 1h30m")
    return text


def number_of(request: Request, name: str, default: int, highest: int) -> int:
    """A positive whole number of the query string."""
    value = request.query_params.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", value) or not 1 <= int(value) <= highest:
        raise invalid(f"Bad Pagination Parameters: {name} must be 1 to {highest}.")
    return int(value)


def uuid_of(text: str, error: ApiError) -> UUID:
    """The text as a UUID, or the error."""
    try:
        return UUID(text)
    except ValueError:
        raise error from None


def refuse(body: dict[str, Any], *names: str) -> None:
    """Refuse fields that GoTrue acts upon and this app does not."""
    for name in names:
        if body.get(name):
            raise ApiError(501, "not_implemented", f"The local stack does not do {name}.")
