"""clean_up_at_sign_in: a project may have each sign-in clean up; no sign-in ever fails for it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from tests.chat.scenes import Talk, send
from tests.support.databases import Database
from tests.support.operators import let_expire, set_account

TRIGGER = """
create trigger clean_up_at_sign_in after insert on auth.sessions
for each row execute function private.clean_up_at_sign_in()
"""
# What may go wrong in a cleanup; the last is what a statement's time limit raises.
FAULTS = (
    "raise exception 'a fault of ours';",
    "perform 1 / 0;",
    "perform private.raise_chat_closed();",
    "raise exception 'too slow' using errcode = 'query_canceled';",
)


@pytest.fixture
def expired(db: Database, talk: Talk) -> Iterator[str]:
    """A project with the trigger, and a message of Asha's that has expired; its id."""
    db.query(TRIGGER)
    message: str = send(db, talk.asha, talk.id, "secret", expiration_hours=1)["id"]
    let_expire(db, message)
    yield message
    # So the next test may have the same database.
    db.query_as_superuser("drop trigger clean_up_at_sign_in on auth.sessions")


def sign_in(db: Database, user: uuid.UUID) -> None:
    """Auth opens a session, as its own role."""
    with psycopg.connect(db.dsn("supabase_auth_admin")) as connection:
        connection.execute(
            "insert into auth.sessions (id, user_id, created_at, updated_at)"
            " values (gen_random_uuid(), %s, now(), now())",
            [user],
        )


def sessions(db: Database) -> int:
    count: int = db.query_as_superuser("select count(*) as n from auth.sessions")[0]["n"]
    return count


def is_flagged(db: Database, message: str) -> bool:
    flagged: bool = db.value("select is_expired from public.messages where id = %s", message)
    return flagged


def test_a_sign_in_cleans_up(db: Database, talk: Talk, expired: str) -> None:
    assert not is_flagged(db, expired)
    sign_in(db, talk.bharat)
    assert is_flagged(db, expired)


def test_a_stranger_cleans_nothing_of_ours(db: Database, talk: Talk, expired: str) -> None:
    sign_in(db, talk.chitra)
    assert not is_flagged(db, expired)


def test_a_second_sign_in_within_a_minute_cleans_nothing(
    db: Database, talk: Talk, expired: str
) -> None:
    db.query("update private.accounts set cleaned_at = now()")
    sign_in(db, talk.asha)
    assert (is_flagged(db, expired), sessions(db)) == (False, 1)
    set_account(db, talk.asha, cleaned_at="-infinity")
    sign_in(db, talk.asha)
    assert (is_flagged(db, expired), sessions(db)) == (True, 2)


def test_no_fault_stops_a_sign_in(db: Database, talk: Talk, expired: str) -> None:
    for number, fault in enumerate(FAULTS, 1):
        db.query(
            "create or replace function private.clean_up(p_user_id uuid) returns json"
            f" language plpgsql set search_path = '' as $$ begin {fault} end; $$"
        )
        sign_in(db, talk.asha)
        assert (sessions(db), is_flagged(db, expired)) == (number, False), fault


def test_a_lock_that_stays_is_not_waited_for(db: Database, talk: Talk, expired: str) -> None:
    with psycopg.connect(db.dsn()) as holder:
        holder.execute("select from private.accounts for update")
        started = time.monotonic()
        sign_in(db, talk.asha)
        assert time.monotonic() - started < 1.5
    assert (sessions(db), is_flagged(db, expired)) == (1, False)
    sign_in(db, talk.asha)
    assert is_flagged(db, expired)


def test_somebody_without_an_account_signs_in(db: Database, talk: Talk, expired: str) -> None:
    db.query_as_superuser("delete from private.accounts where user_id = %s", talk.chitra)
    sign_in(db, talk.chitra)
    assert sessions(db) == 1
