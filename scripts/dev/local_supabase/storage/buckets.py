"""Buckets, as the caller's policies let them be seen and changed."""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import DictRow
from starlette.responses import Response

from scripts.dev.local_supabase.storage.bodies import check
from scripts.dev.local_supabase.storage.call import (
    MAX_SIZE,
    Call,
    bad_bucket_name,
    is_bucket_name,
    iso,
)
from scripts.dev.local_supabase.storage.errors import (
    StorageError,
    bad_request,
    bad_type,
    denied,
    duplicate,
    json_response,
    no_such_bucket,
    too_large,
)
from scripts.dev.local_supabase.storage.tokens import SERVER

PAGE = {
    "type": "object",
    "properties": {
        "limit": {"type": "integer", "minimum": 1},
        "offset": {"type": "integer", "minimum": 0},
        "sortColumn": {"type": "string", "enum": ["id", "name", "created_at", "updated_at"]},
        "sortOrder": {"type": "string", "enum": ["asc", "desc"]},
        "search": {"type": "string"},
    },
}
SETTINGS = {
    "id": {"type": "string"},
    "name": {"type": "string"},
    "public": {"type": "boolean"},
    "allowed_mime_types": {"type": "array", "items": {"type": "string"}, "nullable": True},
}
CREATE = {"type": "object", "properties": SETTINGS, "required": ["name"]}
UPDATE = {"type": "object", "properties": SETTINGS}
CHANGEABLE = ("public", "file_size_limit", "allowed_mime_types")

SIZE = r"^[0-9]+(?:\.[0-9]+)?(?:[gG][bB]|[mM][bB]|[kK][bB]|[bB])$"
UNITS = {"g": 1_000_000_000, "m": 1_000_000, "k": 1000, "b": 1}
ALLOWED_TYPE = re.compile(r"[\w.+-]+/(\*|[\w.+-]+)", re.ASCII)


async def list_all(call: Call) -> Response:
    """The buckets that the caller may see."""
    caller = call.caller()
    asked = check(PAGE, dict(call.request.query_params), "querystring")
    query = sql.SQL(
        "select * from storage.buckets where strpos(lower(name), lower(%(search)s)) > 0"
        " order by {} {} limit %(limit)s offset %(offset)s"
    ).format(
        sql.Identifier(asked.get("sortColumn", "name")), sql.SQL(asked.get("sortOrder", "asc"))
    )
    values = {"search": "", "limit": None, "offset": 0} | asked
    async with call.acting(caller) as database:
        rows = await (await database.execute(query, values)).fetchall()
    return json_response([_bucket(row) | {"type": row["type"]} for row in rows])


async def get(call: Call) -> Response:
    """One bucket."""
    caller = call.caller()
    async with call.acting(caller) as database:
        query = "select * from storage.buckets where id = %s"
        row = await (await database.execute(query, [call.bucket])).fetchone()
    if row is None:
        raise no_such_bucket()
    return json_response(_bucket(row))


async def create(call: Call) -> Response:
    """A new bucket."""
    caller = call.caller()
    body = _read_settings(await call.body(CREATE))
    if not is_bucket_name(body["name"]):
        raise bad_bucket_name()
    row = {
        "id": body.get("id") or body["name"],
        "owner": caller.owner,
        "owner_id": caller.owner_id,
        "name": body["name"],
        **{name: body.get(name) for name in CHANGEABLE},
    }
    insert = """
        insert into storage.buckets
          (id, name, owner, owner_id, public, file_size_limit, allowed_mime_types)
        values (
          %(id)s, %(name)s, %(owner)s, %(owner_id)s, coalesce(%(public)s, false),
          %(file_size_limit)s, %(allowed_mime_types)s
        )
    """
    try:
        async with call.acting(caller) as database:
            await database.execute(insert, row)
    except psycopg.errors.UniqueViolation as error:
        raise duplicate("BucketAlreadyExists") from error
    return json_response({"name": row["id"]})


async def update(call: Call) -> Response:
    """Change what the body names; the rest stays."""
    caller = call.caller()
    body = await call.body(UPDATE)
    changes = {name: body[name] for name in CHANGEABLE if name in body}
    if not changes:
        lacks = ", ".join(f"body must have required property '{name}'" for name in CHANGEABLE)
        raise bad_request(f"{lacks}, body must match a schema in anyOf")
    changes = _read_settings(changes)
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in changes
    )
    query = sql.SQL("update storage.buckets set {} where id = %(id)s returning id")
    async with call.acting(caller) as database:
        done = await database.execute(query.format(assignments), {**changes, "id": call.bucket})
        if not await done.fetchall():
            raise no_such_bucket()
    return json_response({"message": "Successfully updated"})


async def delete(call: Call) -> Response:
    """Delete a bucket in which nothing is."""
    caller = call.caller()
    try:
        async with call.acting(caller) as database:
            query = "delete from storage.buckets where id = %s returning id"
            if not await (await database.execute(query, [call.bucket])).fetchall():
                raise no_such_bucket()
    except psycopg.errors.ForeignKeyViolation as error:
        said = "The bucket you tried to delete is not empty"
        raise StorageError(409, "ResourceNotEmpty", "ResourceNotEmpty", said) from error
    return json_response({"message": "Successfully deleted"})


async def empty(call: Call) -> Response:
    """Delete everything in a bucket; it is done when the answer says that it will be."""
    if call.caller().role != SERVER.role:
        raise denied("Access denied: Invalid role", status=403)
    await call.find_bucket()
    async with call.acting(SERVER) as database:
        query = "delete from storage.objects where bucket_id = %s returning version"
        rows = await (await database.execute(query, [call.bucket])).fetchall()
    call.files.remove(row["version"] for row in rows)
    said = "Empty bucket has been queued. Completion may take up to an hour."
    return json_response({"message": said})


def _bucket(row: DictRow) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "owner": str(row["owner"] or ""),
        "public": row["public"],
        "file_size_limit": row["file_size_limit"],
        "allowed_mime_types": row["allowed_mime_types"],
        "created_at": iso(row["created_at"]),
        "updated_at": iso(row["updated_at"]),
    }


def _read_settings(body: dict[str, Any]) -> dict[str, Any]:
    """The body with a limit in bytes. Raises StorageError for a limit or a type that is none."""
    limit = _bytes_of(body.get("file_size_limit"))
    if limit is not None and limit > MAX_SIZE:
        raise too_large()
    for kind in body.get("allowed_mime_types") or ():
        if not ALLOWED_TYPE.fullmatch(kind):
            raise bad_type(f"mime type {kind} is not supported")
    return body | ({"file_size_limit": limit} if "file_size_limit" in body else {})


def _bytes_of(limit: Any) -> int | None:
    """A limit in bytes, which may be written as 10MB."""
    if limit is None:
        return None
    at, text = "body/file_size_limit", str(limit)
    if re.fullmatch(r"\d+", text, re.ASCII):
        return int(text)
    if isinstance(limit, str) and (found := re.match(SIZE, limit, re.ASCII)):
        number = re.match(r"[\d.]+", found[0])
        unit = found[0].lower().rstrip("b")[-1:]
        assert number  # noqa: S101 - SIZE begins with one
        return int(float(number[0]) * UNITS.get(unit, 1))
    is_number = re.fullmatch(r"-\d+", text, re.ASCII)
    said = f"{at} must be >= 0" if is_number else f"{at} must be integer"
    if not is_number and isinstance(limit, str):
        said += f', {at} must pass "finite" keyword validation'
    said += f', {at} must match pattern "{SIZE}", {at} must match a schema in anyOf'
    raise bad_request(said)
