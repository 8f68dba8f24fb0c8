"""Reads the body of a POST: which names it gives, and the JSON that Postgres gets to see."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from scripts.dev.local_supabase.rest.errors import invalid_body

RAW_TYPES = ("text/plain", "text/xml", "application/octet-stream")


@dataclass(frozen=True)
class Payload:
    """A body that was understood. `json` is empty for a raw one."""

    names: frozenset[str]
    json: str = ""


def read_payload(body: bytes, content_type: str, columns: list[str] | None) -> Payload:
    """Read a body; `columns` are the names to use instead of those it has. Raises ApiError 400."""
    if content_type in RAW_TYPES:
        return Payload(frozenset())
    if content_type == "application/x-www-form-urlencoded":
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        return Payload(frozenset(form if columns is None else columns), json.dumps(form))
    if content_type == "text/csv":
        value = _csv_rows(body)
        text = json.dumps(value)
    elif content_type == "application/json":
        value, text = _parse(body)
    else:
        raise invalid_body(f"Content-Type not acceptable: {content_type}")
    if not isinstance(value, dict | list):
        return Payload(frozenset(), "[]")
    rows = value if isinstance(value, list) else [value]
    first = set(rows[0]) if rows and isinstance(rows[0], dict) else set()
    if columns is not None:
        return Payload(frozenset(columns), text)
    if not all(isinstance(row, dict) and set(row) == first for row in rows):
        raise invalid_body("All object keys must match")
    return Payload(frozenset(first), text)


def _csv_rows(body: bytes) -> list[dict[str, str | None]]:
    """One object a line; a line that is too short lacks the last names."""
    if not body:
        raise invalid_body("not enough input")
    header, *lines = csv.reader(io.StringIO(body.decode("utf-8", "replace")))
    return [
        {name: None if cell == "NULL" else cell for name, cell in zip(header, line, strict=False)}
        for line in lines
        if line
    ]


def _parse(body: bytes) -> tuple[Any, str]:
    try:
        text = body.decode()
        return json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str), text
    except (ValueError, RecursionError) as error:
        raise invalid_body("Empty or invalid json") from error


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
