"""Lists of objects, made by one statement in the caller's role."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from psycopg.rows import DictRow
from starlette.responses import JSONResponse, Response

from scripts.dev.local_supabase.storage.call import Call, iso
from scripts.dev.local_supabase.storage.errors import bad, json_response

TEXT = {"type": "string"}
TIMES = ("created_at", "updated_at", "last_accessed_at")
LIST = {
    "type": "object",
    "properties": {
        "prefix": TEXT,
        "limit": {"type": "integer", "minimum": 1},
        "offset": {"type": "integer", "minimum": 0},
        "search": TEXT,
        "sortBy": {
            "type": "object",
            "properties": {
                "column": {"type": "string", "enum": ["name", *TIMES]},
                "order": {"type": "string", "enum": ["asc", "desc"]},
            },
            "required": ["column"],
        },
    },
    "required": ["prefix"],
}
LIST_V2 = {
    "type": "object",
    "properties": {
        "prefix": TEXT,
        "limit": {"type": "integer", "minimum": 1},
        "cursor": TEXT,
        "with_delimiter": {"type": "boolean"},
        "sortBy": {
            "type": "object",
            "properties": {
                "column": {"type": "string", "enum": ["name", "created_at", "updated_at"]},
                "order": {"type": "string", "enum": ["asc", "desc"]},
            },
        },
    },
}

# Of each object the part of its name below the folder; of a folder one row, without regard to
# case when names are sorted so.
FOLDER = """
with parts as (
  select
    split_part(substr(name, length(%(folder)s) + 1), '/', 1) as part,
    strpos(substr(name, length(%(folder)s) + 1), '/') > 0 as is_folder,
    *
  from storage.objects
  where bucket_id = %(bucket)s and starts_with(lower(name), lower(%(folder)s || %(search)s))
),
entries as (
  select distinct on (entry_key) *
  from (
    select
      *,
      case
        when not is_folder then name
        when %(by_name)s then lower(part) || '/'
        else part || '/'
      end collate "C" as entry_key
    from parts
  ) as keyed
  order by entry_key, lower(name) collate "C"
)
select part as name, is_folder, id, updated_at, created_at, last_accessed_at, metadata
from entries
"""
ORDERS = {
    "name": "lower(part || case when is_folder then '/' else '' end) collate \"C\" {0}, part {0}",
    **{
        time: f'is_folder desc, case when is_folder then part end collate "C" {{0}}, {time} {{0}}'
        for time in TIMES
    },
}

# Whole names in the order of their bytes; with a delimiter a folder is one row, named with a slash.
FLAT = """
with entries as (
  select distinct on (entry_key) *
  from (
    select
      *,
      case
        when %(delimited)s and strpos(substr(name, length(%(prefix)s) + 1), '/') > 0
        then %(prefix)s || split_part(substr(name, length(%(prefix)s) + 1), '/', 1) || '/'
        else name
      end collate "C" as entry_key
    from storage.objects
    where bucket_id = %(bucket)s and starts_with(name, %(prefix)s)
  ) as keyed
  order by entry_key
)
select
  entry_key, entry_key <> name as is_folder, id, updated_at, created_at, last_accessed_at, metadata
from entries
"""


async def list_folder(call: Call) -> Response:
    """The contents of a folder: its files, and its folders as rows with only a name."""
    caller = call.caller()
    body = await call.body(LIST)
    sort = body.get("sortBy", {})
    column, order = sort.get("column") or "name", sort.get("order") or "asc"
    folder = body["prefix"]
    if folder and not folder.endswith("/"):
        folder += "/"
    values = {
        "bucket": call.bucket,
        "folder": folder,
        "search": body.get("search", ""),
        "by_name": column == "name",
        "limit": body.get("limit", 100),
        "offset": body.get("offset", 0),
    }
    page = f"order by {ORDERS[column].format(order)} limit %(limit)s offset %(offset)s"
    async with call.acting(caller) as database:
        rows = await (await database.execute(FOLDER + page, values)).fetchall()
    return json_response([{"name": row["name"], **_details(row)} for row in rows])


async def list_v2(call: Call) -> Response:
    """Names that begin so, page by page: the cursor is the last entry that was shown."""
    caller = call.caller()
    body = await call.body(LIST_V2)
    sort = body.get("sortBy", {})
    column, order = sort.get("column") or "name", sort.get("order") or "asc"
    delimited, limit = body.get("with_delimiter", False), min(body.get("limit", 1000), 1000)
    if column != "name" and delimited:
        said = "The local stack sorts no folders by time: leave out with_delimiter or sortBy."
        return JSONResponse({"error": "not_implemented", "message": said}, 501)
    values = {
        "bucket": call.bucket,
        "prefix": body.get("prefix", ""),
        "delimited": delimited,
        "limit": limit + 1,
    }
    where = ""
    if body.get("cursor"):
        after = _read_cursor(body["cursor"])
        sign = ">" if order == "asc" else "<"
        values |= {"last": after["l"], "time": after.get("a")}
        where = f"where entry_key {sign} %(last)s"
        if column != "name":
            where = f"where (date_trunc('milliseconds', {column}), entry_key) {sign}"
            where += ' (%(time)s::timestamptz, %(last)s collate "C")'
    by = f"entry_key {order}"
    if column != "name":
        by = f"date_trunc('milliseconds', {column}) {order}, {by}"
    page = f"{FLAT} {where} order by {by} limit %(limit)s"
    async with call.acting(caller) as database:
        rows = await (await database.execute(page, values)).fetchall()
    shown = rows[:limit]
    answer: dict[str, Any] = {"hasNext": len(rows) > limit}
    if answer["hasNext"]:
        last = shown[-1]
        lines = [f"l:{last['entry_key']}"]
        if column != "name":
            lines += [f"o:{order}", f"c:{column}", f"a:{iso(last[column])}"]
        answer["nextCursor"] = base64.b64encode("\n".join(lines).encode()).decode()
        answer["nextCursorKey"] = last["entry_key"]
    described = [(row["is_folder"], _entry(row, values["prefix"], delimited)) for row in shown]
    answer["folders"] = [entry for is_folder, entry in described if is_folder]
    answer["objects"] = [entry for is_folder, entry in described if not is_folder]
    return json_response(answer)


def _read_cursor(cursor: str) -> dict[str, str]:
    try:
        lines = base64.b64decode(cursor, validate=True).decode().split("\n")
        read = {line[:1]: line[2:] for line in lines if line[1:2] == ":"}
        return {"l": read["l"], **read}
    except (binascii.Error, ValueError, KeyError) as error:
        raise bad("InvalidParameter", "Invalid Parameter continuation token") from error


def _entry(row: DictRow, prefix: str, delimited: bool) -> dict[str, Any]:
    entry = {"name": row["entry_key"], **_details(row)}
    if delimited:
        entry["key"] = row["entry_key"][len(prefix) :].rstrip("/")
    return entry


def _details(row: DictRow) -> dict[str, Any]:
    if row["is_folder"]:
        return dict.fromkeys(("id", "updated_at", "created_at", "last_accessed_at", "metadata"))
    return {
        "id": str(row["id"]),
        "updated_at": iso(row["updated_at"]),
        "created_at": iso(row["created_at"]),
        "last_accessed_at": iso(row["last_accessed_at"]),
        "metadata": row["metadata"],
    }
