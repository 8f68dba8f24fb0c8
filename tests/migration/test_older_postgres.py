"""Migrations apply to PostgreSQL 15 and 17, and people walk through everything there.

All other tests run on the newest. On the oldest plpgsql_check looks at every function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.flow.deals import Cast, gather_cast, open_play
from tests.payments.scenes import AGREED, open_scene
from tests.support.databases import Database, make_template
from tests.support.limits import lift_limits
from tests.support.older_postgres import find_checked_binaries, find_npm_binaries
from tests.support.operators import let_expire
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


@contextmanager
def project(find_binaries: Callable[[], Path]) -> Iterator[Database]:
    """Our migrations on another PostgreSQL."""
    with running_cluster(find_binaries()) as cluster:
        database = Database(cluster.port, make_template(cluster, "parley"))
        lift_limits(database.dsn())
        yield database
        database.close()


@pytest.fixture(scope="module")
def on_15() -> Iterator[Database]:
    """On the system's, with the extension."""
    with project(find_checked_binaries) as database:
        database.query_as_superuser("create extension plpgsql_check schema extensions")
        yield database


@pytest.fixture(scope="module")
def on_17() -> Iterator[Database]:
    """On the one that Supabase's projects have."""
    with project(find_npm_binaries) as database:
        yield database


@pytest.mark.parametrize("version", ["on_15", "on_17"])
def test_people_walk_through_everything(request: pytest.FixtureRequest, version: str) -> None:
    db: Database = request.getfixturevalue(version)
    cast = gather_cast(db)
    _chat(db, cast)
    _deliver(db, cast)
    _let_a_limit_pass(db, cast)


def _chat(db: Database, cast: Cast) -> None:
    with db.signed_in_as(cast.asha):
        talk = db.call("direct_connect", target_user_id=cast.bharat, initial_message="Namaste")
        chat = talk["conversation"]["conversation_id"]
    with db.signed_in_as(cast.bharat):
        sent = db.call(
            "send_message", conversation_id=chat, message="Gone in an hour", expiration_hours=1
        )["message"]
        assert db.call("sync")["messages"]
    with db.signed_in_as(cast.asha):
        assert db.call("search_messages", query="hour")
        assert db.call("mark_read", conversation_id=chat)["unread_count"] == 0
        let_expire(db, sent["id"])
        assert db.call("search_messages", query="hour") == []
        assert db.call("login_cleanup")["expired"] == 1
        assert db.call("get_inbox_screen")["conversations"]


def _deliver(db: Database, cast: Cast) -> None:
    scene = open_scene(db, cast)
    scene.pay()
    for role, action in (
        ("influencer", "start_work"),
        ("influencer", "submit_work"),
        ("brand_owner", "request_revision"),
        ("influencer", "submit_work"),
        ("brand_owner", "approve_work"),
        ("influencer", "rate_collaboration"),
    ):
        scene.play.call(role, action, scene.play.usual(action))
    assert scene.state() == "real_time"
    assert scene.books() == {"captured": AGREED, "released": AGREED}
    with db.signed_in_as(cast.asha):
        assert db.call("verify_conversation", conversation_id=scene.id)["valid"]
        assert db.call("get_deal_screen", conversation_id=scene.id)["history"]


def _let_a_limit_pass(db: Database, cast: Cast) -> None:
    play = open_play(db, cast, "campaign", "work_submitted")
    play.let_pass(timedelta(days=30))
    assert play.context("brand_owner")["flow_state"] == "real_time"
    with db.as_service():
        assert db.call("sweep_due")["deadlines_run"] == 1
    assert play.stored()["flow_state"] == "real_time"


def find_faults(database: Database) -> list[str]:
    """What plpgsql_check says, a line each."""
    return [
        f"{row['function']}:{row['lineno']}: {row['level']}: {row['message']}"
        for row in database.query(CHECK)
    ]


def test_every_plpgsql_function_is_sound(on_15: Database) -> None:
    faults = find_faults(on_15)
    assert not faults, "\n".join(faults)


def test_the_check_would_find_faults(on_15: Database) -> None:
    on_15.query(BROKEN)
    try:
        said = "\n".join(find_faults(on_15))
    finally:
        on_15.query("drop function private.broken()")
    assert "no_such_column" in said
    assert "v_unused" in said
