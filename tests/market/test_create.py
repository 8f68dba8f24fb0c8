"""create_bid and create_campaign: who may make one, of what, and how many."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.chat.scenes import everything
from tests.market.scenes import BID, WARES, Market, Ware, create, join, rows_of
from tests.support.crowds import OK, play_at_once
from tests.support.databases import PATIENCE, Database
from tests.support.operators import set_setting

FUNCTIONS = {"bid": "create_bid", "campaign": "create_campaign"}
# A text, and the rule that it breaks as a title or as the longer text.
BAD_TEXTS: list[tuple[str | None, str]] = [
    (None, "length"),
    ("", "length"),
    (" \n\t\u00a0\u200b\ufeff", "length"),
    ("\u2800\u3164", "length"),
    ("\u202e\u202c", "length"),
    ("Tea\u001b[31m", "control_characters"),
    ("Tea\u0085house", "control_characters"),
    ("\u0007", "control_characters"),
]
LONGEST = {"title": 200, "description": 5000, "brief": 5000}


def test_it_is_stored_and_answered_as_a_whole_row(db: Database, market: Market, ware: Ware) -> None:
    owner = market.owner(ware)
    answer = create(db, ware, owner, **{ware.money: 5000.5})
    assert rows_of(db, ware.table) == {answer["id"]: answer}
    assert answer[ware.owner_column] == str(owner)
    assert answer["title"] == "Three reels"
    assert answer[ware.text] == "For a tea house in Pune."
    assert answer[ware.money] == 5000.5
    assert answer[f"{ware.money}_minor"] == 500_050
    assert (answer["currency"], answer["status"]) == ("INR", "open")
    assert answer["created_at"] == answer["updated_at"]


def test_the_amount_may_be_left_out(db: Database, market: Market, ware: Ware) -> None:
    owner = market.owner(ware)
    for answer in (create(db, ware, owner), create(db, ware, owner, **{ware.money: None})):
        assert (answer[ware.money], answer[f"{ware.money}_minor"]) == (None, None)


def test_each_call_makes_another_one(db: Database, market: Market, ware: Ware) -> None:
    made = {create(db, ware, market.owner(ware))["id"] for _ in range(3)}
    assert made == rows_of(db, ware.table).keys()
    assert len(made) == 3


def test_texts_are_stored_clean(db: Database, market: Market, ware: Ware) -> None:
    answer = create(
        db,
        ware,
        market.owner(ware),
        **{"title": "  Chai \u202egnp.exe\u202c ", ware.text: "\r\none\r\ntwo e\u0301\u200b\n"},
    )
    assert answer["title"] == "Chai gnp.exe"
    assert answer[ware.text] == "one\ntwo \u00e9"


def test_only_the_right_role_makes_one(db: Database, market: Market, ware: Ware) -> None:
    assert create(db, ware, market.owner(ware))
    before = everything(db)
    for wrong in (market.partner(ware), market.stranger(ware)):
        with db.refused("FORBIDDEN", 403):
            create(db, ware, wrong)
    assert everything(db) == before


def test_a_profile_comes_first(db: Database, ware: Ware) -> None:
    newcomer = db.create_user("Newcomer")
    with db.refused("PROFILE_INCOMPLETE", 409) as refusal:
        create(db, ware, newcomer)
    assert "complete_profile" in (refusal.hint or "")
    with db.signed_in_as(newcomer):
        db.call("complete_profile", role=ware.owner_role, display_name="Newcomer")
    assert create(db, ware, newcomer)["status"] == "open"


def test_nobody_and_a_deleted_login_make_none(db: Database, market: Market, ware: Ware) -> None:
    owner = market.owner(ware)
    arguments = {"title": "a", ware.text: "b"}
    with db.as_anon(), db.refused("42501"):
        db.call(FUNCTIONS[ware.kind], **arguments)
    with db.signed_in_as(owner, sub=None), db.refused("AUTH_REQUIRED", 401):
        db.call(FUNCTIONS[ware.kind], **arguments)
    create(db, ware, owner)
    db.query_as_superuser("delete from auth.users where id = %s", owner)
    with db.refused("AUTH_REQUIRED", 401):
        create(db, ware, owner)
    assert len(rows_of(db, ware.table)) == 1


def test_a_login_that_is_being_deleted_makes_none(db: Database, market: Market, ware: Ware) -> None:
    owner, other = market.owner(ware), db.session()
    with psycopg.connect(db.dsn()) as deletion, other.signed_in_as(owner):
        deletion.execute("delete from auth.users where id = %s", [owner])
        arguments = {"title": "a", ware.text: "b"}
        waiting = other.start(FUNCTIONS[ware.kind], **arguments)
        db.wait_until_blocked(other)
    with db.refused("AUTH_REQUIRED", 401):
        waiting.result(PATIENCE)
    assert rows_of(db, ware.table) == {}


def test_bad_texts_are_refused_by_name(
    db: Database, market: Market, ware: Ware, subtests: pytest.Subtests
) -> None:
    for field in ("title", ware.text):
        for text, rule in [*BAD_TEXTS, ("a" * (LONGEST[field] + 1), "length")]:
            with (
                subtests.test(field=field, text=text),
                db.refused("INPUT_INVALID", 422, details={"field": field, "rule": rule}),
            ):
                create(db, ware, market.owner(ware), **{field: text})
        longest = "\u0928" * LONGEST[field]
        assert create(db, ware, market.owner(ware), **{field: longest})[field] == longest
    assert len(rows_of(db, ware.table)) == 2


def test_bad_amounts_are_refused_by_name(
    db: Database, market: Market, ware: Ware, subtests: pytest.Subtests
) -> None:
    bad: list[tuple[Any, str]] = [(True, "type"), ([1], "type"), (1.001, "decimals")]
    for amount, rule in bad:
        with (
            subtests.test(amount=amount),
            db.refused("INPUT_INVALID", 422, details={"field": ware.money, "rule": rule}),
        ):
            create(db, ware, market.owner(ware), **{ware.money: amount})
    for amount in (0, 0.99, -5, 10_000_000.01, 1e300):
        with (
            subtests.test(amount=amount),
            db.refused("PRICE_OUT_OF_RANGE", 422, details={"min": 1, "max": 10_000_000}),
        ):
            create(db, ware, market.owner(ware), **{ware.money: amount})
    for amount in ("NaN", "5000-6000", "about 5000"):
        with subtests.test(amount=amount), db.refused("PRICE_UNPARSEABLE", 422):
            create(db, ware, market.owner(ware), **{ware.money: amount})
    assert rows_of(db, ware.table) == {}
    assert create(db, ware, market.owner(ware), **{ware.money: "1.5 lakh"})[ware.money] == 150_000
    for amount in (1, 10_000_000):
        assert create(db, ware, market.owner(ware), **{ware.money: amount})[ware.money] == amount


def test_a_user_makes_so_many_a_day_and_refusals_do_not_count(
    db: Database, market: Market, ware: Ware
) -> None:
    set_setting(db, "rate_deal", {"per_day": 3, "burst": 3})
    for _ in range(3):
        create(db, ware, market.owner(ware))
        with db.refused("INPUT_INVALID", 422):
            create(db, ware, market.owner(ware), title="")
    with db.refused("RATE_LIMITED", 429) as refusal:
        create(db, ware, market.owner(ware))
    assert 7 * 3600 < refusal.details["retry_after"] <= 8 * 3600
    assert create(db, ware, market.rival(ware))["status"] == "open"
    assert len(rows_of(db, ware.table)) == 4


def test_a_crowd_gets_no_more_than_the_burst(db: Database, market: Market) -> None:
    set_setting(db, "rate_deal", {"per_day": 5, "burst": 5})
    ends = play_at_once(db, 4, 12, lambda session, _: create(session, BID, market.asha))
    assert ends == {OK: 5, "RATE_LIMITED": 7}
    assert len(rows_of(db, BID.table)) == 5


def test_in_a_new_project_the_fifty_first_of_a_day_is_refused(limited_db: Database) -> None:
    for ware in WARES:
        owner = join(limited_db, f"Owner of a {ware.kind}", ware.owner_role)
        for _ in range(50):
            create(limited_db, ware, owner)
        with limited_db.refused("RATE_LIMITED", 429):
            create(limited_db, ware, owner)
