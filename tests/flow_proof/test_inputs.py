"""What effects and guards read must be typed with their action, and as they can store it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow_proof.flows import field_of, misshapen, rows, spec_in_use, state
from tests.support.databases import Database


@pytest.mark.parametrize(
    ("action", "field", "effect"),
    [
        ("send_price_offer", "price", "make_offer"),
        ("submit_counter", "price", "make_counter"),
        ("send_project_details", "details", "keep_details"),
        ("submit_work", "deliverables", "store_submission"),
        ("request_extension", "days", "propose_extension"),
        ("rate_collaboration", "rating", "keep_rating"),
        ("resolve_split", "refund_amount", "request_split_refund"),
        ("mark_refunded_manually", "reference", "settle_refund"),
        ("payment_mismatch", "payment_id", "bounce_payment"),
        ("payment_mismatch", "amount_minor", "bounce_payment"),
        ("payment_mismatch", "currency", "bounce_payment"),
        ("payment_captured", "payment_id", "hold_funds"),
        ("payment_captured", "amount_minor", "capture_matches"),
        ("payment_captured", "currency", "hold_funds"),
    ],
)
def test_what_an_effect_must_have(db: Database, action: str, field: str, effect: str) -> None:
    said = f"{action} must have the required input {field}, which {effect} needs."
    spec = spec_in_use(db, "bid")
    given = field_of(spec, action, field)
    given["required"] = False
    assert said in misshapen(db, spec)
    spec["inputs"].remove(given)
    assert said in misshapen(db, spec)


@pytest.mark.parametrize(
    ("action", "field", "changed", "said"),
    [
        ("send_price_offer", "price", {"type": "text"}, "be of type price"),
        ("accept_price", "price", {"type": "textarea"}, "be of type price"),
        ("accept_counter", "price", {"type": "number"}, "be of type price"),
        ("request_cancellation", "refund_amount", {"type": "integer"}, "be of type price"),
        ("submit_work", "description", {"type": "number"}, "be of type text or textarea"),
        ("request_revision", "feedback", {"type": "email"}, "be of type text or textarea"),
        ("rate_collaboration", "rating", {"type": "number"}, "be of type integer"),
        ("rate_collaboration", "rating", {"max": 100}, "be from 1 to 5"),
        ("rate_collaboration", "rating", {"min": 0}, "be from 1 to 5"),
        ("rate_collaboration", "rating", {"max": None}, "be from 1 to 5"),
        ("rate_collaboration", "rating", {"is_secret": False}, "be secret"),
        ("rate_collaboration", "comment", {"is_secret": False}, "be secret"),
        ("rate_collaboration", "comment", {"max_length": 1001}, "have a max_length of 1000"),
        ("request_extension", "days", {"max": 366}, "be from 1 to 365"),
        ("request_extension", "days", {"type": "number"}, "be of type integer"),
        ("resolve_release", "note", {"is_secret": False}, "be secret"),
        ("mark_refunded_manually", "note", {"is_secret": False}, "be secret"),
        ("refund_processed", "reference", {"max_length": 201}, "have a max_length of 200"),
        ("payment_captured", "payment_id", {"max_length": 101}, "have a max_length of 100"),
        ("payment_captured", "payment_id", {"max_length": None}, "have a max_length of 100"),
        ("payment_captured", "currency", {"max_length": 4}, "have a max_length of 3"),
        ("payment_captured", "amount_minor", {"type": "number"}, "be of type integer"),
        ("payment_captured", "amount_minor", {"max": 1e15}, "be from 1 to 100000000000"),
    ],
)
def test_what_an_input_of_an_effect_must_be(
    db: Database, action: str, field: str, changed: dict[str, Any], said: str
) -> None:
    spec = spec_in_use(db, "bid")
    field_of(spec, action, field).update(changed)
    found = misshapen(db, spec)
    assert found
    assert all(
        message.startswith(f"The input {field} of {action} must {said}") for message in found
    )


def test_a_quote_is_accepted_at_a_price(db: Database) -> None:
    spec = spec_in_use(db, "campaign")
    field_of(spec, "accept_application_at_quote", "price")["type"] = "text"
    assert set(misshapen(db, spec)) == {
        f"The input price of accept_application_at_quote must be of type price, which {name} needs."
        for name in ("agree_on_quote", "quote_matches")
    }


def test_an_action_meets_the_needs_of_all_its_rows(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "influencer_starts_work")[0]["effects"].append("keep_details")
    assert misshapen(db, spec) == [
        "start_work must have the required input details, which keep_details needs."
    ]


def test_nobody_types_when_something_happens_by_itself(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    actions = ("timer_idle", "enable_real_time", "connect_bid", "close_conversation")
    spec["inputs"] = [one for one in spec["inputs"] if one["action"] not in actions] + [
        {"action": action, "field": "why", "position": 1, "type": "text", "required": True}
        for action in actions
    ]
    assert state(spec, "real_time")["on_block"] == "close_conversation"
    assert set(misshapen(db, spec)) >= {
        f"{action} happens without any input, but its input why is required." for action in actions
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"field": "Why not"}, 'The input "Why not" of accept_price has more than a to z'),
        ({"field": "price_minor"}, "The input price_minor of accept_price is named like a price"),
        ({"min": "NaN"}, "The input price of accept_price has a limit that is no number."),
        ({"max": 1e30}, "The input price of accept_price has a limit that is no number."),
    ],
)
def test_inputs_that_nobody_could_use(db: Database, changed: dict[str, Any], said: str) -> None:
    spec = spec_in_use(db, "bid")
    field_of(spec, "accept_price", "price").update(changed)
    assert any(message.startswith(said) for message in misshapen(db, spec))
