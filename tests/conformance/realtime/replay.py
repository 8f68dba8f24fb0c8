"""Plays a recorded client's part against a running server and compares what comes back.

A transcript has one JSON object a line, in the order of time: `{"note"}`, or `conn`, `dir` (`out`
from the client, `in` from the server), `op` (absent: a text frame) and `frame`. Before the client
says its next line, everything that the server had said by then must have come.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import psycopg
import websockets
from websockets.asyncio.client import ClientConnection

JSON = Any
USERS = {
    name: str(number) * 8 + f"-{str(number) * 4}" * 3 + "-" + str(number) * 12
    for number, name in ((1, "alice"), (2, "bob"), (3, "carol"))
}

PATIENCE = 8.0  # seconds until a frame that should have come counts as missing
STREAM_PATIENCE = 2.0  # seconds for the change stream to come to where the database is
SETTLING = 0.15  # seconds for a frame that should not come

_numbers = itertools.count()


@dataclass
class Server:
    """Where the replayed client connects to."""

    port: int
    prefix: str
    dsn: str
    secret: str


@dataclass
class Replay:
    """What one replay has heard so far, by connection."""

    server: Server
    heard: dict[str, list[JSON]] = field(default_factory=lambda: defaultdict(list))
    sockets: dict[str, ClientConnection] = field(default_factory=dict)
    readers: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    patience: float = PATIENCE


def read_transcript(path: Path) -> list[dict[str, JSON]]:
    """The lines of a transcript, less its notes and less what only the server's log says."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    kept = []
    for at, row in enumerate(rows):
        if row.get("note", "").startswith("message inserted"):
            kept.append(
                {"conn": "arrange", "dir": "out", "op": "sql", "frame": _inserts(rows[at:])}
            )
        elif "conn" in row and row.get("op") != "policy-log":
            kept.append(row)
    return kept


def _inserts(rows: list[dict[str, JSON]]) -> JSON:
    """The statements that were run where a recording of a real client only has a note."""
    text = json.dumps(rows, sort_keys=True)
    statements = []
    for table in ("bmessages", "messages"):
        found = re.search(rf'"record": (\{{[^}}]*\}})[^{{}}]*"table": "{table}"', text)
        record = json.loads(found[1]) if found else {}
        statements.append(
            f"insert into public.{table} (id, room_id, user_id, body) overriding system value"  # noqa: S608
            f" values ({record['id']}, '{record['room_id']}', '{record['user_id']}',"
            f" '{record['body']}')"
        )
    return {"sql": "; ".join(statements)}


async def play(rows: list[dict[str, JSON]], server: Server) -> dict[str, list[JSON]]:
    """Say the client's lines; return what the server said, by connection."""
    replay = Replay(server)
    expected: dict[str, int] = defaultdict(int)
    speaker = None
    for row in rows:
        op = row.get("op", "text")
        if op == "close":
            await _catch_up(replay, {row["conn"]: expected[row["conn"]]})
            await _close(replay, row["conn"], settle=row["dir"] == "in")
        elif row["dir"] == "in":
            expected[row["conn"]] += 1
            speaker = None
        else:
            await _catch_up(replay, expected)
            if speaker not in (None, row["conn"]):
                await asyncio.sleep(SETTLING)  # who spoke first is heard first
            speaker = row["conn"]
            await _say(replay, row["conn"], op, substitute(row["frame"], server.secret), row)
    for name in list(replay.sockets):
        await _close(replay, name)
    return replay.heard


def expected_frames(rows: list[dict[str, JSON]]) -> dict[str, list[JSON]]:
    """What the real server said, by connection, in a form that can be compared."""
    frames: dict[str, list[JSON]] = defaultdict(list)
    for row in rows:
        if row["dir"] == "in" and row.get("op") != "close":
            frames[row["conn"]].append([row.get("op", "text"), row["frame"]])
    return frames


def comparable(frames: Iterable[JSON]) -> list[str]:
    """One connection's frames without what differs from run to run and with races settled."""
    names: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return names.setdefault(match[0], f"<{len(names)}>")

    texts = []
    for op, frame in _settle_races(list(frames)):
        if isinstance(frame, dict) and "headers" in frame:
            frame = {key: item for key, item in frame.items() if key != "headers"}
        text = json.dumps([op, _shorten(frame)], sort_keys=True, ensure_ascii=False)
        for name, user in USERS.items():
            text = text.replace(user, f"<user:{name}>")
        text = re.sub(
            r'"phx_ref(_prev)?": "([^"]*)"',
            lambda m: f'"phx_ref{m[1] or ""}": ' + number(re.match(".*", m[2]) or m),
            text,
        )
        text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|<uuid:\d+>", number, text)
        text = re.sub(
            r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:?\d\d)?)?", _timestamp, text
        )
        texts.append(re.sub(r"expired (\d+) seconds ago", "expired <n> seconds ago", text))
    return texts


