"""A stand-in Supabase that says what a test tells it to, tokens to show, and a running gunicorn."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import psutil
from flask import Flask

from webhooks.app import create_app
from webhooks.outbox import Outbox
from webhooks.services import EXTENSION

ROOT = Path(__file__).parents[2]
JWT_SECRET = "a-secret-of-this-test-with-at-least-32-bytes"
USER_ID = "4f9c2a5e-7d11-4f0b-9f53-0c9d2d1f6a10"
RAZORPAY = {
    "RAZORPAY_KEY_ID": "rzp_test_abcdefgh",
    "RAZORPAY_KEY_SECRET": "key-secret-of-this-test",
    "RAZORPAY_WEBHOOK_SECRET": "webhook-secret-of-this-test",
}
VAPID = {
    "VAPID_PRIVATE_KEY": "Y3KC9ch-oGwkS5pmcRKsoWPQv9emTrKUW3S5q7m2IZ8",
    "VAPID_SUBJECT": "mailto:ops@example.com",
}


def api_key(role: str) -> str:
    """A project's API key, as old projects have it; valid until the year 2100."""
    claims = {"iss": "supabase", "role": role, "exp": 4102444800}
    return jwt.encode(claims, JWT_SECRET, algorithm="HS256")


def settings(supabase_url: str, **changes: str) -> dict[str, str]:
    """The smallest settings that work, and changes to them."""
    return {
        "SUPABASE_URL": supabase_url,
        "SUPABASE_ANON_KEY": api_key("anon"),
        "SUPABASE_SERVICE_ROLE_KEY": api_key("service_role"),
        "SUPABASE_JWT_SECRET": JWT_SECRET,
        **changes,
    }


def user_claims(supabase_url: str, **changes: Any) -> dict[str, Any]:
    """The claims of a signed-in user's token; a change to None leaves the claim out."""
    now = int(time.time())
    claims = {
        "iss": f"{supabase_url}/auth/v1",
        "aud": "authenticated",
        "role": "authenticated",
        "sub": USER_ID,
        "iat": now,
        "exp": now + 3600,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def user_token(supabase_url: str, **changes: Any) -> str:
    """A token as a project with an HS256 secret gives it to a signed-in user."""
    return jwt.encode(user_claims(supabase_url, **changes), JWT_SECRET, algorithm="HS256")


@dataclass(frozen=True)
class Answer:
    """What the stand-in says; `release` holds it back until set.

    With `hang_up` it closes the connection afterwards without a word, as a restarted server does.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    release: threading.Event | None = None
    hang_up: bool = False


@dataclass(frozen=True)
class Received:
    """What the stand-in was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: str = ""


def wait_until(wanted: Callable[[], object]) -> None:
    """Look again and again, for what happens in a thread that nobody waits for."""
    ends_at = time.monotonic() + 20
    pause = threading.Event()
    while not wanted():
        assert time.monotonic() < ends_at
        pause.wait(0.02)


def close_app(app: Flask) -> None:
    """Wait for what the app does in the background, then close its connections."""
    names = {outbox.name for outbox in Outbox.__subclasses__()}
    for thread in threading.enumerate():
        if thread.name in names:
            thread.join(20)
            assert not thread.is_alive(), f"the round of {thread.name} does not end"
    app.extensions[EXTENSION].database.close()


@contextmanager
def client_of(environment: dict[str, str]) -> Iterator[httpx.Client]:
    """A client of an app in this process with these settings."""
    app = create_app(environment)
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://app") as http:
        yield http
    close_app(app)


class FakeSupabase:
    """Answers by path, or by method and path ("GET /v1/orders"); whatever has no answer is 404.

    Bodies: text as it is, the rest as JSON.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, Answer] = {}
        self.received: list[Received] = []
        self.arrived = threading.Event()
        self.hung_up = threading.Event()

    def on_rpc(self, function: str, status: int = 200, body: Any = None, **more: Any) -> None:
        """Set the answer of one function."""
        self.answers[f"/rest/v1/rpc/{function}"] = Answer(status, body, **more)

    def asked(self, function: str) -> list[dict[str, Any]]:
        """The arguments of each call of one function, in order."""
        path = f"/rest/v1/rpc/{function}"
        return [json.loads(asked.body) for asked in self.received if asked.path == path]

    def on_keys(self, body: Any, status: int = 200) -> None:
        """Set the project's key set."""
        self.answers["/auth/v1/.well-known/jwks.json"] = Answer(status, body)

    def forget(self) -> None:
        """Start anew."""
        self.answers.clear()
        self.received.clear()
        self.arrived.clear()
        self.hung_up.clear()


@contextmanager
def running_fake_supabase() -> Iterator[FakeSupabase]:
    """The stand-in on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each answer waits 40 ms for an acknowledgement

        def _answer(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            fake.received.append(Received(self.command, path, headers, body, query))
            fake.arrived.set()
            otherwise = fake.answers.get(path, Answer(404, "not here"))
            answer = fake.answers.get(f"{self.command} {path}", otherwise)
            if answer.release is not None:
                answer.release.wait(30)
            self._send(answer)
            self.close_connection = self.close_connection or answer.hang_up

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815

        def _send(self, answer: Answer) -> None:
            is_text = isinstance(answer.body, str)
            content = (answer.body if is_text else json.dumps(answer.body)).encode()
            try:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "text/html" if is_text else "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:  # the caller gave up waiting, as some tests want it to
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def shutdown_request(self, request: Any) -> None:
            super().shutdown_request(request)
            fake.hung_up.set()

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake = FakeSupabase(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Gunicorn:
    """A running gunicorn: its address, and what it has written so far."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.lines: list[str] = []
        self._written = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._written:
                self.lines.append(line)
                self._written.notify_all()

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first log line, written already or within 20 s, that is wanted."""
        found: dict[str, Any] = {}

        def look() -> bool:
            for line in map(json.loads, self.lines):
                if wanted(line):
                    found.update(line)
                    return True
            return False

        with self._written:
            assert self._written.wait_for(look, 20), "".join(self.lines)
        return found

    def stop(self) -> None:
        """End it, whether it still runs or not. Its workers are killed: nobody needs an answer."""
        self.process.terminate()
        if self.process.poll() is None:
            self.wait_for(lambda line: "Handling signal: term" in line.get("message", ""))
            with suppress(psutil.NoSuchProcess):
                for worker in psutil.Process(self.process.pid).children():
                    worker.kill()
        self.process.wait(30)
        self._reader.join(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


def start_gunicorn(environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start the app as production does; stderr joins stdout."""
    return subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "webhooks/gunicorn_conf.py"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def running_gunicorn(environment: dict[str, str], port: int) -> Iterator[Gunicorn]:
    """The app under gunicorn on a port; connections made before the workers are up wait."""
    server = Gunicorn(start_gunicorn({**environment, "PORT": str(port)}), port)
    try:
        server.wait_for(lambda line: "Listening at" in line.get("message", ""))
        yield server
    finally:
        server.stop()
