"""Builds the web client and serves it: the built files, `/config.json`, and a strict policy.

Run by itself it is the server: `python -m scripts.dev.demo.web --port 3000 --folder dist`, with the
settings as JSON in PARLEY_WEB_CONFIG.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, STDOUT
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scripts.dev.demo.services import LOOPBACK, ROOT, ServiceError

SETTINGS = "PARLEY_WEB_CONFIG"
CLIENT = ROOT / "examples" / "web"
DIST = CLIENT / "dist"
# What the built files depend on, beside the installed packages that the lock names.
SOURCES = ("src", "public", "index.html", "vite.config.ts", "package-lock.json", "../javascript")
STAMP = ".stamp"
# Seconds for npm and Vite together, on a slow line.
BUILD_TIMEOUT = 300.0
# Names of built files carry their hash, so that they never change.
FOREVER = "public, max-age=31536000, immutable"


async def build(log: Path) -> Path:
    """Build the client unless it is built already; the folder with its files.

    Raises:
        ServiceError: it cannot be built; one sentence that says why.
    """
    with (CLIENT / ".lock").open("a") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)  # one builds, others wait for it
        wanted = _stamp()
        stamp = DIST / STAMP
        if not stamp.is_file() or stamp.read_text("utf-8") != wanted:
            await _install(log)
            await _build(log, wanted)
    return DIST


async def _build(log: Path, stamp: str) -> None:
    # Built beside and moved, so that every visitor gets the files of one build.
    fresh = CLIENT / f".dist-{os.getpid()}"
    try:
        vite = "node_modules/vite/bin/vite.js"
        if await _node(log, vite, "build", "--outDir", str(fresh), "--logLevel", "warn"):
            raise ServiceError(f"The web client cannot be built; {log} says why.")
        (fresh / STAMP).write_text(stamp, "utf-8")
        shutil.rmtree(DIST, ignore_errors=True)
        fresh.rename(DIST)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


async def _install(log: Path) -> None:
    lock = CLIENT / "package-lock.json"
    stamp = CLIENT / "node_modules" / ".installed"
    if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return
    npm = Path(sys.executable).with_name("npm")
    if await _run(log, str(npm), "ci", "--no-audit", "--no-fund"):
        raise ServiceError(
            "The web client is not served: npm could not install its packages, is the npm registry "
            f"reachable? {log} has what npm said; all else works."
        )
    stamp.write_bytes(lock.read_bytes())


async def _node(log: Path, *arguments: str) -> int:
    return await _run(log, str(Path(sys.executable).with_name("node")), *arguments)


async def _run(log: Path, *command: str) -> int:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=CLIENT,
            env={**os.environ, "PATH": path},
            stdin=DEVNULL,
            stdout=output,
            stderr=STDOUT,
        )
        try:
            return await asyncio.wait_for(process.wait(), BUILD_TIMEOUT)
        except TimeoutError:
            return 1
        finally:
            if process.returncode is None:
                process.kill()


def _stamp() -> str:
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        digest.update(str(path.relative_to(CLIENT.parent)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for name in SOURCES:
        place = (CLIENT / name).resolve()
        found = place.rglob("*") if place.is_dir() else (place,)
        yield from (path for path in found if path.is_file() and "node_modules" not in path.parts)


def content_security_policy(config: Mapping[str, object]) -> str:
    """The page's Content-Security-Policy: itself, this Supabase, the app, checkout."""
    supabase = str(config["supabaseUrl"])
    socket = supabase.replace("http", "ws", 1)
    checkout = _origin(str(config["checkoutUrl"]))
    talks = " ".join(filter(None, (supabase, socket, str(config["appUrl"]), checkout)))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {checkout}",
            "style-src 'self'",
            "font-src 'self'",
            f"img-src 'self' blob: {_origin(supabase)}",
            "manifest-src 'self'",
            "worker-src 'self'",
            f"connect-src 'self' {talks}",
            f"frame-src {checkout}",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class _Built(StaticFiles):
    """The built files; an address that is none of them is the page's own business."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or "." in Path(path).name:
                raise
            response = await super().get_response("index.html", scope)
        lasts = path.startswith("assets/")
        response.headers["Cache-Control"] = FOREVER if lasts else "no-cache"
        return response


def create_app(folder: Path, config: Mapping[str, object]) -> Starlette:
    """The server of the page."""
    headers = {
        "Content-Security-Policy": content_security_policy(config),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }

    async def settings(_request: Request) -> Response:
        return JSONResponse(config, headers={"Cache-Control": "no-store"})

    return Starlette(
        routes=[
            Route("/config.json", settings),
            Mount("/", _Built(directory=folder, html=True)),
        ],
        middleware=[
            Middleware(_Headers, headers=headers),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=6),
        ],
    )


class _Headers:
    """Adds these headers to every answer."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, send_more)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="web", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, default=DIST)
    args = parser.parse_args()
    app = create_app(args.folder, json.loads(os.environ[SETTINGS]))
    uvicorn.run(app, host=LOOPBACK, port=args.port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main()
