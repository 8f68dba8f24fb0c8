"""What no client of good will sends: the local stack answers, stays up, and keeps its log quiet."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.config import Settings
from tests.support.serving import Server
from tests.support.stacks import Cluster, free_port

DATABASE = "gateway"
DEEP = "[" * 100_000
# Around the server's limit and Python's: deep enough for a reader or a writer to give up.
DEPTHS = (100, 400, *range(490, 500), *range(900, 1000, 5))


@pytest.fixture(scope="module")
def empty(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A project without our tables, and the process that serves it."""
    postgres.create_database(cluster.port, DATABASE)
    postgres.bootstrap(cluster.port, DATABASE)
    folder = tmp_path_factory.mktemp("gateway")
    settings = Settings(folder, free_port(), cluster.port, DATABASE, realtime_connect_refusal=0.1)
    server = Server(settings)
    yield settings
    server.kill()
    postgres.drop_database(cluster.port, DATABASE)


def open_socket(settings: Settings, path: str = "/realtime/v1/websocket") -> Connection:
    query = urlencode({"apikey": settings.api_key("anon"), "vsn": "2.0.0"})
    return connect(f"{settings.api_url.replace('http', 'ws', 1)}{path}?{query}")


def beats(socket: Connection, ref: str) -> bool:
    """Whether the socket still answers a heartbeat, after what else it has to say."""
    socket.send(json.dumps([None, ref, "phoenix", "heartbeat", {}]))
    # What comes before may be too deep for this process to read.
    while not (frame := str(socket.recv(timeout=10))).startswith(f'[null,"{ref}",'):
        pass
    return bool(json.loads(frame)[4]["status"] == "ok")


def log_of(settings: Settings) -> str:
    return (settings.data_dir / "api.log").read_text("utf-8")


def test_a_frame_that_is_too_deep_is_ignored_and_the_socket_stays(empty: Settings) -> None:
    with open_socket(empty) as socket:
        socket.send(DEEP)
        assert beats(socket, "1")
        kind_3 = bytes([3, 0, 0, 0, 0, 0, 1]) + DEEP.encode()
        socket.send(kind_3)
        assert beats(socket, "2")


@pytest.mark.parametrize("event", ["broadcast", "presence"])
def test_no_depth_of_a_payload_ends_the_socket(empty: Settings, event: str) -> None:
    topic = "realtime:depths"
    config = {"broadcast": {"self": True, "ack": True}, "presence": {"key": "me", "enabled": True}}
    with open_socket(empty) as socket:
        for depth in DEPTHS:
            ref = str(depth)
            join = {"config": config | {"private": False}}
            socket.send(json.dumps([ref, f"join {ref}", topic, "phx_join", join]))
            payload = '{"event": "track", "payload": {"x": ' + "[" * depth + "]" * depth + "}}"
            socket.send(f'["{ref}", null, "{topic}", "{event}", {payload}]')
            assert beats(socket, f"beat {ref}")


@pytest.mark.parametrize("path", ["/api/broadcast", "/api/broadcast/room/events/said"])
def test_a_body_that_is_too_deep_is_a_bad_request(empty: Settings, path: str) -> None:
    answer = httpx.post(
        f"{empty.api_url}/realtime/v1{path}",
        content=DEEP,
        headers={"apikey": empty.api_key("anon"), "Content-Type": "application/json"},
    )
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path", ["/rest/v1/", "/auth/v1/user", "/storage/v1/bucket", "/realtime/v1/websocket"]
)
def test_a_token_whose_header_is_too_deep_is_refused(empty: Settings, path: str) -> None:
    header = base64.urlsafe_b64encode(DEEP[:4000].encode()).decode().rstrip("=")
    token = f"{header}.e30.e30"
    if path.endswith("websocket"):
        answer = httpx.get(
            f"{empty.api_url}{path}?{urlencode({'apikey': token})}",
            headers={
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
            },
        )
    else:
        answer = httpx.get(
            f"{empty.api_url}{path}",
            headers={"apikey": empty.api_key("anon"), "Authorization": f"Bearer {token}"},
        )
    # Storage says nearly everything with 400.
    assert answer.status_code in ((400,) if "storage" in path else (401, 403))


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/rest/v1/messages", 404, "websockets are served at /realtime/v1/websocket"),
        ("/auth/v1/user", 404, "websockets are served at /realtime/v1/websocket"),
        ("/health", 404, "websockets are served at /realtime/v1/websocket"),
        ("/nowhere", 404, "websockets are served at /realtime/v1/websocket"),
        ("/storage/v1/upload", 404, "websockets are served at /realtime/v1/websocket"),
        ("/functions/v1/hello", 501, "Edge Functions is not part of the local stack"),
    ],
)
def test_a_websocket_is_refused_in_words_where_there_is_none(
    empty: Settings, path: str, status: int, said: str
) -> None:
    with pytest.raises(InvalidStatus) as refusal, open_socket(empty, path):
        pass
    response = refusal.value.response
    assert response.status_code == status
    assert response.body is not None
    assert said in json.loads(response.body)["message"]


def test_what_clients_get_wrong_leaves_no_line_in_the_log(empty: Settings) -> None:
    with psycopg.connect(empty.dsn()) as connection:
        connection.execute("create table public.numbers as select 1 as n")
        connection.execute("grant select on public.numbers to anon")
        connection.execute(
            """
            create function public.echo(value jsonb) returns jsonb
            language sql as 'select value';
            grant execute on function public.echo(jsonb) to anon;
            notify pgrst, 'reload schema';
            """
        )
    headers = {"apikey": empty.api_key("anon"), "Content-Type": "application/json"}
    with httpx.Client(base_url=f"{empty.api_url}/rest/v1", headers=headers) as client:
        for _ in range(3):
            body = b'{"value": "\\u0000"}'
            answer = client.post("/rpc/echo", content=body)
            assert (answer.status_code, answer.json()["code"]) == (400, "22P05")
            answer = client.get("/numbers?n=eq.x", headers={"Prefer": "count=exact"})
            assert (answer.status_code, answer.json()["code"]) == (400, "22P02")
    with pytest.raises(InvalidStatus), open_socket(empty, "/rest/v1/numbers"):
        pass
    assert log_of(empty) == ""
