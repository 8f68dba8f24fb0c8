"""What is history stays: nobody changes or deletes it, not even the owner of the tables."""

from __future__ import annotations

import pytest

from tests.history.steps import Story, events_of, open_deal_with_money
from tests.history.test_verify_conversation import OTHER_VALUES
from tests.support.databases import Database


@pytest.mark.parametrize("column", OTHER_VALUES)
def test_not_even_the_owner_changes_an_event(db: Database, story: Story, column: str) -> None:
    before = events_of(db, story.id)
    change = f"update public.conversation_events set {column} = {OTHER_VALUES[column]}"  # noqa: S608
    for statement in (f"{change} where version = 3", f"{change}, details = null where version = 3"):
        if column == "details" and "null" in statement:
            continue
        with db.refused("23001"):
            db.query(statement)
    assert events_of(db, story.id) == before


def test_not_even_the_owner_deletes_an_event(db: Database, story: Story) -> None:
    for statement in (
        "delete from public.conversation_events where version = 6",
        "delete from public.conversation_events where false",
        "truncate public.conversation_events cascade",
    ):
        with db.refused("23001"):
            db.query(statement)
    assert len(events_of(db, story.id)) == 6


def test_the_one_change_of_an_event_is_that_its_details_go(db: Database, story: Story) -> None:
    *_, newest = events_of(db, story.id)
    db.query("update public.conversation_events set details = null where version = 6")
    assert events_of(db, story.id)[-1] == {**newest, "details": None}
    with db.refused("23001"):
        db.query("update public.conversation_events set details = '{}' where version = 6")


def test_clients_and_the_service_write_no_history(db: Database, story: Story) -> None:
    for statement in (
        "update public.conversation_events set details = null",
        "delete from public.conversation_events",
        "truncate public.conversation_events",
        "insert into public.conversation_events default values",
    ):
        with db.signed_in_as(story.asha), db.refused("42501"):
            db.select(statement)
        with db.as_service(), db.refused("42501"):
            db.select(statement)


def test_prices_that_were_named_stay_as_they_were(db: Database, story: Story) -> None:
    deal = open_deal_with_money(db, story.bharat, story.asha)
    db.query(
        """
        insert into public.offers
          (conversation_id, version, round, made_by, amount_minor, created_at)
        values (%s, 1, 1, 'brand_owner', 50000, now())
        """,
        deal,
    )
    for statement in (
        "update public.offers set amount_minor = 1",
        "delete from public.offers",
        "truncate public.offers",
    ):
        with db.refused("23001"):
            db.query(statement)
    assert db.value("select amount_minor from public.offers") == 50000


def test_what_stands_in_the_books_stays_as_it_was(db: Database, story: Story) -> None:
    deal = open_deal_with_money(db, story.bharat, story.asha)
    db.query(
        """
        insert into private.escrow_ledger
          (conversation_id, from_account, to_account, amount_minor, version, created_at)
        values (%s, 'gateway', 'held', 50000, 1, now())
        """,
        deal,
    )
    for statement in (
        "update private.escrow_ledger set amount_minor = 1",
        "delete from private.escrow_ledger",
        "truncate private.escrow_ledger",
    ):
        with db.refused("23001"):
            db.query(statement)
    assert db.value("select amount_minor from private.escrow_ledger") == 50000
