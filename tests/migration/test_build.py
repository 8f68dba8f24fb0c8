"""The migrations deploy exactly what the sources say, by our own way and by Supabase's."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.build import build_migrations, lock_migrations
from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.migrations import apply_migrations
from tests.support.databases import Database
from tests.support.node import run_supabase
from tests.support.sources import all_made
from tests.support.stacks import ROOT, Cluster

# Written by pg_dump for psql, with a random key in each dump.
RESTRICT = re.compile(r"^\\(un)?restrict .*$", re.MULTILINE)
COMMENT = re.compile(r"^--.*\n?", re.MULTILINE)
ADVISOR_SECTION = "\n## What the Security Advisor says\n"
ALLOWED = re.compile(
    r"^\| `(?P<lint>[^`]+)` \| `(?P<object>[^`]+)` \| (?P<why>.+) \|$", re.MULTILINE
)


@pytest.fixture(scope="module")
def new_project(cluster: Cluster) -> Iterator[Callable[[], Database]]:
    """Makes empty Supabase projects."""
    made: list[Database] = []

    def make() -> Database:
        database = Database(cluster.port, f"project_{len(made)}")
        postgres.create_database(cluster.port, database.name)
        postgres.bootstrap(cluster.port, database.name)
        made.append(database)
        return database

    yield make
    for database in made:
        database.close()
        postgres.drop_database(cluster.port, database.name)


@pytest.fixture(scope="module")
def deployed(new_project: Callable[[], Database]) -> Database:
    """A project with the migrations alone."""
    database = new_project()
    apply_migrations(database.dsn())
    return database


@pytest.fixture(scope="module")
def pushed(
    new_project: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Database, Path]:
    """A project that the Supabase CLI deployed to, and the CLI's folder."""
    database, folder = new_project(), tmp_path_factory.mktemp("cli")
    answer = run_supabase(folder, "db", "push", f"--remote={database.dsn()}", "--yes")
    assert answer.returncode == 0, answer.stderr
    return database, folder


def dump(cluster: Cluster, database: Database) -> str:
    """The schema as SQL, without the migration history and without comments of the dump."""
    answer = subprocess.run(  # noqa: S603
        [
            cluster.binaries / "pg_dump",
            *(
                "--schema-only",
                "--exclude-schema=supabase_migrations",
                database.dsn("supabase_admin"),
            ),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return COMMENT.sub("", RESTRICT.sub("", answer.stdout))


def test_every_source_is_in_its_newest_migration() -> None:
    assert build_migrations.check() == []


def test_every_migration_is_locked_and_none_was_changed() -> None:
    assert lock_migrations.check() == []


def test_applying_the_sources_again_changes_nothing(cluster: Cluster, deployed: Database) -> None:
    before = dump(cluster, deployed)
    assert "create function private." in before.lower()
    for _ in range(2):
        build_migrations.apply_sources(deployed.dsn(), check_bodies=True)
        assert dump(cluster, deployed) == before


def test_every_function_and_view_comes_from_one_source_of_its_name(deployed: Database) -> None:
    rows = deployed.query("""
        select 'function' as kind, p.pronamespace::regnamespace || '.' || p.proname as name
        from pg_proc as p
        where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
        union all
        select 'view', c.relnamespace::regnamespace || '.' || c.relname
        from pg_class as c
        where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
          and c.relkind in ('v', 'm')
    """)
    there = Counter((row["kind"], row["name"]) for row in rows)
    made = Counter(
        (made.kind, made.name) for made in all_made() if made.kind in ("function", "view")
    )
    assert there == made


def test_every_trigger_and_policy_comes_from_one_source(deployed: Database) -> None:
    rows = deployed.query("""
        select 'trigger' as kind, t.tgname as name,
          c.relnamespace::regnamespace || '.' || c.relname as on_table
        from pg_trigger as t
        join pg_class as c on c.oid = t.tgrelid
        join pg_proc as p on p.oid = t.tgfoid
        where not t.tgisinternal and t.tgparentid = 0
          and (
            c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
            or p.pronamespace = 'private'::regnamespace
          )
        union all
        select 'policy', p.policyname, p.schemaname || '.' || p.tablename
        from pg_policies as p
    """)
    there = Counter((row["kind"], row["name"], row["on_table"]) for row in rows)
    made = Counter(
        (made.kind, made.name, made.table)
        for made in all_made()
        if made.kind in ("trigger", "policy")
    )
    assert there == made


def test_the_supabase_cli_deploys_the_same_schema(
    cluster: Cluster, deployed: Database, pushed: tuple[Database, Path]
) -> None:
    database, _ = pushed
    assert dump(cluster, database) == dump(cluster, deployed)


def test_supabase_start_runs_every_service_that_the_migrations_need() -> None:
    services = tomllib.loads((ROOT / "supabase" / "config.toml").read_text("utf-8"))
    written = "".join(path.read_text("utf-8") for path in ROOT.glob("supabase/migrations/*.sql"))
    needed = {name for name in ("auth", "realtime", "storage") if f" {name}." in written}
    assert {name for name in needed if services[name]["enabled"]} == needed


def test_a_second_push_finds_nothing_to_do(pushed: tuple[Database, Path]) -> None:
    database, folder = pushed
    answer = run_supabase(folder, "db", "push", f"--remote={database.dsn()}", "--yes")
    assert "Remote database is up to date" in answer.stdout


def test_the_advisor_finds_only_what_the_security_page_explains(
    pushed: tuple[Database, Path],
) -> None:
    database, folder = pushed
    page = (ROOT / "docs" / "SECURITY.md").read_text("utf-8")
    section = page.split(ADVISOR_SECTION)[1].split("\n## ")[0]
    allowed = [(row["lint"], row["object"]) for row in ALLOWED.finditer(section)]
    answer = run_supabase(
        folder,
        *("db", "advisors", f"--remote={database.dsn()}"),
        *("--level", "info", "--output-format", "json"),
    )
    assert answer.returncode == 0, answer.stderr
    found = {(lint["name"], _object_of(lint)) for lint in json.loads(answer.stdout)["results"]}
    explained = {(row, one) for row in allowed for one in found if _explains(row, one)}
    assert found - {one for _, one in explained} == set(), (
        "explain it in docs/SECURITY.md or mend it"
    )
    assert set(allowed) - {row for row, _ in explained} == set(), "no longer found: remove the row"


def _object_of(lint: dict[str, Any]) -> str:
    metadata = lint["metadata"]
    return f"{metadata['schema']}.{metadata['name']}"


def _explains(row: tuple[str, str], found: tuple[str, str]) -> bool:
    return row[0] == found[0] and fnmatch.fnmatchcase(found[1], row[1])
