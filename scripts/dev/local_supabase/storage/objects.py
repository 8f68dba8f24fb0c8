"""Sign, move, copy and delete existing objects."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from starlette.responses import Response

from scripts.dev.local_supabase.storage import uploads
from scripts.dev.local_supabase.storage.bodies import read_json
from scripts.dev.local_supabase.storage.call import OBJECT, Call, iso, require_key
from scripts.dev.local_supabase.storage.errors import denied, json_response, no_such_key
from scripts.dev.local_supabase.storage.tokens import SERVER, Caller, sign

EXPIRY = {"type": "integer", "minimum": 1}
TEXT = {"type": "string"}
SIGN = {"type": "object", "properties": {"expiresIn": EXPIRY}, "required": ["expiresIn"]}
SIGN_MANY = {
    "type": "object",
    "properties": {
        "expiresIn": EXPIRY,
        "paths": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 1000},
    },
    "required": ["expiresIn", "paths"],
}
RELOCATE = {
    "type": "object",
    "properties": {
        "bucketId": TEXT,
        "sourceKey": TEXT,
        "destinationBucket": TEXT,
        "destinationKey": TEXT,
        "copyMetadata": {"type": "boolean"},
        "metadata": {
            "type": "object",
            "properties": {"cacheControl": TEXT, "mimetype": TEXT},
            "nullable": True,
        },
    },
    "required": ["sourceKey", "bucketId", "destinationKey"],
}
DELETE_MANY = {
    "type": "object",
    "properties": {"prefixes": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 1000}},
    "required": ["prefixes"],
}
NOT_SIGNED = "Either the object does not exist or you do not have access to it"


async def sign_one(call: Call) -> Response:
    """An address that shows the object to its holder."""
    caller = call.caller()
    body = await call.body(SIGN)
    await call.find_object(caller)
    return json_response({"signedURL": _signed(call, call.name, body["expiresIn"])})


async def sign_many(call: Call) -> Response:
    """The same for many, with an error in place of each that the caller may not see."""
    caller = call.caller()
    body = await call.body(SIGN_MANY)
    async with call.acting(caller) as database:
        query = "select name from storage.objects where bucket_id = %s and name = any(%s)"
        rows = await (await database.execute(query, [call.bucket, body["paths"]])).fetchall()
    seen = {row["name"] for row in rows}
    return json_response(
        [
            {"error": None, "path": path, "signedURL": _signed(call, path, body["expiresIn"])}
            if path in seen
            else {"error": NOT_SIGNED, "path": path, "signedURL": None}
            for path in body["paths"]
        ]
    )


def _signed(call: Call, name: str, lifetime: int) -> str:
    claims = {"url": f"{call.bucket}/{name}", "scope": "download"}
    token = sign(claims, lifetime, call.settings.jwt_secret)
    return f"/object/sign/{call.bucket}/{name}?token={token}"


async def copy(call: Call) -> Response:
    """The same bytes under a second name; neither type nor size is looked at again."""
    caller = call.caller()
    body, source, target = await _relocate(call)
    row = await source.find_object(caller)
    keeps = body.get("copyMetadata", True)
    metadata = {
        **row["metadata"],
        **({} if keeps else body.get("metadata") or {}),
        "lastModified": iso(datetime.now(UTC)),
    }
    of_user = row["user_metadata"] if keeps else None
    await uploads.ask_policies(target, caller, metadata, call.upserts, of_user)
    version = call.files.copy(row["version"])
    stored = await uploads.store(target, caller, version, metadata, of_user)
    return json_response({"Key": target.address, "Id": str(stored["id"]), **_row(stored)})


async def move(call: Call) -> Response:
    """Another name for an object, perhaps in another bucket."""
    caller = call.caller()
    _, source, target = await _relocate(call)
    await source.find_object(caller)
    await _rename(source, target, caller, keep=False)
    await _rename(source, target, SERVER, keep=True)
    return json_response({"message": "Successfully moved"})


async def _relocate(call: Call) -> tuple[dict[str, Any], Call, Call]:
    body = await call.body(RELOCATE)
    source = replace(call, bucket=body["bucketId"], name=body["sourceKey"])
    bucket = body.get("destinationBucket") or source.bucket
    target = replace(call, bucket=bucket, name=body["destinationKey"])
    require_key(target.name)
    return body, source, target


async def _rename(source: Call, target: Call, caller: Caller, *, keep: bool) -> None:
    rename = """
        update storage.objects set
          bucket_id = %s, name = %s,
          metadata = metadata || %s
        where bucket_id = %s and name = %s
        returning id
    """
    now = Jsonb({"lastModified": iso(datetime.now(UTC))})
    names = [target.bucket, target.name, now, source.bucket, source.name]
    async with source.acting(caller, keep=keep) as database:
        if not await (await database.execute(rename, names)).fetchall():
            raise no_such_key()


async def delete_one(call: Call) -> Response:
    """Delete an object; one that is there and may not be deleted is told from one that is not."""
    caller = call.caller()
    await _refuse_an_empty_json_body(call)
    async with call.acting(SERVER) as database:
        if await (await database.execute(OBJECT, [call.bucket, call.name])).fetchone() is None:
            raise no_such_key()
    if not await _delete(call, caller, [call.name]):
        raise denied("Access denied")
    return json_response({"message": "Successfully deleted"})


async def delete_many(call: Call) -> Response:
    """Delete those of the named objects that the caller may; the rest is left out in silence."""
    caller = call.caller()
    body = await call.body(DELETE_MANY)
    rows = await _delete(call, caller, body["prefixes"])
    return json_response([_row(row) for row in rows])


async def _delete(call: Call, caller: Caller, names: list[str]) -> list[DictRow]:
    delete = "delete from storage.objects where bucket_id = %s and name = any(%s) returning *"
    async with call.acting(caller) as database:
        rows = await (await database.execute(delete, [call.bucket, names])).fetchall()
    call.files.remove(row["version"] for row in rows)
    return rows


async def _refuse_an_empty_json_body(call: Call) -> None:
    if "content-type" in call.request.headers:
        await read_json(call.request)


def _row(row: DictRow) -> dict[str, Any]:
    """An object as copies and deletes show it."""
    return {
        "name": row["name"],
        "bucket_id": row["bucket_id"],
        "owner": row["owner"] and str(row["owner"]),
        "owner_id": row["owner_id"],
        "version": row["version"],
        "id": str(row["id"]),
        "updated_at": iso(row["updated_at"]),
        "created_at": iso(row["created_at"]),
        "last_accessed_at": iso(row["last_accessed_at"]),
        "metadata": row["metadata"],
        "user_metadata": row["user_metadata"],
    }
