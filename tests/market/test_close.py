"""close_bid and close_campaign: the owner's alone, once, and heard by those it concerns."""

from __future__ import annotations

import uuid

import pytest

from tests.chat.scenes import broadcasts, everything, send
from tests.market.scenes import Market, Ware, close, create, open_deal_on, rows_of
from tests.support.databases import PATIENCE, Database

FUNCTIONS = {"bid": "close_bid", "campaign": "close_campaign"}


def test_the_owner_closes_it_and_gets_the_row(db: Database, market: Market, ware: Ware) -> None:
    owner = market.owner(ware)
    made, other = create(db, ware, owner, **{ware.money: 12.5}), create(db, ware, owner)
    answer = close(db, ware, owner, made["id"])
    assert answer == {**made, "status": "closed", "updated_at": answer["updated_at"]}
    assert answer["updated_at"] > made["updated_at"]
    assert rows_of(db, ware.table) == {made["id"]: answer, other["id"]: other}


def test_closing_again_answers_the_same_and_changes_nothing(
    db: Database, market: Market, ware: Ware
) -> None:
    made = create(db, ware, market.owner(ware))
    first = close(db, ware, market.owner(ware), made["id"])
    before = everything(db)
    assert close(db, ware, market.owner(ware), made["id"]) == first
    assert everything(db) == before


def test_somebody_elses_and_a_wrong_id_get_the_same_answer(
    db: Database, market: Market, ware: Ware, subtests: pytest.Subtests
) -> None:
    made = create(db, ware, market.owner(ware))
    open_deal_on(db, ware, made, market.partner(ware))
    newcomer = db.create_user("Newcomer")
    before = everything(db)
    others = market.everybody - {market.owner(ware)} | {newcomer}
    tries = [(user, made["id"]) for user in others]
    tries += [(market.owner(ware), wrong) for wrong in (uuid.uuid4(), None, market.asha)]
    answers = set()
    for user, ware_id in tries:
        with subtests.test(user=user), db.refused(ware.not_found, 404) as refusal:
            close(db, ware, user, ware_id)
        answers.add((refusal.message, refusal.hint, str(refusal.details)))
    assert len(answers) == 1
    assert everything(db) == before
    assert close(db, ware, market.owner(ware), made["id"])["status"] == "closed"


def test_nobody_without_a_login_closes_one(db: Database, market: Market, ware: Ware) -> None:
    made = create(db, ware, market.owner(ware))
    arguments = {f"{ware.kind}_id": made["id"]}
    with db.as_anon(), db.refused("42501"):
        db.call(FUNCTIONS[ware.kind], **arguments)
    with db.signed_in_as(market.owner(ware), sub=None), db.refused("AUTH_REQUIRED", 401):
        db.call(FUNCTIONS[ware.kind], **arguments)
    assert rows_of(db, ware.table)[made["id"]]["status"] == "open"


def test_its_conversations_go_on(db: Database, market: Market, ware: Ware) -> None:
    made = create(db, ware, market.owner(ware))
    deal = open_deal_on(db, ware, made, market.partner(ware))
    close(db, ware, market.owner(ware), made["id"])
    for user in (market.owner(ware), market.partner(ware)):
        assert send(db, user, deal, "still here")["message"] == "still here"


def test_those_who_listen_hear_that_it_closed_and_how_many_deals_it_has(
    db: Database, market: Market, ware: Ware
) -> None:
    made, other = create(db, ware, market.owner(ware)), create(db, ware, market.owner(ware))
    open_deal_on(db, ware, made, market.partner(ware))
    open_deal_on(db, ware, made, market.partner(ware), flow_state="chat_closed")
    open_deal_on(db, ware, made, market.stranger(ware))
    open_deal_on(db, ware, other, market.partner(ware))
    db.query("delete from realtime.messages")
    for _ in range(2):
        close(db, ware, market.owner(ware), made["id"])
    (told,) = db.query("select topic, extension, event, payload, private from realtime.messages")
    payload = told.pop("payload")
    assert told == {
        "topic": f"{ware.kind}:{made['id']}",
        "extension": "broadcast",
        "event": f"{ware.kind}_changed",
        "private": True,
    }
    payload.pop("id", None)  # Realtime's own, of the event
    assert payload == {f"{ware.kind}_id": made["id"], "status": "closed", "conversations": 3}


def test_one_conversation_more_is_told_too(db: Database, market: Market, ware: Ware) -> None:
    made = create(db, ware, market.owner(ware))
    announce = f"announce_{ware.kind}"
    counts = []
    for partner in (market.partner(ware), market.stranger(ware)):
        open_deal_on(db, ware, made, partner)
        db.call_private(announce, **{f"p_{ware.kind}_id": made["id"]})
    for told in broadcasts(db, f"{ware.kind}_changed"):
        assert told["topic"] == f"{ware.kind}:{made['id']}"
        assert told["payload"]["status"] == "open"
        counts.append(told["payload"]["conversations"])
    assert counts == [1, 2]


def test_two_who_close_it_at_once_get_one_answer_and_one_event(
    db: Database, market: Market, ware: Ware
) -> None:
    owner, other = market.owner(ware), db.session()
    made = create(db, ware, owner)
    with db.transaction(), db.signed_in_as(owner), other.signed_in_as(owner):
        arguments = {f"{ware.kind}_id": made["id"]}
        first = db.call(FUNCTIONS[ware.kind], **arguments)
        waiting = other.start(FUNCTIONS[ware.kind], **arguments)
        db.wait_until_blocked(other)
    assert waiting.result(PATIENCE) == first
    assert len(broadcasts(db, f"{ware.kind}_changed")) == 1
