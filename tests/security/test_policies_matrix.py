"""Role by table by command, and whose rows each person sees."""

from __future__ import annotations

import uuid
from typing import Literal

import psycopg
import pytest

from tests.market.scenes import (
    BID,
    CAMPAIGN,
    add_offer,
    add_submission,
    apply,
    close,
    create,
    open_deal_on,
)
from tests.support.databases import Database

Command = Literal["select", "insert", "update", "delete"]
COMMANDS: tuple[Command, ...] = ("select", "insert", "update", "delete")
ROLES = ("anon", "authenticated", "service_role")

# Who may select from a table; whoever is not named is refused, and so is every other command.
READERS = {
    "public.bids": {"authenticated", "service_role"},
    "public.blocks": {"authenticated", "service_role"},
    "public.campaigns": {"authenticated", "service_role"},
    "public.conversation_events": {"authenticated", "service_role"},
    "private.conversations": {"authenticated", "service_role"},
    "public.conversations": {"authenticated", "service_role"},
    "public.messages": {"authenticated", "service_role"},
    "public.offers": {"authenticated", "service_role"},
    "public.requests": {"authenticated", "service_role"},
    "public.users": {"authenticated", "service_role"},
    "public.work_submissions": {"authenticated", "service_role"},
}
# Rows of what Asha and Bharat have with each other, their bid and campaign closed: who of the two
# sees them; a stranger does not. Open bids and campaigns: tests/market/test_visibility.py.
ROWS = {
    "public.bids": {"Asha", "Bharat"},
    "public.blocks": {"Asha"},
    "public.campaigns": {"Asha", "Bharat"},
    "public.conversation_events": {"Asha", "Bharat"},
    "private.conversations": {"Asha", "Bharat"},
    "public.conversations": {"Asha", "Bharat"},
    "public.messages": {"Asha", "Bharat"},
    "public.offers": {"Asha", "Bharat"},
    "public.requests": {"Asha", "Bharat"},
    "public.work_submissions": {"Asha", "Bharat"},
}
# Tables whose rows every signed-in user may see.
OPEN = {"public.users"}

TABLES = """
select
  c.relnamespace::regnamespace || '.' || c.relname as name,
  (
    select quote_ident(a.attname)
    from pg_attribute as a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      and a.attgenerated = '' and a.attidentity = ''
    order by a.attnum
    limit 1
  ) as some_column
from pg_class as c
where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
  and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition;
"""


def is_allowed(db: Database, table: str, column: str, command: Command) -> bool:
    """Whether the one who is signed in may run the command; nothing but 42501 is a refusal."""
    statement = {
        "select": f"select 1 from {table}",  # noqa: S608
        "insert": f"insert into {table} default values",
        "update": f"update {table} set {column} = {column} where false",  # noqa: S608
        "delete": f"delete from {table} where false",  # noqa: S608
    }[command]
    try:
        db.select(statement)
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.errors.ObjectNotInPrerequisiteState:
        return False  # a view that takes no writes at all
    except psycopg.errors.IntegrityError:
        return True  # the command was allowed, an empty row was not
    return True


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_matrix_says_and_nothing_else(db: Database, role: str) -> None:
    tables = db.query(TABLES)
    assert tables
    identity = {
        "anon": db.as_anon,
        "authenticated": lambda: db.signed_in_as(db.create_user("Asha")),
        "service_role": db.as_service,
    }[role]
    with identity():
        allowed = {
            (row["name"], command)
            for row in tables
            for command in COMMANDS
            if is_allowed(db, row["name"], row["some_column"], command)
        }
    assert allowed == {(name, "select") for name, readers in READERS.items() if role in readers}


def deal_with_each_other(db: Database, asha: uuid.UUID, bharat: uuid.UUID) -> None:
    """A row in each table that deals have; the bid and the campaign are closed by now."""
    bid, campaign = create(db, BID, asha), create(db, CAMPAIGN, bharat)
    apply(db, campaign, asha)
    open_deal_on(db, CAMPAIGN, campaign, asha)
    deal = open_deal_on(db, BID, bid, bharat)
    add_offer(db, deal)
    add_submission(db, deal)
    db.query(
        """
        insert into public.conversation_events (
          conversation_id, version, actor_role, action, from_state, to_state,
          created_at, effective_at, commitment, hash
        )
        values (%s, 1, 'brand_owner', 'connect_bid', 'initial', 'influencer_responding',
          now(), now(), '', '')
        """,
        deal,
    )
    close(db, BID, asha, bid["id"])
    close(db, CAMPAIGN, bharat, campaign["id"])


@pytest.fixture
def people(db: Database) -> dict[str, uuid.UUID]:
    """Asha and Bharat, who talk, deal, and of whom Asha blocks Bharat; Chitra, who has nothing."""
    roles = {"Asha": "influencer", "Bharat": "brand_owner", "Chitra": "influencer"}
    people = {name: db.create_user(name) for name in roles}
    for name, user in people.items():
        with db.signed_in_as(user):
            db.call("complete_profile", role=roles[name], display_name=name)
    deal_with_each_other(db, people["Asha"], people["Bharat"])
    with db.signed_in_as(people["Asha"]):
        db.call("direct_connect", target_user_id=people["Bharat"], initial_message="hi")
    db.query(
        "insert into public.blocks (blocker_id, blocked_id) values (%s, %s)",
        people["Asha"],
        people["Bharat"],
    )
    return people


@pytest.mark.parametrize("table", ROWS)
def test_rows_are_seen_by_those_the_matrix_names_and_by_no_stranger(
    db: Database, people: dict[str, uuid.UUID], table: str
) -> None:
    for name, user in people.items():
        with db.signed_in_as(user):
            if name in ROWS[table]:
                assert db.select(f"select 1 from {table}"), name  # noqa: S608
            else:
                db.assert_hidden(f"select 1 from {table}")  # noqa: S608


@pytest.mark.parametrize("table", ROWS)
def test_a_token_without_a_user_sees_no_rows(
    db: Database, people: dict[str, uuid.UUID], table: str
) -> None:
    with db.signed_in_as(people["Asha"], sub=None):
        db.assert_hidden(f"select 1 from {table}")  # noqa: S608


@pytest.mark.parametrize("table", sorted(OPEN))
def test_rows_of_an_open_table_are_seen_by_everyone_signed_in(
    db: Database, people: dict[str, uuid.UUID], table: str
) -> None:
    with db.signed_in_as(people["Chitra"]):
        assert len(db.select(f"select 1 from {table}")) >= len(people)  # noqa: S608


def test_the_matrix_says_who_sees_the_rows_of_every_readable_table() -> None:
    assert set(READERS) == set(ROWS) | OPEN