def substitute(value: JSON, secret: str) -> JSON:
    """Put real tokens, users and times where the transcript has placeholders."""
    if isinstance(value, dict):
        return {
            key: int(time.time() * 1000) + 10**7
            if key == "since" and isinstance(item, int) and item > 10**12
            else substitute(item, secret)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [substitute(item, secret) for item in value]
    if not isinstance(value, str):
        return value
    value = re.sub(r"<jwt:([\w-]+)>", lambda match: make_token(match[1], secret), value)
    value = re.sub(r"<user:(\w+)>", lambda match: USERS[match[1]], value)
    value = re.sub(r"<uuid:(\d+)>", lambda m: f"6f7d6f7d-0000-4000-8000-{int(m[1]):012}", value)
    return re.sub(r"messages_\d{4}_\d\d_\d\d", f"messages_{datetime.now(UTC):%Y_%m_%d}", value)


def make_token(name: str, secret: str) -> str:
    """A fresh token for what the transcript calls `<jwt:name>`."""
    now = int(time.time())
    user = name.rstrip("0123456789") if name.rstrip("0123456789") in USERS else "alice"
    lifetime = re.search(r"-(\d+)s$", name)
    claims: dict[str, JSON] = {
        "role": "authenticated",
        "sub": USERS[user],
        "aud": "authenticated",
        "iss": "supabase-demo",
        "iat": now,
        "exp": now + (int(lifetime[1]) if lifetime else 3600),
        "jti": str(next(_numbers)),
    }
    if name.startswith(("anon", "service_role")):
        claims["role"] = "anon" if name.startswith("anon") else "service_role"
        del claims["sub"]
    changes: dict[str, dict[str, JSON]] = {
        "expired": {"exp": now - 60},
        "role-nobody": {"role": "nobody_role"},
        "sub-not-uuid": {"sub": "not-a-uuid"},
    }
    claims |= changes.get(name, {})
    claims.pop({"no-role": "role", "no-exp": "exp"}.get(name, ""), None)
    return jwt.encode(claims, "x" * 40 if name == "wrong-secret" else secret, algorithm="HS256")


async def _say(replay: Replay, conn: str, op: str, frame: JSON, row: dict[str, JSON]) -> None:
    if op == "http-upgrade":
        await _connect(replay, conn, frame)
    elif op == "http":
        await _request(replay, conn, frame)
    elif op == "sql":
        answer = await _query(replay.server.dsn, frame)
        if conn != "arrange":
            replay.heard[conn].append(["sql", answer])
        await _await_stream(replay.server)
    elif op == "binary":
        hexadecimal = row.get("hex")
        data = bytes.fromhex(hexadecimal) if hexadecimal else _user_broadcast_push(frame)
        await replay.sockets[conn].send(data)
    else:
        # A string was no JSON when it was recorded.
        await replay.sockets[conn].send(frame if isinstance(frame, str) else json.dumps(frame))


async def _connect(replay: Replay, conn: str, frame: JSON) -> None:
    query = urlencode(frame["query"])
    url = f"ws://127.0.0.1:{replay.server.port}{replay.server.prefix}/socket/websocket?{query}"
    headers = {k: v for k, v in frame.get("headers", {}).items() if k.startswith("x-")}
    try:
        socket = await websockets.connect(
            url, additional_headers=headers, max_size=None, ping_interval=None, compression=None
        )
    except websockets.InvalidStatus as error:
        response = error.response
        answer = {
            "status": response.status_code,
            "content_type": response.headers.get("content-type"),
            "body": response.body.decode() if response.body else "",
        }
        replay.heard[conn].append(["http-upgrade", answer])
        return
    replay.heard[conn].append(["http-upgrade", {"status": 101}])
    replay.sockets[conn] = socket
    replay.readers[conn] = asyncio.create_task(_listen(replay, conn, socket))


async def _listen(replay: Replay, conn: str, socket: ClientConnection) -> None:
    with contextlib.suppress(websockets.ConnectionClosed):
        async for message in socket:
            if isinstance(message, bytes):
                replay.heard[conn].append(["binary", _read_user_broadcast(message)])
            else:
                replay.heard[conn].append(["text", json.loads(message)])
            async with replay.changed:
                replay.changed.notify_all()


async def _close(replay: Replay, conn: str, *, settle: bool = True) -> None:
    socket = replay.sockets.pop(conn, None)
    if socket is None:
        return
    if settle:
        await asyncio.sleep(SETTLING)  # nothing tells that nothing more comes
    frames = len(replay.heard[conn])
    await socket.close()
    await replay.readers[conn]
    del replay.heard[conn][frames:]  # a client that closes listens no more
    if socket.close_code != 1000:
        replay.heard[conn].append(["close", socket.close_code])


async def _catch_up(replay: Replay, expected: dict[str, int]) -> None:
    def complete() -> bool:
        return all(len(replay.heard[conn]) >= count for conn, count in expected.items())

    try:
        async with asyncio.timeout(replay.patience), replay.changed:
            await replay.changed.wait_for(complete)
    except TimeoutError:
        replay.patience = SETTLING  # something is missing, which shows in the comparison


async def _request(replay: Replay, conn: str, frame: JSON) -> None:
    path = frame["path"].removeprefix("/realtime/v1")
    headers, body = dict(frame["headers"]), frame["body"]
    content: bytes | None = None
    if isinstance(body, str):
        binary = headers.get("Content-Type") == "application/octet-stream"
        content = bytes.fromhex(body) if binary else body.encode()
    elif body is not None:
        content = json.dumps(body).encode()
        headers.setdefault("content-type", "application/json")
    url = f"http://127.0.0.1:{replay.server.port}{replay.server.prefix}{path}"
    async with httpx.AsyncClient() as client:
        response = await client.request(frame["method"], url, headers=headers, content=content)
    try:
        answer = response.json()
    except ValueError:
        answer = response.text
    heard = {"status": response.status_code, "body": answer}
    replay.heard[conn].append(["http", heard])


async def _await_stream(server: Server) -> None:
    """Wait until the server has read the database's changes up to here.

    It reads them in the order of commits, so that a message of our own that comes back tells it.
    Where a recording has taken the table's partitions away, none does.
    """
    query = urlencode({"apikey": make_token("anon", server.secret), "vsn": "1.0.0"})
    url = f"ws://127.0.0.1:{server.port}{server.prefix}/socket/websocket?{query}"
    join = {"topic": "realtime:witness", "event": "phx_join", "payload": {"config": {}}, "ref": "1"}
    async with websockets.connect(url, ping_interval=None, compression=None) as socket:
        await socket.send(json.dumps(join))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STREAM_PATIENCE):
                await socket.recv()
                await _query(
                    server.dsn, {"sql": "select realtime.send('{}', 'here', 'witness', false)"}
                )
                while json.loads(await socket.recv())["event"] != "broadcast":
                    pass


