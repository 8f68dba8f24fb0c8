"""The quota of events a second: a burst passes, a flood is dropped for a while, then it ends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import psycopg
import websockets
from starlette.applications import Starlette

from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.config import LOOPBACK, Settings
from scripts.dev.local_supabase.realtime import open_realtime
from scripts.dev.local_supabase.realtime.rate import EventRate
from tests.support.serving import served
from tests.support.stacks import Cluster, free_port

DATABASE = "realtime_rate"
TOO_MANY = "Too many messages per second"


class Clock:
    """Seconds that only pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.seconds


def test_a_burst_passes_and_a_flood_is_felt_for_a_minute() -> None:
    clock = Clock()
    rate = EventRate(100, clock)
    rate.count(400)
    assert not rate.is_over
    clock.seconds = 5
    assert not rate.is_over  # 80 a second

    for _ in range(4):
        rate.count(1500)
        clock.seconds += 5
    assert rate.is_over  # (400 + 4 * 1500) / 25 s
    clock.seconds += 30
    assert rate.is_over
    clock.seconds += 35
    assert not rate.is_over


def test_no_limit_is_never_over() -> None:
    clock = Clock()
    rate = EventRate(0, clock)
    rate.count(1_000_000)
    clock.seconds = 5
    assert not rate.is_over


def test_over_the_quota_channels_are_closed_http_refused_and_rows_dropped(
    cluster: Cluster,
) -> None:
    postgres.create_database(cluster.port, DATABASE)
    postgres.bootstrap(cluster.port, DATABASE)
    port = free_port()
    settings = Settings(cluster.data, port=port, db_port=cluster.port, db_name=DATABASE)
    try:
        asyncio.run(_flood(settings))
    finally:
        postgres.drop_database(cluster.port, DATABASE)


async def _flood(settings: Settings) -> None:
    async with open_realtime(settings) as app, served(app, settings.port):
        assert isinstance(app, Starlette)
        await _talk(app, settings)


async def _talk(app: Starlette, settings: Settings) -> None:
    clock = Clock()
    app.state.hub.rate = EventRate(2, clock)
    key = settings.api_key("anon")
    headers = {"apikey": key}
    url = f"ws://{LOOPBACK}:{settings.port}/socket/websocket?apikey={key}&vsn=2.0.0"
    async with (
        httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{settings.port}", headers=headers) as http,
        websockets.connect(url) as socket,
    ):

        async def join(topic: str) -> None:
            config = {"broadcast": {"self": True, "ack": False}, "private": False}
            await socket.send(json.dumps(["1", "1", topic, "phx_join", {"config": config}]))
            assert (await hear())[3] == "phx_reply"

        async def hear() -> list[Any]:
            frame = await asyncio.wait_for(socket.recv(), 10)
            if isinstance(frame, bytes):  # a broadcast of the database
                return ["", "", "", "broadcast", frame]
            heard: list[Any] = json.loads(frame)
            return heard

        async def say() -> None:
            said = {"type": "broadcast", "event": "x", "payload": {}}
            await socket.send(json.dumps(["1", "2", "realtime:ev", "broadcast", said]))

        await join("realtime:ev")
        for _ in range(60):
            await say()
            assert (await hear())[3] == "broadcast"
        clock.seconds = 6
        await say()
        assert (await hear())[3] == "broadcast"
        system, close = await hear(), await hear()
        assert (system[3], system[4]["message"]) == ("system", TOO_MANY)
        assert close[3] == "phx_close"

        one = {"messages": [{"topic": "ev", "event": "e", "payload": {}}]}
        refused = await http.post("/api/broadcast", json=one)
        assert (refused.status_code, refused.headers["x-rate-limit"]) == (429, "2")

        await join("realtime:ev")
        with psycopg.connect(settings.dsn(), autocommit=True) as connection:
            connection.execute("select realtime.send('{\"n\": 1}', 'e', 'ev', false)")
            # The row is dropped when the stream brings it, so the clock may turn after that.
            await _follow(connection, app)
            clock.seconds = 100
            connection.execute("select realtime.send('{\"n\": 2}', 'e', 'ev', false)")
        heard = await hear()
        assert heard[3] == "broadcast"
        assert b'"n": 2' in heard[4]


async def _follow(connection: psycopg.Connection[Any], app: Starlette) -> None:
    """Return when the server has confirmed everything that was committed."""
    now = connection.execute("select pg_current_wal_insert_lsn()").fetchone()
    assert now
    while True:
        row = connection.execute(
            "select bool_and(confirmed_flush_lsn >= %s) from pg_replication_slots"
            " where database = current_database()",
            now,
        ).fetchone()
        if row and row[0]:
            return
        await asyncio.sleep(0.01)  # another process's progress: there is no event for it
