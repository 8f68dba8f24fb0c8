"""The ASGI app: which path is whose; errors become answers here."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import unquote_to_bytes

import psycopg
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from scripts.dev.local_supabase.config import Settings
from scripts.dev.local_supabase.storage import buckets, downloads, listing, objects, uploads
from scripts.dev.local_supabase.storage.call import Call, Pool, open_pool
from scripts.dev.local_supabase.storage.errors import (
    StorageError,
    bad,
    from_database,
    json_response,
)
from scripts.dev.local_supabase.storage.files import Files
from scripts.dev.local_supabase.storage.tokens import caller_of

logger = logging.getLogger(__name__)
Handler = Callable[[Call], Awaitable[Response]]

VERSION = "1.11.2"


@asynccontextmanager
async def open_storage(settings: Settings) -> AsyncIterator[ASGIApp]:
    """The Storage API of the stack, with its connections and its folder."""
    # A form that does not read is answered; the library adds a line for each.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    files = Files(settings.data_dir / "storage")
    files.prepare()
    async with open_pool(settings) as pool:

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive)
            try:
                response = await _answer(settings, pool, files, request)
            except ClientDisconnect:
                return
            await response(scope, receive, send)

        for_browsers = CORSMiddleware(
            app,
            allow_origins=["*"],
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["Content-Range", "Content-Disposition", "ETag"],
        )

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            # For others it would say that answers vary with the origin.
            from_browser = any(name == b"origin" for name, _ in scope["headers"])
            await (for_browsers if from_browser else app)(scope, receive, send)

        yield serve


async def _answer(settings: Settings, pool: Pool, files: Files, request: Request) -> Response:
    try:
        handler, call = _route(settings, pool, files, request)
        return await handler(call)
    except StorageError as error:
        return error.response()
    except psycopg.Error as error:
        answer = from_database(error)
        if answer.body["statusCode"] in ("500", "544"):
            logger.warning("%s %s: %s", request.method, request.url.path, error)
        return answer.response()
    except UnicodeEncodeError as error:  # half a letter, which Postgres does not take
        return from_database(psycopg.DataError(str(error))).response()


def _route(settings: Settings, pool: Pool, files: Files, request: Request) -> tuple[Handler, Call]:
    # Cut first, decode then: an encoded slash belongs to the name.
    path = request.scope["raw_path"].decode("latin-1") or "/"
    method = "GET" if request.method == "HEAD" else request.method
    for methods, pattern, handler, operation in ROUTES:
        found = re.fullmatch(pattern, path) if method in methods else None
        if found:
            names = {name: _decoded(part, path) for name, part in found.groupdict().items()}
            return handler, Call(settings, pool, files, request, operation, **names)
    body = {
        "statusCode": "404",
        "error": "Not Found",
        "message": f"Route {request.method}:{_whole_path(request)} not found",
        "code": "InvalidRequest",
    }
    raise _FrameworkError(body, 404)


def _decoded(part: str, path: str) -> str:
    try:
        if not re.search(r"%(?![0-9a-fA-F]{2})", part):
            return unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        pass
    raise _FrameworkError(
        {
            "error": "Bad Request",
            "code": "FST_ERR_BAD_URL",
            "message": f"'{path}' is not a valid url component",
            "statusCode": 400,
        },
        400,
    )


def _whole_path(request: Request) -> str:
    path, query = request.scope["raw_path"].decode("latin-1"), request.url.query
    return f"{path}?{query}" if query else path


class _FrameworkError(StorageError):
    """A refusal by the real server's framework, whose body has other keys."""

    def __init__(self, body: Mapping[str, str | int], status: int) -> None:
        super().__init__(status, "", "", "", status=status)
        self.answer = body

    def response(self) -> Response:
        return JSONResponse(self.answer, self.status)


async def _status(_call: Call) -> Response:
    return Response()


async def _version(_call: Call) -> Response:
    return PlainTextResponse(VERSION)


async def _health(call: Call) -> Response:
    caller_of(call.request, call.settings.jwt_secret, header_needed=False)
    return json_response({"healthy": True})


async def _no_cdn(call: Call) -> Response:
    call.caller()
    said = "Missing Required Parameter CDN_PURGE_ENDPOINT_URL is not set"
    raise bad("MissingParameter", said)


