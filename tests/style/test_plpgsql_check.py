"""Every PL/pgSQL function is sound, on the oldest PostgreSQL that we deploy to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.databases import Database, copied_database, make_template
from tests.support.debian_postgres import find_binaries
from tests.support.stacks import running_cluster

CHECK = """
select f.oid::regprocedure::text as function, c.level, c.lineno, c.message
from pg_proc as f
join pg_language as l on l.oid = f.prolang and l.lanname = 'plpgsql'
left join pg_trigger as t on t.tgfoid = f.oid
cross join lateral extensions.plpgsql_check_function_tb(
  -- A trigger function without a trigger is for those who set one on the sessions of Auth.
  f.oid,
  coalesce(
    t.tgrelid, case f.prorettype when 'trigger'::regtype then 'auth.sessions'::regclass end, 0
  ),
  fatal_errors => false, performance_warnings => false,
  extra_warnings => true, security_warnings => true
) as c
where f.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
order by 1, 3;
"""
BROKEN = """
create function private.broken() returns integer language plpgsql as $$
declare
  v_unused integer;
begin
  execute 'select ' || current_setting('parley.broken');
  return (select no_such_column from public.users);
end $$;
"""


@pytest.fixture(scope="module")
def checked() -> Iterator[Database]:
    """Our migrations on the system's PostgreSQL, with the extension."""
    binaries = find_binaries()
    with (
        running_cluster(binaries) as cluster,
        copied_database(cluster, make_template(cluster, "parley_check", limited=True)) as database,
    ):
        database.query_as_superuser("create extension plpgsql_check schema extensions")
        yield database


def find_faults(database: Database) -> list[str]:
    """What plpgsql_check says, a line each."""
    return [
        f"{row['function']}:{row['lineno']}: {row['level']}: {row['message']}"
        for row in database.query(CHECK)
    ]


def test_every_plpgsql_function_is_sound(checked: Database) -> None:
    faults = find_faults(checked)
    assert not faults, "\n".join(faults)


def test_the_check_would_find_faults(checked: Database) -> None:
    checked.query(BROKEN)
    try:
        said = "\n".join(find_faults(checked))
    finally:
        checked.query("drop function private.broken()")
    assert "no_such_column" in said
    assert "v_unused" in said
