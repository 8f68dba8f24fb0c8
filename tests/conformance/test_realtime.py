"""The local Realtime says what the real one said, frame by frame."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
import websockets
from starlette.types import ASGIApp, Receive, Scope, Send

from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.config import LOOPBACK, Settings
from scripts.dev.local_supabase.realtime import open_realtime
from tests.conformance.realtime import replay
from tests.support.serving import served
from tests.support.stacks import Cluster, free_port

HERE = Path(__file__).parent / "realtime"
TRANSCRIPTS = {path.stem: path for path in sorted((HERE / "transcripts").glob("*.jsonl"))}

TENANT = "there is one tenant, whose limits are the defaults or are not enforced"
RATE = "it waits for ticks of 5 s: tests/local_supabase/test_realtime_rate.py turns the clock"
LEFT_OUT = {
    "01b_unknown_tenant": "there is one tenant, whatever the Host",
    "16a_limit_payload_size": TENANT,
    "16c_limit_channels_per_client": TENANT,
    "16d_limit_concurrent_users": TENANT,
    "16e_limit_joins_per_second": TENANT,
    "16f_limit_events_per_second": RATE,
    "16h_private_only_suspended": TENANT,
    "20_server_side_disconnect": "there is no operator's API",
    "21_idle_timeout": "it takes a minute",
}
REPLAYED = [name for name in TRANSCRIPTS if name not in LEFT_OUT]

TEMPLATE = "realtime_recordings"
# Recordings in which nobody writes to the database need none of their own.
SHARED = "realtime_shared"
AT_ONCE = 6

# What the recordings were made with beside sample_schema.sql.
PREPARE = """
grant all on all tables in schema public to anon, authenticated, service_role;
grant all on all sequences in schema public to anon, authenticated, service_role;
create function public.log_policy(command text, message realtime.messages) returns boolean
language plpgsql as $$
begin
  raise log 'DBG % row=% current_user=% role=% topic=% claims=% sub=% crole=% headers=% path=%',
    command, message, current_user, current_setting('role'), realtime.topic(),
    current_setting('request.jwt.claims', true), current_setting('request.jwt.claim.sub', true),
    current_setting('request.jwt.claim.role', true), current_setting('request.headers', true),
    current_setting('request.path', true);
  return true;
end $$;
create policy dbg_read on realtime.messages for select to authenticated
  using (realtime.topic() = 'dbg' and public.log_policy('SELECT', messages));
create policy dbg_write on realtime.messages for insert to authenticated
  with check (realtime.topic() = 'dbg' and public.log_policy('INSERT', messages));
