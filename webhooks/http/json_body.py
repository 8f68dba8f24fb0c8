"""Reads and checks JSON bodies of clients."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import request

from webhooks.http.errors import ApiError


def json_object() -> dict[str, Any]:
    """The body of the present request, a JSON object; no body at all is an empty one.

    Raises:
        ApiError: 400 BAD_REQUEST for anything else.
    """
    content = request.get_data()
    if not content:
        return {}
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _bad_request("The body is not JSON.") from error
    if not isinstance(body, dict):
        raise _bad_request("The body must be a JSON object.")
    return body


def required_text(body: Mapping[str, Any], name: str, max_length: int) -> str:
    """The text under a name, 1 to `max_length` characters.

    Raises:
        ApiError: 400 BAD_REQUEST when it is missing or no such text.
    """
    text = optional_text(body, name)
    if not text or len(text) > max_length:
        raise _bad_request(f"Send {name}, a text of at most {max_length} characters.")
    return text


def optional_text(body: Mapping[str, Any], name: str) -> str | None:
    """The text under a name; None when it is not there or null.

    Raises:
        ApiError: 400 BAD_REQUEST when it is no text that a database could hold.
    """
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _is_storable(value):
        raise _bad_request(f"{name} must be text, without NUL and half surrogate pairs.")
    return value


def _is_storable(text: str) -> bool:
    """Whether PostgreSQL can store it: JSON also allows NUL and half a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _bad_request(message: str) -> ApiError:
    return ApiError(400, "BAD_REQUEST", message)
