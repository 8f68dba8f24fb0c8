"""postgres_changes of a commit that the stream tells of before other sessions see its rows."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import psycopg
from psycopg_pool import AsyncConnectionPool

from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.config import Settings
from scripts.dev.local_supabase.realtime.changes import Changes
from scripts.dev.local_supabase.realtime.listening import Listener, Topic
from scripts.dev.local_supabase.realtime.pgoutput import Change, Column, Relation
from tests.support.stacks import Cluster

DATABASE = "realtime_changes"
CLAIMS: Any = {"role": "authenticated", "sub": "00000000-0000-4000-8000-000000000001"}
TABLE = """
create table public.notes (id integer primary key);
alter table public.notes enable row level security;
create policy all_of_them on public.notes for select to authenticated using (true);
grant select on public.notes to authenticated;
alter publication supabase_realtime add table public.notes;
"""


class Channel:
    """A listener that keeps what it is sent."""

    topic = Topic("rows", private=False)
    stopped = False

    def __init__(self) -> None:
        self.heard: asyncio.Queue[object] = asyncio.Queue()

    def post_fanout(self, message: object) -> None:
        """Keep it."""
        self.heard.put_nowait(message)


def test_a_row_is_told_once_its_commit_is_over(cluster: Cluster) -> None:
    postgres.create_database(cluster.port, DATABASE)
    postgres.bootstrap(cluster.port, DATABASE)
    settings = Settings(cluster.data, db_port=cluster.port, db_name=DATABASE)
    try:
        asyncio.run(_commit_late(settings))
    finally:
        postgres.drop_database(cluster.port, DATABASE)


async def _commit_late(settings: Settings) -> None:
    dsn = settings.dsn("supabase_admin")
    channel = Channel()
    async with (
        AsyncConnectionPool(dsn, kwargs={"autocommit": True}, open=False) as pool,
        await psycopg.AsyncConnection.connect(dsn, autocommit=True) as writer,
    ):
        await writer.execute(TABLE)
        changes = Changes(pool)
        asked = [{"id": 1, "event": "*", "schema": "public", "table": "notes"}]
        assert await changes.subscribe(cast("Listener", channel), asked, CLAIMS) is None
        working = asyncio.create_task(changes.work())
        async with writer.transaction():
            row = await (
                await writer.execute(
                    "insert into public.notes values (7)"
                    " returning pg_current_xact_id()::text, tableoid::bigint"
                )
            ).fetchone()
            assert row
            relation = Relation(row[1], "public", "notes", (Column("id", is_key=True),))
            now = datetime.now(UTC)
            changes.handle(Change("INSERT", relation, {"id": "7"}, {}, now, int(row[0])))
            await _until_asked(writer)
            assert channel.heard.empty()
        async with asyncio.timeout(20):
            await channel.heard.get()
        working.cancel()


async def _until_asked(writer: psycopg.AsyncConnection[Any]) -> None:
    """Return when the worker has looked for the row's transaction."""
    asked = """
      select from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()
        and query like '%pg_visible_in_snapshot%' and state = 'idle'
    """
    async with asyncio.timeout(20):
        while await (await writer.execute("select pg_stat_clear_snapshot()")).fetchone():
            if await (await writer.execute(asked)).fetchone() is not None:
                return
            await asyncio.sleep(0.01)  # another process's progress: there is no event for it
