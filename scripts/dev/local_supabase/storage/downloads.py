"""Files on their way out: whole, in part, or not at all when the client has them already."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from psycopg.rows import DictRow
from starlette.responses import Response, StreamingResponse

from scripts.dev.local_supabase.storage.call import Call, iso
from scripts.dev.local_supabase.storage.errors import (
    StorageError,
    bad_request,
    json_response,
    no_such_bucket,
)
from scripts.dev.local_supabase.storage.files import FileGoneError, chunks_of
from scripts.dev.local_supabase.storage.tokens import (
    SERVER,
    Caller,
    caller_or_nobody,
    read_signature,
)

LAST = 253402300799  # the end of the year 9999: a token may be signed for longer
UNRESERVED = "!'()*-._~"  # what JavaScript's encodeURIComponent leaves


async def get(call: Call) -> Response:
    """The object, to whom `_find` shows it."""
    return await _show(call, partial(_find, call))


async def get_signed(call: Call) -> Response:
    """The object, to every holder of the address until it expires."""
    claims = read_signature(call.request, call.settings.jwt_secret, call.address, "download")
    ends = datetime.fromtimestamp(min(claims.get("exp", LAST), LAST), UTC)
    return await _show(call, partial(call.find_object, SERVER), ends)


async def _show(
    call: Call, find: Callable[[], Awaitable[DictRow]], expires: datetime | None = None
) -> Response:
    gone = None
    while True:
        row = await find()
        try:
            return _send(call, row, expires)
        except FileGoneError:
            # Of a row that was replaced since it was read; one that is still there has no file.
            if row["version"] == gone:
                raise
            gone = row["version"]


async def info(call: Call) -> Response:
    """The metadata of the object, with the rights of `get`."""
    return _describe(await _find(call))


async def _find(call: Call) -> DictRow:
    """The object: of a public bucket for everybody, otherwise by the policies."""
    if call.how == "authenticated":
        caller: Caller | None = call.caller()
    else:
        caller = caller_or_nobody(call.request, call.settings.jwt_secret)
    bucket = await call.find_bucket()
    if bucket["public"]:
        return await call.find_object(SERVER)
    if caller is None or call.how == "public":
        raise no_such_bucket()
    return await call.find_object(caller)


def _describe(row: DictRow) -> Response:
    known = row["metadata"] or {}
    answer = {
        "id": str(row["id"]),
        "name": row["name"],
        "version": row["version"],
        "bucket_id": row["bucket_id"],
        "size": known.get("size"),
        "content_type": known.get("mimetype"),
        "cache_control": known.get("cacheControl"),
        "etag": known.get("eTag"),
        "metadata": row["user_metadata"],
        "last_modified": known.get("lastModified"),
        "created_at": iso(row["created_at"]),
    }
    headers = {
        "ETag": str(known.get("eTag")),
        "Last-Modified": _http_date(_last_modified(row)),
        "Cache-Control": str(known.get("cacheControl")),
    }
    return json_response(answer, headers=_checked(headers))


def _send(call: Call, row: DictRow, expires: datetime | None = None) -> Response:
    request, known = call.request, row["metadata"] or {}
    file = call.files.open(row["version"])
    try:
        size = file.seek(0, 2)
        headers = _headers(call, row, known)
        if expires is not None:
            del headers["Cache-Control"]
            headers["Expires"] = _http_date(expires)
        start, length, status = 0, size, 200
        if request.method != "HEAD":
            if _is_known(request.headers, headers, _last_modified(row)):
                file.close()
                return Response(b"", 304, {**_checked(headers), "Content-Length": "0"})
            if "if-none-match" in request.headers and "Cache-Control" in headers:
                headers["Cache-Control"] += ", stale-while-revalidate=30"
            if "range" in request.headers:
                start, length = _one_range(request.headers["range"], size)
                headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{size}"
                status = 206
        headers = {**_checked(headers), "Content-Length": str(length)}
        if request.method == "HEAD":
            file.close()
            return Response(b"", status, headers)
        return StreamingResponse(chunks_of(file, start, length), status, headers)
    except BaseException:
        file.close()
        raise


def _headers(call: Call, row: DictRow, known: dict[str, Any]) -> dict[str, str]:
    mimetype = str(known.get("mimetype") or "application/octet-stream")
    headers = {
        "Accept-Ranges": "bytes",
        # A page would run in the origin of the project.
        "Content-Type": "text/plain" if "text/html" in mimetype else mimetype,
        "ETag": str(known.get("eTag") or ""),
        "X-Robots-Tag": str(known.get("xRobotsTag") or "none"),
        "Last-Modified": _http_date(_last_modified(row)),
        "Cache-Control": str(known.get("cacheControl") or "no-cache"),
    }
    name = call.request.query_params.get("download")
    if name is not None:
        encoded = quote(name, safe=UNRESERVED)
        named = f" filename={encoded}; filename*=UTF-8''{encoded}" if name else ""
        headers["Content-Disposition"] = f"attachment;{named}"
    return headers


def _checked(headers: dict[str, str]) -> dict[str, str]:
    """The headers, if each fits on a line: parts of them are what a client once sent."""
    for name, value in headers.items():
        if re.search(r"[^\t\x20-\x7e\x80-\xff]", value):
            said = f'Invalid character in response header "{name.lower()}": {value[:50]}'
            raise bad_request(said, "invalid_header_char")
    return headers


def _is_known(sent: Any, headers: dict[str, str], modified: datetime) -> bool:
    """Whether the client has this version already."""
    if "if-none-match" in sent:
        return bool(sent["if-none-match"] == headers["ETag"])
    try:
        since = parsedate_to_datetime(sent.get("if-modified-since", ""))
        return modified.replace(microsecond=0) <= since
    except (ValueError, TypeError):
        return False


def _one_range(text: str, size: int) -> tuple[int, int]:
    """Where one range starts and how long it is; several, or one of nothing, are refused."""
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", text, re.ASCII)
    first, last = found.groups() if found else ("", "")
    if first:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
    elif last:
        start, end = max(size - int(last), 0), size - 1
    else:
        start, end = 1, 0
    if start > end or (last and first and int(first) > int(last)):
        said = "invalid range provided"
        raise StorageError(416, "invalid_range", "InvalidRange", said, status=416)
    return start, end - start + 1


def _last_modified(row: DictRow) -> datetime:
    try:
        return datetime.fromisoformat(row["metadata"]["lastModified"])
    except (TypeError, ValueError, KeyError):
        moment: datetime = row["updated_at"]
        return moment


def _http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)
