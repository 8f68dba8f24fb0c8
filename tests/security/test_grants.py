"""Who may run and read what: the database as a whole against what the sources grant."""

from __future__ import annotations

import re
from typing import Any

from scripts.build.build_migrations import MIGRATIONS, read_sources
from tests.support.databases import Database
from tests.support.sources import RELATIONSHIPS, all_made, blank, granted_functions

# Every role but the owner that a function or a table could be granted to; 0 is everybody.
FUNCTION_GRANTS = """
select
  p.pronamespace::regnamespace || '.' || p.proname as name,
  case a.grantee when 0 then 'public' else a.grantee::regrole::text end as role
from pg_proc as p
cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
  and a.grantee <> p.proowner;
"""
TABLE_GRANTS = """
select
  c.relnamespace::regnamespace || '.' || c.relname as name,
  case a.grantee when 0 then 'public' else a.grantee::regrole::text end as role,
  lower(a.privilege_type) as privilege
from pg_class as c
cross join lateral aclexplode(
  coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's'::"char" else 'r' end, c.relowner))
) as a
where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
  and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  and a.grantee <> c.relowner
union all
select
  c.relnamespace::regnamespace || '.' || c.relname || '.' || column_.attname,
  case a.grantee when 0 then 'public' else a.grantee::regrole::text end,
  lower(a.privilege_type)
from pg_attribute as column_
join pg_class as c on c.oid = column_.attrelid
cross join lateral aclexplode(column_.attacl) as a
where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace);
"""
GRANT_ON_TABLES = re.compile(
    r"\bgrant\s+(?P<privileges>[\w,\s]+?)\s*(?:\((?P<columns>[^)]+)\)\s*)?\bon\s+(?:table\s+)?(?P<tables>\w+\.\w+(?:\s*,\s*\w+\.\w+)*)"
    r"\s+to\s+(?P<roles>[\w,\s]+);"
)
CLIENTS = {"public", "anon", "authenticated"}


def split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]


def granted_tables() -> set[tuple[str, str, str]]:
    """Table or column, role and privilege that the migrations and sources grant."""
    texts = [path.read_text("utf-8") for path in MIGRATIONS.glob("*.sql")]
    texts += [source.text for source in read_sources()]
    return {
        (f"{table}.{column}" if column else table, role, privilege)
        for text in texts
        for grant in GRANT_ON_TABLES.finditer(blank(text, "comment", "string", "body"))
        for table in split(grant["tables"])
        for column in split(grant["columns"] or "")
        for role in split(grant["roles"])
        for privilege in split(grant["privileges"])
    }


def function_grants(db: Database) -> set[tuple[str, str]]:
    return {(row["name"], row["role"]) for row in db.query(FUNCTION_GRANTS)}


def table_grants(db: Database) -> set[tuple[str, str, str]]:
    return {(row["name"], row["role"], row["privilege"]) for row in db.query(TABLE_GRANTS)}


def test_every_function_may_be_run_by_exactly_those_its_source_grants_it_to(db: Database) -> None:
    assert function_grants(db) == granted_functions()


def test_every_table_may_be_used_by_exactly_those_the_migrations_grant_it_to(db: Database) -> None:
    assert table_grants(db) == granted_tables()


def test_anon_may_do_nothing(db: Database) -> None:
    others = {"public", "anon"}
    assert [grant for grant in function_grants(db) if grant[1] in others] == []
    assert [grant for grant in table_grants(db) if grant[1] in others] == []
    assert db.value("select has_schema_privilege('anon', 'private', 'usage')") is False


def test_clients_write_no_table_and_read_only_public_ones(db: Database) -> None:
    theirs = {grant for grant in table_grants(db) if grant[1] in CLIENTS}
    assert {privilege for _, _, privilege in theirs} == {"select"}
    # The view public.conversations and policies read the table as the caller; no API reaches it.
    assert {name for name, _, _ in theirs if not name.startswith("public.")} == {
        "private.conversations"
    }


def test_nobody_may_create_in_our_schemas(db: Database) -> None:
    rows = db.query("""
        select s.name as schema, r.name as role
        from unnest(array['public', 'private']) as s (name)
        cross join unnest(array['anon', 'authenticated', 'service_role']) as r (name)
        where has_schema_privilege(r.name, s.name, 'create')
    """)
    assert rows == []


def test_every_door_is_granted_to_somebody(db: Database) -> None:
    doors = {
        made.name
        for made in all_made()
        if made.kind == "function" and made.name.startswith("public.")
    }
    assert doors - {name for name, _ in function_grants(db)} == set()


def test_whoever_may_open_a_door_may_run_its_worker(db: Database) -> None:
    grants = function_grants(db)
    relationships = {made.name for made in all_made() if made.source.path == RELATIONSHIPS}
    doors = {
        grant
        for grant in grants
        if grant[0].startswith("public.") and grant[0] not in relationships
    }
    workers = {(name.replace("public.", "private.", 1), role) for name, role in doors}
    assert doors
    assert workers - grants == set()


def test_no_definer_function_is_exposed(db: Database) -> None:
    rows = db.query("""
        select p.oid::regprocedure::text as function
        from pg_proc as p
        where p.prosecdef and p.pronamespace <> 'private'::regnamespace
          and p.proowner = 'postgres'::regrole
    """)
    assert rows == []


def test_every_function_that_is_not_inlined_pins_an_empty_search_path(db: Database) -> None:
    """Postgres writes an inlined function's expression into the caller's plan, without its name."""
    unpinned = db.query("""
        select
          p.pronamespace::regnamespace || '.' || p.proname as name,
          p.proretset,
          array(
            select format('null::%s as a%s', a.type::regtype, a.n)
            from unnest(p.proargtypes) with ordinality as a (type, n)
          ) as arguments,
          array(
            select 'a' || a.n from unnest(p.proargtypes) with ordinality as a (type, n)
          ) as names
        from pg_proc as p
        where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
          and not coalesce(p.proconfig @> array['search_path=""'], false)
    """)

    def is_inlined(function: dict[str, Any]) -> bool:
        call = f"{function['name']}({', '.join(function['names'])})"
        called = f"cross join lateral {call} as f" if function["proretset"] else ""
        plan = db.query(
            f"explain (verbose) select {'f' if called else call}"  # noqa: S608
            f" from (select {', '.join(function['arguments'])} offset 0) as a {called}"
        )
        return all(f"{function['name']}(" not in line["QUERY PLAN"] for line in plan)

    assert "public.get_messages" in {function["name"] for function in unpinned}
    assert [function["name"] for function in unpinned if not is_inlined(function)] == []


def test_every_table_has_row_level_security(db: Database) -> None:
    rows = db.query("""
        select c.oid::regclass::text as table
        from pg_class as c
        where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
          and c.relkind in ('r', 'p') and not c.relrowsecurity
    """)
    assert rows == []


def test_what_is_made_later_is_nobodys_until_it_is_granted(db: Database) -> None:
    db.query("create table public.made_later (id integer primary key)")
    db.query("create function public.made_later() returns integer language sql as 'select 1'")
    assert [grant for grant in table_grants(db) if grant[0] == "public.made_later"] == []
    assert [grant for grant in function_grants(db) if grant[0] == "public.made_later"] == []