async def _no_s3(call: Call) -> Response:
    said = f"Route {call.request.method}:{_whole_path(call.request)} not found"
    return json_response({"message": said, "error": "Not Found", "statusCode": 404}, 404)


async def _not_here(call: Call) -> Response:
    said = (
        f"The local stack does not do {call.request.method} {call.request.url.path} of Storage: "
        "use `supabase start` or a project."
    )
    return JSONResponse({"error": "not_implemented", "message": said}, status_code=501)


ANY = ("GET", "POST", "PUT", "PATCH", "DELETE")
BUCKET = r"(?P<bucket>[^/]+)"
PUBLIC, SIGNED_IN = "(?P<how>public)", "(?P<how>authenticated)"
OBJECT, KNOWN = "storage.object", "object.get_authenticated_info"
NAME = rf"{BUCKET}/(?P<name>.*)"
# The first that fits. GET is HEAD, too. The last is what the real server calls the operation.
ROUTES: list[tuple[tuple[str, ...], str, Handler, str]] = [
    (("GET",), "/status", _status, ""),
    (("GET",), "/version", _version, ""),
    (("GET",), "/health", _health, ""),
    (("DELETE",), "/cdn/.*", _no_cdn, ""),
    (ANY, "/s3(/.*)?", _no_s3, ""),
    (ANY, "/upload/resumable(/.*)?", _not_here, ""),
    (("GET",), "/bucket/?", buckets.list_all, "storage.bucket.list"),
    (("POST",), "/bucket/?", buckets.create, "storage.bucket.create"),
    (("GET",), f"/bucket/{BUCKET}", buckets.get, "storage.bucket.get"),
    (("PUT",), f"/bucket/{BUCKET}", buckets.update, "storage.bucket.update"),
    (("DELETE",), f"/bucket/{BUCKET}", buckets.delete, "storage.bucket.delete"),
    (("POST",), f"/bucket/{BUCKET}/empty", buckets.empty, "storage.bucket.empty"),
    (("POST",), "/object/copy", objects.copy, f"{OBJECT}.copy"),
    (("POST",), "/object/move", objects.move, f"{OBJECT}.move"),
    (("POST",), f"/object/list/{BUCKET}", listing.list_folder, f"{OBJECT}.list"),
    (("POST",), f"/object/list-v2/{BUCKET}", listing.list_v2, f"{OBJECT}.list_v2"),
    (("POST",), f"/object/sign/{NAME}", objects.sign_one, f"{OBJECT}.sign"),
    (("POST",), f"/object/sign/{BUCKET}", objects.sign_many, f"{OBJECT}.sign_many"),
    (("GET",), f"/object/sign/{NAME}", downloads.get_signed, f"{OBJECT}.get_signed"),
    (("POST",), f"/object/upload/sign/{NAME}", uploads.sign_upload, f"{OBJECT}.sign_upload_url"),
    (("PUT",), f"/object/upload/sign/{NAME}", uploads.put_signed, f"{OBJECT}.upload_signed"),
    (("GET",), f"/object/info/{PUBLIC}/{NAME}", downloads.info, f"{OBJECT}.info_public"),
    (("GET",), f"/object/info/{SIGNED_IN}/{NAME}", downloads.info, KNOWN),
    (("GET",), f"/object/info/{NAME}", downloads.info, KNOWN),
    (("GET",), f"/object/{PUBLIC}/{NAME}", downloads.get, f"{OBJECT}.get_public"),
    (("GET",), f"/object/{SIGNED_IN}/{NAME}", downloads.get, f"{OBJECT}.get_authenticated"),
    (("GET",), f"/object/{NAME}", downloads.get, f"{OBJECT}.get_authenticated"),
    (("POST",), f"/object/{NAME}", uploads.post, f"{OBJECT}.upload"),
    (("PUT",), f"/object/{NAME}", uploads.put, f"{OBJECT}.upload_update"),
    (("DELETE",), f"/object/{NAME}", objects.delete_one, f"{OBJECT}.delete"),
    (("DELETE",), f"/object/{BUCKET}", objects.delete_many, f"{OBJECT}.delete_many"),
]