async def _query(dsn: str, frame: JSON) -> JSON:
    notices: list[str] = []
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        connection.add_notice_handler(
            lambda said: notices.append(f"{said.severity}: {said.message_primary}")
        )
        try:
            if frame.get("role"):
                subject = {"sub": frame["sub"]} if frame.get("sub") else {}
                await connection.execute(
                    "select set_config('role', %s, true),"
                    " set_config('request.jwt.claims', %s, true)",
                    (frame["role"], json.dumps({"role": frame["role"], **subject})),
                )
            cursor = await connection.execute(frame["sql"], frame.get("params"))
            rows = await cursor.fetchall() if cursor.description else None
            answer: dict[str, JSON] = {"rows": json.loads(json.dumps(rows, default=str))}
        except psycopg.Error as error:
            await connection.rollback()
            answer = {"error": f"{error.sqlstate}: {error.diag.message_primary}"}
    return {**answer, "notices": notices} if notices else answer


def _user_broadcast_push(frame: JSON) -> bytes:
    fields = [frame[key].encode() for key in ("join_ref", "ref", "topic", "user_event")]
    is_json = frame["encoding"] == "json"
    payload = frame["payload"]
    data = json.dumps(payload).encode() if is_json else bytes.fromhex(payload)
    return bytes([3, *map(len, fields), 0, int(is_json)]) + b"".join(fields) + data


def _read_user_broadcast(message: bytes) -> JSON:
    fields = []
    at = 5
    for length in message[1:4]:
        fields.append(message[at : at + length].decode())
        at += length
    is_json = message[4] == 1
    return {
        "kind": message[0],
        "name": "user_broadcast",
        "topic": fields[0],
        "user_event": fields[1],
        "metadata": json.loads(fields[2]) if fields[2] else None,
        "encoding": "json" if is_json else "binary",
        "payload": json.loads(message[at:]) if is_json else message[at:].hex(),
    }


def _settle_races(frames: list[JSON]) -> list[JSON]:
    """Order neighbours whose order the real server itself does not keep from run to run.

    These are the reply to one's own push and one's own copy of it, and the first presence state
    and the message that postgres_changes is subscribed.
    """
    moved = True
    while moved:
        moved = False
        for at in range(len(frames) - 1):
            first, second = _kind(frames[at]), _kind(frames[at + 1])
            if (first, second) in {("copy", "reply"), ("state", "system")}:
                frames[at], frames[at + 1] = frames[at + 1], frames[at]
                moved = True
    return frames


def _kind(item: JSON) -> str:
    op, frame = item
    if op == "binary":
        return "copy"
    event = frame[3] if isinstance(frame, list) else frame.get("event")
    kinds = {"phx_reply": "reply", "broadcast": "copy", "presence_diff": "copy"}
    return kinds.get(event) or {"presence_state": "state", "system": "system"}.get(event, "")


def _shorten(value: JSON) -> JSON:
    if isinstance(value, str) and len(value) > 3000:
        return f"<string of {len(value)} chars>"
    if isinstance(value, list):
        return [_shorten(item) for item in value]
    if isinstance(value, dict):
        return {key: _shorten(item) for key, item in value.items()}
    return value


def _timestamp(match: re.Match[str]) -> str:
    if match[0].endswith("Z"):
        return "<ts Z>"
    return "<ts +00:00>" if "+00:00" in match[0] else "<ts>"
