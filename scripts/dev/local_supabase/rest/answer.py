"""Makes the body inside the database and the response around it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow
from starlette.responses import Response

from scripts.dev.local_supabase.rest.catalog import Function
from scripts.dev.local_supabase.rest.errors import ApiError, dump_json, make_response
from scripts.dev.local_supabase.rest.negotiate import CSV, JSON, OBJECT, OFFERED, STRIPPED
from scripts.dev.local_supabase.rest.sql import SOURCE

# The header is made from the source's rows as JSON, the lines from the rows' text form.
CSV_HEADER = f"""(select coalesce(string_agg(k, ','), '') from (
  select json_object_keys(r)::text as k
  from (select row_to_json(s) as r from {SOURCE} as s limit 1) as one) as keys)"""
CSV_LINES = (
    "coalesce(string_agg(substring(pgrst_page::text, 2, length(pgrst_page::text) - 2), e'\\n'), '')"
)


@dataclass(frozen=True)
class Shape:
    """The kind of answer that the rows of a statement make."""

    media_type: str
    is_single: bool = False  # exactly one value, whatever the rows
    is_scalar: bool = False
    is_void: bool = False

    @property
    def content_type(self) -> str:
        """The Content-Type header."""
        return self.media_type + "; charset=utf-8" * (self.media_type in OFFERED)


def shape_of(function: Function, media_type: str) -> Shape:
    """The shape of a function's answer."""
    return Shape(
        media_type,
        is_single=not function.is_set,
        is_scalar=not function.is_composite,
        is_void=function.returns == "void",
    )


def wrap(
    shape: Shape,
    source: str,
    page: str,
    *,
    count: str | None = None,
    csv_header: str = "",
    before: str = "",
) -> str:
    """The whole statement: one row with the body, the counts and what the function asked for.

    `source` makes the rows, `page` reads from it, `count` has one row for each that counts, and
    `before` is a common table expression that they may use.
    """
    value = "pgrst_page.pgrst_scalar" if shape.is_scalar else "pgrst_page"
    gathered = f"json_agg({value})"
    if shape.media_type.endswith(STRIPPED):
        gathered = f"json_strip_nulls({gathered})"
    if shape.media_type == CSV:
        body = f"{csv_header or CSV_HEADER} || e'\\n' || {CSV_LINES}"
    elif shape.media_type not in OFFERED:
        body = f"(array_agg({value}))[1]"
    elif shape.is_single or shape.media_type.startswith(OBJECT):
        body = f"coalesce({gathered}->0, 'null')::text"
    else:
        body = f"coalesce({gathered}, '[]')::text"
    total = f"(select count(*) from ({count}) as pgrst_count)" if count else "null::bigint"
    return (
        f"with {before}{SOURCE} as ({source}) select {total} as total,"
        f" {'1' if shape.is_single else 'count(pgrst_page)'} as rows, {body} as body,"
        " nullif(current_setting('response.headers', true), '') as headers,"
        " nullif(current_setting('response.status', true), '') as status"
        f" from ({page}) as pgrst_page"
    )


def check_rows(shape: Shape, most: int | None, row: DictRow) -> None:
    """Raises ApiError when an object was asked for and there is not one row, or too many."""
    if most is not None and row["rows"] > most:
        raise ApiError(
            400,
            "PGRST124",
            "Query result exceeds max-affected preference constraint",
            details=f"The query affects {row['rows']} rows",
        )
    if shape.media_type.startswith(OBJECT) and row["rows"] != 1:
        raise ApiError(
            406,
            "PGRST116",
            "Cannot coerce the result to a single JSON object",
            details=f"The result contains {row['rows']} rows",
        )


def respond(
    shape: Shape, row: DictRow, total: int | None, offset: int, headers: list[tuple[str, str]]
) -> Response:
    """The response to a read or a call that succeeded; `total` counts the rows of all pages."""
    rows: int = row["rows"]
    span = f"{offset}-{offset + rows - 1}" if rows and total != 0 else "*"
    headers = [("Content-Range", f"{span}/{'*' if total is None else total}"), *headers]
    status, body, content_type = 200, row["body"], shape.content_type
    if shape.is_void:
        status, body, content_type = 204, "", ""
    elif total is not None and offset > total:
        status, body = 416, dump_json(_out_of_range(offset, total).body)
        content_type = f"{JSON}; charset=utf-8"
    elif total is not None and rows < total:
        status = 206
    if content_type:
        headers.append(("Content-Type", content_type))
    return finish(row, status, headers, body)


def finish(row: DictRow, status: int, headers: list[tuple[str, str]], body: Any) -> Response:
    """The response, after what a function said in response.status and response.headers."""
    own_headers = _own_headers(row["headers"])
    if row["status"] is not None:
        status = _own_status(row["status"])
    own_names = {name.lower() for name, _ in own_headers}
    headers = own_headers + [header for header in headers if header[0].lower() not in own_names]
    return make_response(status, headers, _bytes(body))


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else str("" if body is None else body).encode()


def _out_of_range(offset: int, total: int) -> ApiError:
    details = f"An offset of {offset} was requested, but there are only {total} rows."
    return ApiError(416, "PGRST103", "Requested range not satisfiable", details=details)


def _own_headers(text: str | None) -> list[tuple[str, str]]:
    """The headers that a function set in response.headers; its transaction has committed."""
    try:
        entries = json.loads(text) if text else []
        pairs = [pair for entry in entries for pair in entry.items() if len(entry) == 1]
        if len(pairs) != len(entries) or not all(isinstance(value, str) for _, value in pairs):
            raise ValueError(text)
    except (ValueError, AttributeError, TypeError) as error:
        said = (
            "response.headers guc must be a JSON array composed of objects "
            "with a single key and a string value"
        )
        raise ApiError(500, "PGRST111", said) from error
    return pairs


def _own_status(text: str) -> int:
    if not re.fullmatch(r"[2-9]\d\d", text):
        raise ApiError(500, "PGRST112", "response.status guc must be a valid status code")
    return int(text)
