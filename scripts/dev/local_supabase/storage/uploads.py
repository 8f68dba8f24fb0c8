"""Files on their way in: a request's checks, its bytes, its row.

As on the real server the policies are asked by a dry run: the row is written in the caller's role
and rolled back. The row that stays is written by the server once the bytes are there.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import Response

from scripts.dev.local_supabase.storage.call import MAX_SIZE, Call, Database, iso, require_key
from scripts.dev.local_supabase.storage.errors import (
    StorageError,
    bad,
    bad_request,
    bad_type,
    duplicate,
    json_response,
    too_large,
)
from scripts.dev.local_supabase.storage.files import CHUNK
from scripts.dev.local_supabase.storage.tokens import (
    SERVER,
    UPLOAD_LIFETIME,
    Caller,
    read_signature,
    sign,
    uuid_of,
)

PLACEHOLDER = ".emptyFolderPlaceholder"
MIME_TYPE = re.compile(r"[\w!#$&^.+\-*]+/[\w!#$&^.+\-*]+\s*(;[\x20-\x7e]*)?", re.ASCII)
# What a form may have beside the file: boundaries, headers, metadata.
FORM_OVERHEAD = 1024 * 1024

INSERT = """
insert into storage.objects
  (bucket_id, name, owner, owner_id, version, metadata, user_metadata)
values
  (%(bucket)s, %(name)s, %(owner)s, %(owner_id)s, %(version)s, %(metadata)s, %(user_metadata)s)
"""
# A token without a subject leaves the owner.
UPSERT = f"""
{INSERT}
on conflict (bucket_id, name) do update set
  owner = coalesce(excluded.owner, objects.owner),
  owner_id = coalesce(excluded.owner_id, objects.owner_id),
  version = excluded.version,
  metadata = excluded.metadata,
  user_metadata = excluded.user_metadata
returning *
"""


@dataclass(frozen=True)
class Sent:
    """A file as its sender describes it."""

    chunks: AsyncIterator[bytes]
    mimetype: str
    cache_control: str
    user_metadata: Any
    limit: int | None
    robots: str | None = None
    length: int = 0  # as announced; a form's is not the file's


async def post(call: Call) -> Response:
    """A new object, or with `x-upsert` a new version of one."""
    return await _upload(call, upserts=call.upserts)


async def put(call: Call) -> Response:
    """A new version of an object, which need not be there."""
    return await _upload(call, upserts=True)


async def put_signed(call: Call) -> Response:
    """An upload by a holder of the address; the policies were asked when it was signed."""
    secret = call.settings.jwt_secret
    claims = read_signature(call.request, secret, call.address, "upload")
    owner = Caller(SERVER.role, {"sub": claims.get("owner")})
    upserts = claims.get("upsert") is True
    async with _received(call, SERVER, upserts) as (sent, incoming):
        await store(call, owner, incoming.version, _metadata(sent, incoming), sent.user_metadata)
    return json_response({"Key": call.address})


async def sign_upload(call: Call) -> Response:
    """An address that takes one upload; the caller must have the right to it now."""
    caller = call.caller()
    await ask_policies(call, caller, None, call.upserts)
    claims: dict[str, Any] = {"url": call.address, "upsert": call.upserts, "scope": "upload"}
    if caller.owner_id is not None:
        claims["owner"] = caller.owner_id
    token = sign(claims, UPLOAD_LIFETIME, call.settings.jwt_secret)
    return json_response(
        {"url": f"/object/upload/sign/{call.address}?token={token}", "token": token}
    )


async def _upload(call: Call, *, upserts: bool) -> Response:
    caller = call.caller()
    async with _received(call, caller, upserts) as (sent, incoming):
        metadata = _metadata(sent, incoming)
        row = await store(call, caller, incoming.version, metadata, sent.user_metadata)
    return json_response({"Key": call.address, "Id": str(row["id"])})


@asynccontextmanager
async def _received(call: Call, caller: Caller, upserts: bool) -> Any:
    """The file that was sent, once everything is checked and all of it is here."""
    bucket = await call.find_bucket()
    limit = min(bucket["file_size_limit"] or MAX_SIZE, MAX_SIZE)
    if call.name.endswith(PLACEHOLDER):
        limit = 0
    is_form = call.request.headers.get("content-type", "").startswith("multipart/form-data")
    async with _form(call, limit) if is_form else _raw(call, limit) as sent:
        if not call.name.endswith(PLACEHOLDER):
            _check_type(sent.mimetype, bucket["allowed_mime_types"])
        if sent.length > limit:
            raise too_large()
        require_key(call.name)
        length = call.request.headers.get("content-length")
        metadata = {"mimetype": sent.mimetype, "contentLength": int(length) if length else None}
        await ask_policies(call, caller, metadata, upserts, sent.user_metadata)
        with call.files.incoming() as incoming:
            _check_path(call, incoming.version)
            await incoming.receive(sent.chunks, sent.limit)
            await incoming.keep()
            yield sent, incoming


@asynccontextmanager
async def _raw(call: Call, limit: int) -> AsyncIterator[Sent]:
    headers = call.request.headers
    length = headers.get("content-length")
    mimetype = headers.get("content-type", "application/octet-stream")
    # Without a Content-Length the real server does not count, either; a placeholder is empty.
    yield Sent(
        call.request.stream(),
        mimetype,
        headers.get("cache-control", "no-cache"),
        _user_metadata(headers.get("x-metadata"), encoded=True),
        None if length is None and limit else limit,
        headers.get("x-robots-tag"),
        int(length or 0),
    )


@asynccontextmanager
async def _form(call: Call, limit: int) -> AsyncIterator[Sent]:
    """The first file of a form; Starlette keeps what is more than a megabyte on disk."""
    stream = _bounded(call.request.stream(), limit + FORM_OVERHEAD)
    parser = MultiPartParser(call.request.headers, stream, max_files=4, max_fields=16)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        missing = "Missing boundary" in error.message
        said = "Boundary not found" if missing else error.message
        raise bad_request(f"Multipart: {said}", "InvalidRequest") from error
    try:
        yield _first_file(form, limit)
    finally:
        await form.close()


def _first_file(form: FormData, limit: int) -> Sent:
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    file = next((item for _, item in form.multi_items() if isinstance(item, UploadFile)), None)
    if file is None:
        raise bad_request("No content provided", "InvalidRequest")
    of_part = (file.content_type or "application/octet-stream").partition(";")[0].strip()
    seconds = fields.get("cacheControl")
    return Sent(
        _chunks_of_part(file),
        fields.get("contentType") or of_part,
        f"max-age={seconds}" if seconds else "no-cache",
        _user_metadata(fields.get("metadata"), encoded=False),
        limit,
    )


async def _bounded(stream: AsyncIterator[bytes], most: int) -> Any:
    received = 0
    async for chunk in stream:
        received += len(chunk)
        if received > most:
            raise too_large()
        yield chunk


async def _chunks_of_part(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(CHUNK):
        yield chunk


def _user_metadata(text: str | None, *, encoded: bool) -> Any:
    """The sender's metadata of the file; invalid JSON is silently dropped."""
    try:
        return json.loads(base64.b64decode(text or "") if encoded else text or "")
    except (ValueError, binascii.Error, RecursionError):
        return {}


