"""Who sees bids, campaigns, applications, offers and work, through the policies."""

from __future__ import annotations

import uuid

from psycopg import sql

from tests.market.scenes import (
    BID,
    CAMPAIGN,
    WARES,
    Market,
    Ware,
    add_offer,
    add_submission,
    apply,
    close,
    create,
    open_deal_on,
    rows_of,
)
from tests.support.databases import Database

OF_A_DEAL = ("public.offers", "public.work_submissions")
TABLES = (*(ware.table for ware in WARES), "public.requests", *OF_A_DEAL)


def seen_by(db: Database, user: uuid.UUID, table: str) -> set[str]:
    """The ids of the rows that the user may read."""
    query = sql.SQL("select id from {}").format(sql.Identifier(*table.split(".")))
    with db.signed_in_as(user):
        return {str(row["id"]) for row in db.select(query.as_string())}


def who_sees(db: Database, market: Market, table: str, row: str) -> set[uuid.UUID]:
    """Those of the market's people who may read a row that is there."""
    assert row in rows_of(db, table)
    return {user for user in market.everybody if row in seen_by(db, user, table)}


def test_an_open_one_is_seen_by_everybody_who_is_signed_in(
    db: Database, market: Market, ware: Ware
) -> None:
    made = create(db, ware, market.owner(ware))
    assert who_sees(db, market, ware.table, made["id"]) == market.everybody
    assert seen_by(db, db.create_user("Newcomer"), ware.table) == {made["id"]}
    with db.as_service():
        assert db.select(f"select id from {ware.table}")  # noqa: S608


def test_a_closed_one_is_seen_by_its_owner_and_by_those_who_deal_on_it(
    db: Database, market: Market, ware: Ware
) -> None:
    owner, partner = market.owner(ware), market.partner(ware)
    made, still_open = create(db, ware, owner), create(db, ware, owner)
    close(db, ware, owner, made["id"])
    assert who_sees(db, market, ware.table, made["id"]) == {owner}
    open_deal_on(db, ware, still_open, market.stranger(ware))
    open_deal_on(db, ware, made, partner, flow_state="chat_closed")
    assert who_sees(db, market, ware.table, made["id"]) == {owner, partner}
    assert who_sees(db, market, ware.table, still_open["id"]) == market.everybody


def test_a_deal_on_a_bid_shows_no_closed_campaign_of_the_same_two(
    db: Database, market: Market, ware: Ware
) -> None:
    made = {each: create(db, each, market.owner(each)) for each in WARES}
    for each in WARES:
        close(db, each, market.owner(each), made[each]["id"])
    open_deal_on(db, ware, made[ware], market.partner(ware))
    for each in WARES:
        parties = {market.owner(each)} | ({market.partner(each)} if each is ware else set())
        assert who_sees(db, market, each.table, made[each]["id"]) == parties


def test_an_application_is_seen_by_the_one_who_applied_and_the_campaigns_owner(
    db: Database, market: Market
) -> None:
    campaign = create(db, CAMPAIGN, market.bharat)
    elsewhere = create(db, CAMPAIGN, market.chitra)
    ashas, devs = apply(db, campaign, market.asha), apply(db, campaign, market.dev, "rejected")
    devs_other = apply(db, elsewhere, market.dev)
    # Whoever is invited sees nobody's application.
    open_deal_on(db, CAMPAIGN, elsewhere, market.asha)
    close(db, CAMPAIGN, market.bharat, campaign["id"])
    assert who_sees(db, market, "public.requests", ashas) == {market.asha, market.bharat}
    assert who_sees(db, market, "public.requests", devs) == {market.dev, market.bharat}
    assert who_sees(db, market, "public.requests", devs_other) == {market.dev, market.chitra}


def test_offers_and_work_are_seen_by_the_members_of_the_deal(
    db: Database, market: Market, ware: Ware
) -> None:
    owner, partner, stranger = market.owner(ware), market.partner(ware), market.stranger(ware)
    made = create(db, ware, owner)
    deals = {user: open_deal_on(db, ware, made, user) for user in (partner, stranger)}
    for deal in deals.values():
        add_offer(db, deal)
        add_submission(db, deal)
    for table in OF_A_DEAL:
        for user, deal in deals.items():
            (row,) = (
                id for id, row in rows_of(db, table).items() if row["conversation_id"] == deal
            )
            assert who_sees(db, market, table, row) == {owner, user}


def fill_every_table(db: Database, market: Market) -> None:
    """A row in each table of the market."""
    bid, campaign = create(db, BID, market.asha), create(db, CAMPAIGN, market.bharat)
    apply(db, campaign, market.asha)
    deal = open_deal_on(db, BID, bid, market.bharat)
    add_offer(db, deal)
    add_submission(db, deal)


def test_without_a_login_nothing_is_read_and_with_one_nothing_is_written(
    db: Database, market: Market
) -> None:
    fill_every_table(db, market)
    for table in TABLES:
        assert seen_by(db, market.asha, table)
        with db.as_anon(), db.refused("42501"):
            db.select(f"select id from {table}")  # noqa: S608
        for identity in (db.signed_in_as(market.asha), db.as_service()):
            with identity:
                for write in (
                    f"insert into {table} default values",
                    f"update {table} set id = id",  # noqa: S608
                    f"delete from {table}",  # noqa: S608
                ):
                    with db.refused("42501"):
                        db.select(write)


def test_amounts_are_in_rupees_and_in_paise(db: Database, market: Market) -> None:
    bid = create(db, BID, market.asha, amount="1234.50")
    add_offer(db, open_deal_on(db, BID, bid, market.bharat), 123_450)
    with db.signed_in_as(market.bharat):
        (row,) = db.select("select to_json(b) as bid from public.bids as b")
        (offer,) = db.select("select to_json(o) as offer from public.offers as o")
    assert row["bid"] == bid
    assert (bid["amount"], bid["amount_minor"]) == (1234.5, 123_450)
    assert (offer["offer"]["price"], offer["offer"]["amount_minor"]) == (1234.5, 123_450)
