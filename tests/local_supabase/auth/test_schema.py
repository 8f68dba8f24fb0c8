"""The schema auth as an application sees it: triggers, owners, functions."""

from __future__ import annotations

import json
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.local_supabase.auth.server import PASSWORD, Auth, assert_refused, new_email


def test_a_trigger_that_raises_stops_the_sign_up_and_leaves_nothing(auth: Auth) -> None:
    auth.query(
        """
        create function public.refuse_strangers() returns trigger language plpgsql as $$
        begin
          if new.email like 'stranger-%' then
            raise exception 'no strangers';
          end if;
          return new;
        end $$;
        create trigger refuse_strangers after insert on auth.users
        for each row execute function public.refuse_strangers();
        """
    )
    email = f"stranger-{new_email()}"
    body = {"email": email, "password": PASSWORD}
    refused = assert_refused(auth.call("POST", "/signup", json=body), 500, "unexpected_failure")
    assert refused["msg"] == "Database error saving new user"
    key = auth.settings.api_key("service_role")
    created = assert_refused(
        auth.call("POST", "/admin/users", key, json=body), 500, "unexpected_failure"
    )
    assert created["msg"] == "Database error creating new user"
    assert auth.count("auth.users where email = %s", email) == 0
    assert auth.count("auth.identities where email = %s", email) == 0


def test_a_trigger_on_users_sees_the_metadata_of_the_sign_up(auth: Auth) -> None:
    auth.query(
        """
        create table public.people (
          id uuid primary key references auth.users (id) on delete cascade, name text
        );
        create function public.add_person() returns trigger
        language plpgsql security definer set search_path = '' as $$
        begin
          insert into public.people (id, name)
          values (new.id, new.raw_user_meta_data ->> 'name');
          return new;
        end $$;
        create trigger add_person after insert on auth.users
        for each row execute function public.add_person();
        create table public.logins (user_id uuid);
        create function public.add_login() returns trigger
        language plpgsql security definer set search_path = '' as $$
        begin
          insert into public.logins (user_id) values (new.user_id);
          return new;
        end $$;
        create trigger add_login after insert on auth.sessions
        for each row execute function public.add_login();
        """
    )
    body = {"email": new_email(), "password": PASSWORD, "data": {"name": "Asha"}}
    user_id = auth.call("POST", "/signup", json=body).json()["user"]["id"]
    assert auth.query("select name from public.people where id = %s", user_id) == [("Asha",)]
    assert auth.count("public.logins where user_id = %s", user_id) == 1
    auth.client("service_role").auth.admin.delete_user(user_id)
    assert auth.count("public.people where id = %s", user_id) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "create table auth.mine ()",
        "alter table auth.users add column mine text",
        "drop table auth.refresh_tokens",
        "create function auth.mine() returns int language sql return 1",
        "create or replace function auth.uid() returns uuid language sql return null",
    ],
)
def test_postgres_does_not_own_the_schema_auth(auth: Auth, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        auth.query(statement)


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_api_roles_cannot_read_the_tables_of_auth(auth: Auth, role: str) -> None:
    with psycopg.connect(auth.settings.dsn("authenticator")) as connection:
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select 1 from auth.users")


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_the_functions_of_auth_read_the_claims_of_the_request(auth: Auth, role: str) -> None:
    claims = json.dumps({"sub": str(uuid4()), "role": role, "email": "a@b.c"})
    with psycopg.connect(auth.settings.dsn("authenticator")) as connection:
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        read = "select auth.uid()::text, auth.role(), auth.email(), auth.jwt()"
        assert connection.execute(read).fetchone() == (None, None, None, None)
        connection.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
        found = connection.execute(read).fetchone()
    expected = json.loads(claims)
    assert found == (expected["sub"], role, "a@b.c", expected)