"""

Heard = dict[str, dict[str, list[Any]]]


@pytest.fixture(scope="module")
def heard(cluster: Cluster) -> Heard:
    """What the local server says in every replay; all are played side by side."""
    postgres.create_database(cluster.port, TEMPLATE)
    postgres.bootstrap(cluster.port, TEMPLATE)
    with psycopg.connect(cluster.dsn(database=TEMPLATE)) as connection:
        connection.execute((HERE / "sample_schema.sql").read_bytes())
        connection.execute("reset role")
        connection.execute(PREPARE)
    postgres.create_database(cluster.port, SHARED, TEMPLATE)
    return asyncio.run(_play_all(cluster))


async def _play_all(cluster: Cluster) -> Heard:
    apps: dict[str, ASGIApp] = {}
    at_once = asyncio.Semaphore(AT_ONCE)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"].split("/")[1]
        await apps[name]({**scope, "path": scope["path"][len(name) + 1 :]}, receive, send)

    async def play(name: str, port: int) -> dict[str, list[Any]]:
        async with at_once:
            rows = replay.read_transcript(TRANSCRIPTS[name])
            database = SHARED
            if any(row.get("op") == "sql" for row in rows):
                database = f"realtime_{name}"
                await asyncio.to_thread(postgres.create_database, cluster.port, database, TEMPLATE)
            settings = Settings(
                data_dir=cluster.data,
                port=port,
                db_port=cluster.port,
                db_name=database,
                realtime_connect_refusal=0.01,
                realtime_join_refusal=0.3,
            )
            async with open_realtime(settings) as apps[name]:
                server = replay.Server(
                    port, f"/{name}", settings.dsn("postgres"), settings.jwt_secret
                )
                return await replay.play(rows, server)

    port = free_port()
    async with served(dispatch, port):
        names = sorted(REPLAYED, key=_recorded_for, reverse=True)  # the longest begin at once
        all_heard = await asyncio.gather(*(play(name, port) for name in names))
    return dict(zip(names, all_heard, strict=True))


def _recorded_for(name: str) -> int:
    rows = replay.read_transcript(TRANSCRIPTS[name])
    return max(int(row.get("ms", 0)) for row in rows)


@pytest.mark.parametrize("name", REPLAYED)
def test_the_local_server_says_what_the_real_one_said(name: str, heard: Heard) -> None:
    wanted = replay.expected_frames(replay.read_transcript(TRANSCRIPTS[name]))
    got = heard[name]
    assert {conn: replay.comparable(frames) for conn, frames in got.items()} == {
        conn: replay.comparable(frames) for conn, frames in wanted.items()
    }


def test_every_recording_that_is_left_out_is_there_and_says_why() -> None:
    assert set(LEFT_OUT) <= set(TRANSCRIPTS)
    assert all(LEFT_OUT.values())


def test_policies_see_the_user_and_the_probe_that_the_real_server_shows_them(
    cluster: Cluster, heard: Heard
) -> None:
    assert heard["23_policy_gucs"]
    log = (cluster.data / "server.log").read_text(encoding="utf-8")
    wanted = TRANSCRIPTS["23_policy_gucs"].read_text(encoding="utf-8")
    recorded = [
        row["frame"]
        for row in map(json.loads, wanted.splitlines())
        if row.get("op") == "policy-log"
    ]
    assert sorted(map(_seen_by_policy, re.findall(r"DBG \w+ row=.*", log))) == sorted(
        map(_seen_by_policy, recorded)
    )


def _seen_by_policy(line: str) -> list[str]:
    """The parts of a logged line that are equal in every run."""
    found = re.match(
        r"DBG (?P<command>\w+) row=(?P<row>.*) current_user=(?P<user>\S+) role=(?P<role>\S+)"
        r" topic=(?P<topic>\S+) claims=(?P<claims>{.*}) sub=(?P<sub>\S+) crole=(?P<crole>\S+)"
        r" headers=(?P<headers>.*) path=(?P<path>\S+)",
        line,
    )
    assert found, line
    headers = {} if found["headers"] == "<NULL>" else json.loads(found["headers"])
    values = ("command", "row", "user", "role", "topic", "sub", "crole", "path")
    names = [*sorted(headers), *sorted(json.loads(found["claims"]).keys() - {"jti"})]
    return replay.comparable([["text", {"said": [found[name] for name in values], "of": names}]])


def test_clients_that_vanish_while_they_join_leave_no_presence_behind(
    cluster: Cluster, heard: Heard
) -> None:
    assert heard
    assert asyncio.run(_vanish_and_look(cluster)) == {}


async def _vanish_and_look(cluster: Cluster) -> Any:
    """Cut many sockets in the midst of a join and a track; then see who is said to be there."""
    topic = "realtime:room:room-1"
    settings = Settings(
        data_dir=cluster.data, port=free_port(), db_port=cluster.port, db_name=SHARED
    )
    key = {"apikey": settings.api_key("anon"), "vsn": "2.0.0"}
    token = replay.make_token("alice", settings.jwt_secret)
    config = {"private": True, "presence": {"enabled": True}}
    join = ["1", "1", topic, "phx_join", {"config": config, "access_token": token}]
    track = ["1", "2", topic, "presence", {"event": "track", "payload": {}}]

    async with open_realtime(settings) as app, served(app, settings.port):
        url = f"ws://{LOOPBACK}:{settings.port}/socket/websocket?{urlencode(key)}"

        async def vanish(after: float) -> None:
            socket = await websockets.connect(url)
            await socket.send(json.dumps(join))
            await socket.send(json.dumps(track))
            await asyncio.sleep(after)  # at another moment of the join each time
            socket.transport.abort()

        await asyncio.gather(*(vanish(number / 200) for number in range(100)))
        async with asyncio.timeout(replay.PATIENCE), websockets.connect(url) as socket:
            while True:
                await socket.send(json.dumps(join))
                async for message in socket:
                    frame = json.loads(message)
                    if frame[3] == "presence_state":
                        break
                if not frame[4]:
                    return frame[4]
