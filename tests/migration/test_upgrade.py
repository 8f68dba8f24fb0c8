"""The next migration reaches a database that is in use: nothing is lost, and what runs goes on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.build import build_migrations
from scripts.build.build_migrations import MIGRATIONS, SOURCES
from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.migrations import apply_migrations
from tests.flow.deals import Play, gather_cast, open_play
from tests.support.databases import Database
from tests.support.limits import lift_limits
from tests.support.stacks import Cluster

# One deal in each: open, paid, disputed, done.
SCENES = ("payment_pending with an order", "work_in_progress", "disputed by B during review",
          "real_time")  # fmt: skip
# The upgrade publishes the next version of each flow.
TABLES = """
select c.oid::regclass::text as name
from pg_class as c
where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
  and c.relname not like 'flow\\_%'
"""


@pytest.fixture
def used(cluster: Cluster, tmp_path: Path) -> Iterator[Database]:
    """A project on the baseline."""
    database = Database(cluster.port, "project_in_use")
    postgres.create_database(cluster.port, database.name)
    postgres.bootstrap(cluster.port, database.name)
    apply_migrations(database.dsn())
    lift_limits(database.dsn())
    yield database
    database.close()
    postgres.drop_database(cluster.port, database.name)


def content(database: Database) -> dict[str, list[Any]]:
    """Every row of every table of ours, but of those of the flows."""
    names = [row["name"] for row in database.query(TABLES)]
    return {name: database.query(f"select t::text from {name} as t order by 1") for name in names}  # noqa: S608


def next_migration(folder: Path) -> Path:
    """The migrations and one more: the flows ask for faster delivery, and functions change."""
    sources, migrations = folder / "functions_sql", folder / "migrations"
    shutil.copytree(SOURCES, sources)
    shutil.copytree(MIGRATIONS, migrations)
    rules = sources / "80_data" / "10_drafts.sql"
    rules.write_text(rules.read_text("utf-8").replace('"delivery_days": 14', '"delivery_days": 7'))
    for source in (sources / "30_chat").glob("*.sql"):
        source.write_text(source.read_text("utf-8") + "-- Reworded.\n")
    assert build_migrations.build("next", sources, migrations)
    return migrations


def test_a_database_in_use_keeps_everything_and_its_deals_go_on(
    used: Database, tmp_path: Path
) -> None:
    cast = gather_cast(used)
    deals = [open_play(used, cast, scene=scene) for scene in SCENES]
    with used.signed_in_as(cast.asha):
        talk = used.call("direct_connect", target_user_id=cast.chitra, initial_message="Hello")
    chat = talk["conversation"]["conversation_id"]
    before = content(used)
    assert before["messages"]
    contexts = [play.context("influencer") for play in deals]

    (applied,) = apply_migrations(used.dsn(), next_migration(tmp_path))

    assert applied.endswith("_next_functions.sql")
    assert content(used) == before
    assert [play.context("influencer") | {"server_now": None} for play in deals] == [
        context | {"server_now": None} for context in contexts
    ]
    pending, working, disputed, done = deals
    pending.do("S", "payment_captured")
    working.do("I", "submit_work")
    disputed.do("A", "resolve_release")
    done.do("I", "rate_collaboration")
    with used.signed_in_as(cast.chitra):
        sent = used.call("send_message", conversation_id=chat, message="Hello too")
    assert sent["message"]["seq"] == 3
    assert days_of(used, working) == 14
    assert days_of(used, open_play(used, cast, scene="work_in_progress")) == 7


def days_of(database: Database, play: Play) -> Any:
    """The days that a deal's own version of the flow gives for the work."""
    return database.value(
        """
        select (f.rules ->> 'delivery_days')::integer
        from private.conversations as c join private.flow_definitions as f on f.id = c.flow_id
        where c.id = %s
        """,
        play.id,
    )
