"""The helper that all SQL tests lean on tells the truth."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.support.databases import PATIENCE, Database, drop_copy, make_copy
from tests.support.kept_databases import KeptDatabase
from tests.support.stacks import Cluster

FUNCTIONS = """
create function public.who_am_i(greeting text, tags text[] default '{}')
returns jsonb language sql set search_path = '' as $$
  select jsonb_build_object(
    'user', auth.uid(), 'role', current_user, 'login', session_user, 'greeting', greeting,
    'tags', tags, 'path', current_setting('request.path', true),
    'timeout', current_setting('statement_timeout')
  );
$$;
create function public.count_up(up_to integer)
returns setof integer language sql set search_path = '' as $$
  select generate_series(1, up_to);
$$;
create function public.do_nothing()
returns void language sql set search_path = '' as $$ $$;
create function public.refuse()
returns void language plpgsql set search_path = '' as $$
begin
  raise sqlstate 'PGRST' using
    message = '{"code": "NOT_NOW", "message": "Later.", "details": "{\\"left\\": 3}"}',
    detail = '{"status": 409, "headers": {"Retry-After": "5"}}';
end $$;
create table public.secrets (id integer primary key, owner_id uuid);
alter table public.secrets enable row level security;
grant select on public.secrets to authenticated;
create policy secrets_select_owner on public.secrets
for select to authenticated using (owner_id = (select auth.uid()));
create function public.touch_secret(id integer)
returns void language sql security definer set search_path = '' as $$
  update public.secrets as s set owner_id = s.owner_id where s.id = touch_secret.id;
$$;
grant execute on all functions in schema public to anon, authenticated, service_role;
"""


@pytest.fixture(scope="module")
def kept_database(cluster: Cluster, template: str) -> Iterator[KeptDatabase]:
    """A database with functions that tell how they were called; `db` is this."""
    with_functions = make_copy(cluster, template)
    with_functions.query(FUNCTIONS)
    with_functions.close()
    kept = KeptDatabase(cluster, with_functions.name)
    yield kept
    kept.drop()
    drop_copy(cluster, with_functions)


def test_a_call_arrives_as_the_person_who_is_signed_in(db: Database) -> None:
    asha = db.create_user("Asha")
    with db.signed_in_as(asha):
        answer = db.call("who_am_i", greeting="hi", tags=["a", "b"])
    assert answer == {
        "user": str(asha),
        "role": "authenticated",
        "login": "authenticator",
        "greeting": "hi",
        "tags": ["a", "b"],
        "path": "/rpc/who_am_i",
        "timeout": "8s",
    }


def test_anon_and_service_have_their_own_roles_and_no_user(db: Database) -> None:
    with db.as_anon():
        anon = db.call("who_am_i", greeting="hi")
    with db.as_service():
        service = db.call("who_am_i", greeting="hi")
    assert (anon["role"], anon["user"]) == ("anon", None)
    assert (service["role"], service["user"]) == ("service_role", None)


def test_sets_come_as_lists_and_void_as_none(db: Database) -> None:
    with db.as_anon():
        assert db.call("count_up", up_to=3) == [1, 2, 3]
        assert db.call("do_nothing") is None


def test_a_misspelt_argument_is_no_refusal(db: Database) -> None:
    with db.as_anon(), pytest.raises(AssertionError, match="0 functions"):
        db.call("count_up", up_two=3)


def test_a_refusal_is_compared_exactly(db: Database) -> None:
    with db.as_anon():
        with db.refused("NOT_NOW", 409, details={"left": 3}) as refusal:
            db.call("refuse")
        assert refusal.message == "Later."
        assert refusal.headers == {"Retry-After": "5"}
        with pytest.raises(AssertionError, match="refused otherwise"), db.refused("NOT_NOW", 404):
            db.call("refuse")
        with (
            pytest.raises(AssertionError, match="other details"),
            db.refused("NOT_NOW", 409, details={"left": 2}),
        ):
            db.call("refuse")


def test_an_answer_where_a_refusal_is_expected_fails(db: Database) -> None:
    with (
        db.as_anon(),
        pytest.raises(AssertionError, match="nothing was refused"),
        db.refused("NOT_NOW", 409),
    ):
        db.call("do_nothing")


def test_a_row_that_nobody_has_is_not_hidden(db: Database) -> None:
    asha, ravi = db.create_user("Asha"), db.create_user("Ravi")
    with db.signed_in_as(ravi):
        with pytest.raises(AssertionError, match="nobody has such a row"):
            db.assert_hidden("select id from public.secrets")
        db.query("insert into public.secrets values (1, %s)", asha)
        db.assert_hidden("select id from public.secrets")
    with db.signed_in_as(asha):
        assert db.select("select id from public.secrets") == [{"id": 1}]
        with db.refused("42501"):
            db.select("delete from public.secrets")


def test_two_sessions_meet_at_a_lock(db: Database) -> None:
    asha = db.create_user("Asha")
    db.query("insert into public.secrets values (1, %s)", asha)
    other = db.session()
    with db.transaction(), db.signed_in_as(asha), other.signed_in_as(asha):
        db.call("touch_secret", id=1)
        waiting = other.start("touch_secret", id=1)
        db.wait_until_blocked(other)
        assert not waiting.done()
    assert waiting.result(PATIENCE) is None


def test_a_refusal_inside_a_transaction_undoes_only_its_own_call(db: Database) -> None:
    db.query("insert into public.secrets values (1, %s)", uuid.uuid4())
    with db.transaction(), db.as_service():
        db.call("touch_secret", id=1)
        with db.refused("NOT_NOW", 409):
            db.call("refuse")
    assert db.value("select count(*) from public.secrets") == 1


def test_parameters_come_one_by_one_or_by_name(db: Database) -> None:
    assert db.value("select %s::integer + %s::integer", 1, 2) == 3
    assert db.value("select %(a)s::integer + %(a)s::integer", {"a": 2}) == 4
    assert db.value("select 'a' like 'a%'") is True