def _check_type(mimetype: str, allowed: list[str] | None) -> None:
    if not MIME_TYPE.fullmatch(mimetype):
        raise bad_type("Invalid Content-Type header")
    kind = mimetype.partition("/")[0]
    if allowed and not {mimetype, f"{kind}/*"} & set(allowed):
        raise bad_type(f"mime type {mimetype} is not supported")


def _check_path(call: Call, version: str) -> None:
    """Refuse names that the policies allow and the real server's disk does not, in its words."""
    parts = call.address.split("/")
    if {".", ".."} & set(parts):
        path = f"stub/stub/{call.address}/{version}"
        raise bad("InvalidKey", f"Invalid key: {path} contains dot path segment")
    if max(map(len, parts)) > 255:
        said = "Internal Server Error"
        raise StorageError(500, "Internal", "InternalError", said, status=500)


def _metadata(sent: Sent, incoming: Any) -> dict[str, Any]:
    return {
        "eTag": incoming.etag,
        "size": incoming.size,
        "mimetype": sent.mimetype,
        "cacheControl": sent.cache_control,
        "lastModified": iso(datetime.now(UTC)),
        "contentLength": incoming.size,
        "httpStatusCode": 200,
        **({"xRobotsTag": sent.robots} if sent.robots else {}),
    }


async def ask_policies(
    call: Call,
    caller: Caller,
    metadata: dict[str, Any] | None,
    upserts: bool,
    user_metadata: Any = None,
) -> None:
    """Write the row as the caller and roll back. Raises what Postgres says."""
    row = _row(call, caller, "1", metadata, user_metadata)
    try:
        async with call.acting(caller, keep=False) as database:
            await database.execute(UPSERT if upserts else INSERT, row)
    except psycopg.errors.UniqueViolation as error:
        raise duplicate("KeyAlreadyExists") from error


async def store(
    call: Call, owner: Caller, version: str, metadata: dict[str, Any], user_metadata: Any
) -> DictRow:
    """Write the row of a file that is there, and delete the file that it replaces."""
    row = _row(call, owner, version, metadata, user_metadata)
    try:
        async with call.acting(SERVER) as database:
            replaced = await _lock(database, call)
            stored = await (await database.execute(UPSERT, row)).fetchone()
    except psycopg.OperationalError:
        raise  # it may have been committed: the file stays
    except psycopg.Error:
        call.files.remove([version])
        raise
    call.files.remove(replaced)
    assert stored is not None  # noqa: S101 - returning
    return stored


async def _lock(database: Database, call: Call) -> list[str | None]:
    """Let uploads of one name follow each other; the version that is there, if one is."""
    await database.execute(
        "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"storage {call.address}"]
    )
    query = "select version from storage.objects where bucket_id = %s and name = %s"
    rows = await (await database.execute(query, [call.bucket, call.name])).fetchall()
    return [row["version"] for row in rows]


def _row(
    call: Call,
    owner: Caller,
    version: str,
    metadata: dict[str, Any] | None,
    user_metadata: Any,
) -> dict[str, str | UUID | Jsonb | None]:
    return {
        "bucket": call.bucket,
        "name": call.name,
        "owner": uuid_of(owner.owner_id),
        "owner_id": owner.owner_id,
        "version": version,
        "metadata": None if metadata is None else Jsonb(metadata),
        "user_metadata": None if user_metadata is None else Jsonb(user_metadata),
    }
