"""The schema storage: what a migration may do with it, and what Supabase refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from scripts.dev.local_supabase import postgres
from tests.support.stacks import Cluster

DATABASE = "storage_schema"


@pytest.fixture(scope="module")
def project(cluster: Cluster) -> Iterator[psycopg.Connection[Any]]:
    """An empty project, as `postgres`, who runs the migrations."""
    postgres.create_database(cluster.port, DATABASE)
    postgres.bootstrap(cluster.port, DATABASE)
    with psycopg.connect(cluster.dsn("postgres", DATABASE), autocommit=True) as connection:
        yield connection
    postgres.drop_database(cluster.port, DATABASE)


@pytest.fixture
def migration(project: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """A transaction of `postgres`, rolled back at the end."""
    with project.transaction(force_rollback=True):
        yield project


def test_a_migration_makes_a_bucket_policies_triggers_and_references(
    migration: psycopg.Connection[Any],
) -> None:
    migration.execute(
        """
        insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
        values ('b', 'b', false, 10, array['image/*'])
        on conflict (id) do update set file_size_limit = excluded.file_size_limit;
        create policy p on storage.objects for insert to authenticated
          with check (bucket_id = 'b' and (storage.foldername(name))[1] = auth.uid()::text);
        alter policy p on storage.objects rename to q;
        comment on policy q on storage.objects is 'a folder of their own';
        create policy p on storage.buckets for select using (true);
        drop policy p on storage.buckets;
        create function public.noted() returns trigger language plpgsql as 'begin return new; end';
        create trigger noted before insert on storage.objects
          for each row execute function public.noted();
        drop trigger noted on storage.objects;
        create table public.files (id uuid references storage.objects (id));
        drop table public.files;
        grant select on storage.objects to authenticated;
        """
    )


@pytest.mark.parametrize(
    "statement",
    [
        "alter table storage.objects enable row level security",
        "alter table storage.objects add column extra int",
        "comment on table storage.buckets is 'ours'",
        "create index on storage.objects (owner_id)",
        "create table storage.extra (n int)",
        "create function storage.extra() returns int language sql as 'select 1'",
        "drop index storage.name_prefix_search",
        "drop table storage.objects cascade",
        "delete from storage.objects",
        "delete from storage.buckets where false",
    ],
)
def test_a_migration_is_refused_what_supabase_refuses(
    migration: psycopg.Connection[Any], statement: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        migration.execute(statement)


def test_a_user_sees_and_writes_nothing_without_a_policy(
    migration: psycopg.Connection[Any],
) -> None:
    migration.execute("insert into storage.buckets (id, name) values ('b', 'b')")
    migration.execute("insert into storage.objects (bucket_id, name) values ('b', 'a.txt')")
    migration.execute("set local role authenticated")
    seen = migration.execute("select from storage.buckets, storage.objects").fetchall()
    assert seen == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        migration.execute("insert into storage.objects (bucket_id, name) values ('b', 'b.txt')")


@pytest.mark.parametrize(
    ("name", "folders", "file", "extension"),
    [
        ("a/b/c.tar.gz", ["a", "b"], "c.tar.gz", "gz"),
        ("c", [], "c", "c"),
        ("/a/b", ["", "a"], "b", "b"),
        ("a/", ["a"], "", ""),
        (".hidden", [], ".hidden", "hidden"),
        ("", None, None, None),
        (None, None, None, None),
    ],
)
def test_a_name_has_folders_a_file_and_an_extension(
    migration: psycopg.Connection[Any],
    name: str | None,
    folders: list[str] | None,
    file: str | None,
    extension: str | None,
) -> None:
    cut = "select storage.foldername(%(n)s), storage.filename(%(n)s), storage.extension(%(n)s)"
    assert migration.execute(cut, {"n": name}).fetchone() == (folders, file, extension)


def test_a_policy_may_ask_which_operation_it_is(migration: psycopg.Connection[Any]) -> None:
    ask = "select storage.allow_only_operation(%s), storage.allow_any_operation(%s)"
    named = ("object.list", ["storage.object.sign", "storage.object.list"])
    assert migration.execute(ask, named).fetchone() == (False, False)
    migration.execute("set local storage.operation = 'storage.object.list'")
    assert migration.execute(ask, named).fetchone() == (True, True)
    assert migration.execute(ask, ("storage.object.sign", ["x"])).fetchone() == (False, False)
