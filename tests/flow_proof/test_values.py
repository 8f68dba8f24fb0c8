"""What the engine could not use, or would fail to store, is refused when a flow is published."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.flow_proof.flows import faults, misshapen, prove, rows, spec_in_use, state
from tests.flow_proof.mutants import Row, Spec
from tests.support.databases import Database


@pytest.mark.parametrize(
    "interval",
    [
        "59 seconds",
        "10 years 1 second",
        "300000 years",
        # Sums within the bounds whose months or days alone are beyond every calendar.
        "1 month -29 days",
        "60000000 months -1799999000 days",
    ],
)
def test_times_have_bounds(db: Database, interval: str) -> None:
    spec = spec_in_use(db, "bid")
    state(spec, "work_submitted")["lasts"] = interval
    assert misshapen(db, spec) == [
        "The time limit of work_submitted must be from 1 minute to 10 years."
    ]


def test_times_end(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    state(spec, "work_submitted")["lasts"] = "infinity"
    assert misshapen(db, spec)


@pytest.mark.parametrize("interval", ["1 minute", "10 years"])
def test_times_may_be_at_their_bounds(db: Database, interval: str) -> None:
    spec = spec_in_use(db, "bid")
    state(spec, "work_submitted")["lasts"] = interval
    assert prove(db, spec)["valid"]


def test_work_has_one_of_the_statuses_that_conversations_know(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    state(spec, "work_submitted")["work_status"] = "zzz"
    assert misshapen(db, spec) == ["work_submitted has the work status zzz, which does not exist."]
    rule = db.value("select prosrc from pg_proc where proname = 'check_conversation'")
    known = rule.partition("new.work_status in (")[2].partition(")")[0]
    assert known
    for status in known.split("'")[1::2]:
        state(spec, "work_submitted")["work_status"] = status
        assert misshapen(db, spec) == []


@pytest.mark.parametrize(
    "data", [[1], ["x"], "x", 5, {"price": 5}, {"price": ["{offer}"]}, {"price": None}]
)
def test_buttons_carry_texts(db: Database, data: Any) -> None:
    spec = spec_in_use(db, "bid")
    spec["actions"][0]["data"] = data
    assert len(misshapen(db, spec)) == 1
    assert "carries is no object of texts." in next(iter(misshapen(db, spec)))


@pytest.mark.parametrize("buttons", [["raise_dispute"], "x", {"raise_dispute": {"a": [1]}}])
def test_messages_rename_buttons_with_texts(db: Database, buttons: Any) -> None:
    spec = spec_in_use(db, "bid")
    message = next(
        one
        for one in spec["messages"]
        if one["transition"] == "cancellation_unanswered_work_resumes"
    )
    message.update(title="Go on", buttons=buttons)
    assert (
        "The buttons of a message of cancellation_unanswered_work_resumes are no object of texts."
        in misshapen(db, spec)
    )


def test_in_direct_conversations_both_read_everything(db: Database) -> None:
    spec = spec_in_use(db, "direct")
    message = next(one for one in spec["messages"] if one["transition"] == "party_closes_chat")
    message["audience"] = "actor"
    assert misshapen(db, spec) == [
        "A message of party_closes_chat is for the actor, but members read everything."
    ]


def test_names_and_reasons_are_words_for_programs(db: Database) -> None:
    spec = spec_in_use(db, "direct")
    rows(spec, "party_closes_chat")[0]["reason"] = "Closed by {role}"
    rows(spec, "member_reopens_chat")[0]["name"] = "T 170"
    assert set(misshapen(db, spec)) >= {
        'The reason of party_closes_chat has more than a to z, "_" and braces.',
        'The name of the row "T 170" has more than letters, digits and "_".',
    }


@pytest.mark.parametrize(
    ("kind", "name", "changed", "said"),
    [
        (
            "bid",
            "brand_owner_offers_price",
            {"effects": ["make_offer", "make_offer"]},
            "brand_owner_offers_price names the effect make_offer more than once.",
        ),
        (
            "bid",
            "brand_owner_offers_price",
            {"effects": ["make_offer", "hold_offer"]},
            "brand_owner_offers_price names more than one price.",
        ),
        (
            "bid",
            "payment_arrives",
            {"guards": ["has_order", "is_new_payment"]},
            "payment_arrives has the effect hold_funds without the guard capture_matches.",
        ),
        (
            "bid",
            "payment_arrives_late",
            {"guards": ["has_order"]},
            "payment_arrives_late has the effect bounce_payment without the guard is_new_payment.",
        ),
        (
            "bid",
            "party_rates_collaboration",
            {"guards": []},
            "party_rates_collaboration has the effect keep_rating without the guard is_unrated.",
        ),
        (
            "bid",
            "brand_owner_offers_price",
            {"role": "admin"},
            "brand_owner_offers_price has the effect make_offer, "
            "which only a party of a deal can have.",
        ),
        (
            "direct",
            "party_closes_chat",
            {"effects": ["close", "start_work"]},
            "party_closes_chat has the effect start_work, which only deals can have.",
        ),
        (
            "bid",
            "bank_disputes_after_the_end",
            {"to_state": "real_time"},
            "bank_disputes_after_the_end opens a deal again, whose place another may have taken.",
        ),
    ],
)
def test_rows_that_could_not_be_taken(
    db: Database, kind: str, name: str, changed: dict[str, Any], said: str
) -> None:
    spec = spec_in_use(db, kind)
    rows(spec, name)[0].update(changed)
    assert said in misshapen(db, spec)


def test_flows_have_a_size(db: Database) -> None:
    one: Row = {"state": "a", "position": 1, "title": "A"}
    cases: list[tuple[Spec, str]] = [
        ({"kind": "direct", "states": [one] * 201}, "There are more than 200 states."),
        ({"kind": "direct", "messages": [{}] * 2001}, "There are more than 2000 messages."),
        ({"kind": "direct", "transitions": [{}] * 2001}, "There are more than 2000 transitions."),
        ({"kind": "direct", "colours": ["x" * 2**21]}, "The flow is larger than 2 MB."),
        (
            {"kind": "direct", "states": [one | {"title": "x" * 5001}]},
            "One of the states has a title of more than 5000 characters.",
        ),
    ]
    for spec, said in cases:
        assert misshapen(db, spec) == [said]


def test_texts_may_be_as_long_as_messages(db: Database) -> None:
    spec = spec_in_use(db, "direct")
    spec["messages"][0]["text"] = "x" * 5000
    assert prove(db, spec)["valid"]


def test_what_cannot_be_proved_soon_is_refused_soon(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    spec["rules"] |= {"max_rounds": 20, "max_revisions": 50}
    # Counts something that each of the rounds has to be proved with.
    rows(spec, "influencer_accepts_request")[0]["effects"] = ["request_revision"]
    spec["transitions"].append(
        rows(spec, "influencer_asks_about_details")[0]
        | {"to_state": "influencer_reviewing", "effects": ["request_revision"], "guards": []}
        | {
            "name": "influencer_asks_again",
            "position": 411,
            "action": "ask_again",
            "awaiting": "influencer",
        }
    )
    began = time.monotonic()
    assert list(faults(db, spec, "shape")) == [
        "Too much is possible in the flow: name fewer states, or lower rules."
    ]
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("name", ["work_in_progress", "influencer_price_response"])
def test_free_text_may_be_switched_on_where_it_is_somebodys_turn(db: Database, name: str) -> None:
    spec = spec_in_use(db, "bid")
    state(spec, name)["free_text"] = True
    assert prove(db, spec)["violations"] == []


def test_free_text_may_be_switched_on_everywhere(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    for one in spec["states"]:
        one["free_text"] = True
    assert prove(db, spec)["violations"] == []


def test_people_talk_where_free_text_is_switched_on(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    state(spec, "influencer_responding")["free_text"] = True
    with db.as_service():
        db.call("publish_flow", spec=spec)
    people = {role: db.create_user(role) for role in ("influencer", "brand_owner")}
    for role, user in people.items():
        with db.signed_in_as(user):
            db.call("complete_profile", role=role, display_name=role)
    with db.signed_in_as(people["influencer"]):
        bid = db.call("create_bid", title="Three posts", description="On two feeds")
    with db.signed_in_as(people["brand_owner"]):
        deal = db.call("connect_bid", bid_id=bid["id"])["conversation"]["conversation_id"]
        db.call("send_message", conversation_id=deal, message="Hello")
    texts = "select message from public.messages where sender_id = %s"
    assert db.query(texts, people["brand_owner"]) == [{"message": "Hello"}]
