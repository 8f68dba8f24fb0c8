"""A flow whose rows do not fit together is refused in a sentence, never with a failure."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow_proof.flows import (
    drop,
    faults,
    field_of,
    misshapen,
    prove,
    rows,
    spec_in_use,
    state,
)
from tests.flow_proof.mutants import Spec
from tests.support.databases import Database


def message(spec: Spec, transition: str) -> dict[str, Any]:
    """The first message of a transition."""
    found: dict[str, Any] = next(one for one in spec["messages"] if one["transition"] == transition)
    return found


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"max_rounds": -1}, "The rule max_rounds must be a whole number from 1 to 20."),
        ({"max_rounds": 2.5}, "The rule max_rounds must be a whole number from 1 to 20."),
        ({"rating_days": None}, "The rule rating_days must be a whole number from 1 to 365."),
        ({"delivery_days": "soon"}, "The rule delivery_days must be a whole number from 1 to 365."),
        ({"max_round": 3}, "There is no rule max_round."),
    ],
)
def test_a_rule_that_is_no_number_in_bounds(db: Database, rules: dict[str, Any], said: str) -> None:
    spec = spec_in_use(db, "bid")
    spec["rules"] |= rules
    assert misshapen(db, spec) == [said]


def test_a_rule_that_is_missing(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    del spec["rules"]["fee_basis_points"]
    assert misshapen(db, spec) == ["The rule fee_basis_points is missing."]


def test_names_that_the_engine_does_not_know(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "brand_owner_sends_details")[0].update(
        guards=["is_monday"], effects=["keep_details", "send_flowers"]
    )
    assert misshapen(db, spec) == [
        "brand_owner_sends_details names the unknown effect send_flowers.",
        "brand_owner_sends_details names the unknown guard is_monday.",
    ]


def test_people_whom_the_kind_does_not_have(db: Database) -> None:
    spec = spec_in_use(db, "direct")
    spec["transitions"].append(
        rows(spec, "party_closes_chat")[0] | {"role": "influencer", "awaiting": "brand_owner"}
    )
    found = misshapen(db, spec)
    assert "party_closes_chat is for the influencer, whom this kind does not have." in found
    assert "party_closes_chat awaits the brand_owner, whom this kind does not have." in found


def test_the_other_party_of_nobody(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "cancellation_unanswered_work_resumes")[0]["awaiting"] = "other"
    assert (
        "cancellation_unanswered_work_resumes awaits the other party, but no party takes it."
        in misshapen(db, spec)
    )


def test_a_flow_without_beginning_or_end(db: Database) -> None:
    assert {"The state initial is missing.", "The state chat_closed is missing."} <= set(
        misshapen(db, {"kind": "direct"})
    )


def test_a_way_back_to_the_beginning(db: Database) -> None:
    spec = spec_in_use(db, "direct")
    rows(spec, "member_reopens_chat")[0]["to_state"] = "initial"
    assert "member_reopens_chat leads to initial, where nothing can be." in misshapen(db, spec)


def test_closing_goes_with_its_effect(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "influencer_declines_connection")[0]["effects"] = []
    rows(spec, "influencer_declines_price")[0]["effects"] = ["close"]
    assert misshapen(db, spec) == [
        "influencer_declines_connection leads to chat_closed without the effect close.",
        "influencer_declines_price has the effect close and does not lead to chat_closed.",
    ]


def test_money_is_moved_once_a_row(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "brand_owner_approves_work")[0]["effects"].append("request_refund")
    assert "brand_owner_approves_work moves the money more than once." in misshapen(db, spec)


def test_links_to_rows_that_are_not_there(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    state(spec, "disputed")["deadline_action"] = "timer_verdict"
    state(spec, "payment_completed")["on_block"] = "cancel_before_start"
    rows(spec, "influencer_starts_counter")[0]["follow_up"] = "submit_price"
    message(spec, "brand_owner_sends_details")["transition"] = "nobody"
    spec["inputs"].append({"action": "sing", "field": "song", "position": 1, "type": "text"})
    found = misshapen(db, spec)
    assert {
        "After its time limit disputed does timer_verdict, which has no row.",
        "A block by the influencer in payment_completed does cancel_before_start, which has no "
        "row.",
        "influencer_starts_counter is followed by submit_price, "
        "which has no row in negotiation_input.",
        "There is a message of nobody, which is no row.",
        "sing has the input song and no row.",
    } <= set(found)


def test_what_users_may_do_is_drawn_and_what_is_drawn_they_may_do(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    drop(spec, "influencer_withdraws_submission")
    spec["actions"] = [one for one in spec["actions"] if one["action"] != "start_work"]
    assert {
        "The influencer's withdraw_submission in work_submitted is drawn and has no row.",
        "The influencer's start_work in payment_completed is not drawn.",
    } <= set(misshapen(db, spec))


def test_an_input_that_leaves_nothing_to_type(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    (days,) = (one for one in spec["inputs"] if one["field"] == "days")
    days["min"] = 31
    assert misshapen(db, spec) == ["The input days of request_extension has its min above its max."]


def test_messages_that_reach_nobody_or_offer_nothing(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    message(spec, "payment_window_passes")["audience"] = "actor"
    message(spec, "influencer_declines_work").update(
        message_type="automated", title="Pity", buttons=None
    )
    message(spec, "cancellation_declined_work_resumes")["buttons"] = {"approve_work": None}
    message(spec, "influencer_declines_final_price")["buttons"] = {"accept_price": None}
    message(spec, "influencer_declines_final_price")["title"] = "Sure?"
    found = set(misshapen(db, spec))
    assert {
        "A message of payment_window_passes is for the actor, and there is none.",
        "influencer_declines_work calls on the brand_owner, who may do nothing in refund_pending.",
        "cancellation_declined_work_resumes offers approve_work to the influencer, "
        "who may not in work_in_progress.",
        "influencer_declines_final_price offers accept_price to the brand_owner, "
        "who may not in chat_closed.",
    } <= found


def test_a_turn_that_its_party_is_not_told_of(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    message(spec, "brand_owner_offers_price")["audience"] = "brand_owner"
    assert misshapen(db, spec) == [
        "brand_owner_offers_price leads to the turn of the influencer and does not call on them."
    ]


def test_texts_name_only_what_can_be_put_in(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    message(spec, "brand_owner_offers_price")["title"] = (
        "{offer_text} {brand_owner} {delivery_days} {weather}"
    )
    message(spec, "influencer_asks_about_details")["quote"] = "{question} {feedback}"
    rows(spec, "influencer_declines_connection")[0]["reason"] = "ended_by_{actor}"
    spec["actions"][0]["text"] = "Accept {reason_hint}"
    action = spec["actions"][0]["action"]
    assert set(misshapen(db, spec)) == {
        f"The action {action} names {{reason_hint}}, which nothing fills.",
        "A message of influencer_asks_about_details names {feedback}, which nothing fills.",
        "A message of brand_owner_offers_price names {weather}, which nothing fills.",
        "The reason of influencer_declines_connection names {actor}, which nothing fills.",
    }


def test_what_a_party_typed_is_quoted_and_never_said_by_the_system(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    message(spec, "influencer_asks_about_details")["text"] = "They ask: {question}"
    message(spec, "brand_owner_offers_price")["subtitle"] = "{details}"
    message(spec, "operator_closes_deal")["text"] = "An operator says: {reason}"
    assert set(misshapen(db, spec)) == {
        "A message of influencer_asks_about_details has {question} in its text, "
        "which a party typed: quote it.",
        "A message of brand_owner_offers_price has {details} in its text, "
        "which a party typed: quote it.",
    }


def test_a_walk_that_is_not_written_in_threes(db: Database) -> None:
    spec = spec_in_use(db, "direct")
    spec["traces"] = [{"name": "Short", "steps": "member direct_connect"}]
    assert misshapen(db, spec) == ['Line 1 of the walk "Short" is not "role action state".']


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (None, 'null value in column "kind"'),
        ([], "cannot call jsonb_object_keys on an array"),
        ({}, 'null value in column "kind"'),
        ({"kind": "triangle"}, 'check constraint "kind_is_known"'),
        ({"kind": "direct", "rules": []}, 'check constraint "rules_are_an_object"'),
        ({"kind": "direct", "states": {}}, "cannot extract elements from an object"),
        ({"kind": "direct", "states": ["real_time"]}, "cannot call jsonb_object_keys on a scalar"),
        ({"kind": "direct", "states": [{"state": "a"}]}, 'null value in column "position"'),
        (
            {"kind": "direct", "states": [{"state": "a", "position": "first"}]},
            "invalid input syntax for type integer",
        ),
        (
            {"kind": "direct", "states": [{"state": "a", "position": 99999999999}]},
            "out of range for type integer",
        ),
        (
            {"kind": "direct", "states": [{"state": "a", "position": 1, "lasts": "soon"}]},
            "invalid input syntax for type interval",
        ),
        (
            {"kind": "direct", "states": [{"state": "a", "position": 1, "title": "A"}] * 2},
            "duplicate key value",
        ),
        (
            {
                "kind": "direct",
                "traces": [{"name": "".join(map(str, range(1300))), "steps": "a b c"}],
            },
            "index row",
        ),
        (
            {
                "kind": "direct",
                "transitions": [
                    {
                        "name": "one",
                        "position": 1,
                        "from_state": "a",
                        "role": "member",
                        "action": "go",
                        "to_state": "b",
                    }
                ],
            },
            "violates foreign key constraint",
        ),
    ],
)
def test_rows_that_the_tables_refuse(db: Database, spec: Any, said: str) -> None:
    proof = prove(db, spec)
    (violation,) = proof["violations"]
    assert violation["property"] == "shape"
    assert violation["message"].startswith("The rows of the flow cannot be stored: ")
    assert said in violation["message"]


def test_misspelt_keys_are_no_silent_defaults(db: Database) -> None:
    spec = spec_in_use(db, "direct")
    spec["states"][0]["free_txt"] = True
    spec["states"][0]["flow_id"] = 1
    spec["colours"] = []
    assert misshapen(db, spec) == [
        "There is no list colours in a flow.",
        "states have no flow_id.",
        "states have no free_txt.",
    ]


def test_the_proof_says_the_same_of_the_rows(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    message(spec, "influencer_accepts_request")["text"] += " {nonsense}"
    state(spec, "work_submitted")["lasts"] = "59 seconds"
    field_of(spec, "submit_work", "deliverables")["required"] = False
    said = misshapen(db, spec)
    assert len(said) == 3
    assert list(faults(db, spec, "shape")) == said
    spec["rules"]["max_rounds"] = -1
    assert (
        list(faults(db, spec, "shape"))
        == misshapen(db, spec)
        == ["The rule max_rounds must be a whole number from 1 to 20."]
    )
