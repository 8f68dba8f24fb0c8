"""What the caller may do, as clients draw it: buttons, forms, schemas, and the texts in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.forms.draft_rows import add_action, add_field, add_flow
from tests.support.databases import Database

CRORE = 10_000_000


LIMIT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def action_json(
    db: Database, flow: int, action: str, deadline_at: datetime | None = LIMIT, **flow_data: Any
) -> Any:
    """An action as a conversation with this flow_data and time limit shows it."""
    conversation = {
        "flow_id": flow,
        "flow_state": "talking",
        "flow_data": flow_data,
        "deadline_at": deadline_at and deadline_at.isoformat(),
    }
    db.query("delete from private.flow_screens where flow_id = %s", flow)
    db.query("select private.keep_screens(%s)", flow)
    (shown,) = (
        one
        for one in db.call_private(
            "actions_json", p_conversation=conversation, p_user_id=None, p_role="brand_owner"
        )
        if one["action"] == action
    )
    return shown


def field_json(db: Database, flow: int, field: str, **values: Any) -> Any:
    return db.value(
        """
        select private.input_field_json(i, %s) from private.flow_inputs as i
        where i.flow_id = %s and i.field = %s
        """,
        Jsonb(values),
        flow,
        field,
    )


def schema(db: Database, flow: int, action: str) -> Any:
    return db.call_private("input_schema", p_flow_id=flow, p_action=action)


def fill(db: Database, text: str | None, values: Any) -> Any:
    return db.call_private("fill_template", p_text=text, p_values=values)


# Actions


def test_an_action_without_fields_is_a_button(db: Database) -> None:
    flow = add_flow(db)
    add_action(db, flow, "accept_price", text="Accept", style="success")
    answer = action_json(db, flow, "accept_price")
    assert answer == {
        "action": "accept_price",
        "button_id": "accept_price",
        "text": "Accept",
        "style": "success",
        "input": None,
        "schema": {
            "type": "object",
            "properties": {},
            "required": [],
            "additionalProperties": True,
        },
        "deadline_at": answer["deadline_at"],
        "cost": 0,
    }
    assert datetime.fromisoformat(answer["deadline_at"]) == LIMIT


def test_an_action_without_a_deadline_says_so(db: Database) -> None:
    flow = add_flow(db)
    add_action(db, flow, "accept_price")
    assert action_json(db, flow, "accept_price", deadline_at=None)["deadline_at"] is None


def test_an_action_shows_its_first_field_and_the_schema_of_all(db: Database) -> None:
    other, flow = add_flow(db), add_flow(db)
    add_field(db, other, "submit_work", "of_another_flow", "text", position=0)
    add_field(db, flow, "approve_work", "of_another_action", "text", position=0)
    add_field(db, flow, "submit_work", "description", "textarea", position=2)
    add_field(db, flow, "submit_work", "links", "textarea", position=1, required=True)
    add_action(db, flow, "submit_work")
    answer = action_json(db, flow, "submit_work")
    assert answer["input"] == field_json(db, flow, "links")
    assert answer["schema"] == schema(db, flow, "submit_work")
    assert set(answer["schema"]["properties"]) == {"links", "description"}


def test_a_screen_with_nothing_to_fill_in_is_kept_as_it_is_drawn(db: Database) -> None:
    flow = add_flow(db)
    add_field(db, flow, "submit_work", "links", "textarea", position=1, required=True)
    add_action(db, flow, "submit_work")
    screen = "select is_fixed, actions from private.flow_screens where role = 'brand_owner'"
    shown = action_json(db, flow, "submit_work")
    (kept,) = db.query(f"{screen} and flow_id = %s", flow)
    assert kept["is_fixed"]
    assert kept["actions"][0]["schema"] == shown["schema"]
    add_field(db, flow, "negotiate_price", "price", "price", prefill="{offer}")
    add_action(db, flow, "negotiate_price")
    assert action_json(db, flow, "negotiate_price", offer=7)["input"]["value"] == "7"
    assert action_json(db, flow, "submit_work") == shown
    (filled,) = db.query(f"{screen} and flow_id = %s", flow)
    assert not filled["is_fixed"]


def test_placeholders_are_filled_everywhere(db: Database) -> None:
    flow = add_flow(db)
    add_action(db, flow, "negotiate_price", text="Answer {offer}")
    more = {"placeholder": "Instead of {offer}", "prefill": "{offer}"}
    add_field(db, flow, "negotiate_price", "price", "price", **more)
    answer = action_json(db, flow, "negotiate_price", offer=5000)
    assert answer["text"] == "Answer 5000"
    assert answer["input"]["placeholder"] == "Instead of 5000"
    assert answer["input"]["value"] == "5000"
    assert answer["schema"]["properties"]["price"]["description"] == "Instead of 5000"


# Fields


def test_a_price_is_drawn_as_a_number_of_rupees(db: Database) -> None:
    flow = add_flow(db)
    add_field(db, flow, "send_price_offer", "price", "price", required=True, placeholder="Price")
    assert field_json(db, flow, "price") == {
        "id": "price",
        "type": "number",
        "placeholder": "Price",
        "required": True,
        "min": 1,
        "max": CRORE,
        "maxLength": None,
        "input_type": None,
        "value": None,
    }


def test_the_limits_that_are_drawn_are_those_that_hold(db: Database) -> None:
    flow = add_flow(db)
    add_field(db, flow, "offer", "price", "price")
    add_field(db, flow, "end", "reason", "text")
    price, reason = (field_json(db, flow, field) for field in ("price", "reason"))

    def check(action: str, **given: Any) -> Any:
        return db.call_private("check_input", p_flow_id=flow, p_action=action, p_input=given)

    for least_or_most, beyond in ((price["min"], -0.01), (price["max"], 0.01)):
        assert check("offer", price=least_or_most)["price"] == least_or_most
        with db.refused("PRICE_OUT_OF_RANGE", 422, details={"min": 1, "max": CRORE}):
            check("offer", price=least_or_most + beyond)
    assert check("end", reason="x" * reason["maxLength"])
    with db.refused("INPUT_INVALID", 422, details={"field": "reason", "rule": "max_length"}):
        check("end", reason="x" * (reason["maxLength"] + 1))


def test_a_text_is_drawn_with_its_greatest_length(db: Database) -> None:
    flow = add_flow(db)
    add_field(db, flow, "send_project_details", "details", "textarea", max_length=5000)
    add_field(db, flow, "end_conversation", "reason", "text")
    details, reason = (field_json(db, flow, field) for field in ("details", "reason"))
    assert (details["type"], details["maxLength"]) == ("textarea", 5000)
    assert (reason["type"], reason["maxLength"]) == ("text", 1000)
    assert reason["min"] is reason["max"] is reason["placeholder"] is None
    assert reason["required"] is False


def test_a_whole_number_is_drawn_as_a_number(db: Database) -> None:
    flow = add_flow(db)
    add_field(db, flow, "rate_collaboration", "rating", "integer", min=1, max=5)
    rating = field_json(db, flow, "rating")
    assert (rating["type"], rating["min"], rating["max"]) == ("number", 1, 5)


def test_a_field_that_would_be_prefilled_with_nothing_is_empty(db: Database) -> None:
    flow = add_flow(db)
    add_field(db, flow, "send_price_offer", "price", "price", prefill="{quote}")
    assert field_json(db, flow, "price")["value"] is None
    assert field_json(db, flow, "price", quote=250)["value"] == "250"


# Schemas


def test_a_schema_says_what_the_check_demands(db: Database) -> None:
    flow = add_flow(db)
    add_field(db, flow, "ask", "price", "price", required=True, position=1, placeholder="Price")
    add_field(db, flow, "ask", "days", "integer", required=True, position=2, min=1, max=30)
    add_field(db, flow, "ask", "share", "number", position=3, max=0.5)
    add_field(db, flow, "ask", "reason", "textarea", position=4, required=True, max_length=50)
    add_field(db, flow, "ask", "note", "text", position=5, placeholder="{nothing}")
    add_field(db, flow, "ask", "mail", "email", position=6)
    assert schema(db, flow, "ask") == {
        "type": "object",
        "properties": {
            "price": {"type": "number", "minimum": 1, "maximum": CRORE, "description": "Price"},
            "days": {"type": "integer", "minimum": 1, "maximum": 30},
            "share": {"type": "number", "maximum": 0.5},
            "reason": {"type": "string", "minLength": 1, "maxLength": 50},
            "note": {"type": "string", "maxLength": 1000},
            "mail": {"type": "string", "format": "email", "maxLength": 1000},
        },
        "required": ["price", "days", "reason"],
        "additionalProperties": True,
    }


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"price": 0}, "PRICE_OUT_OF_RANGE"),
        ({"price": CRORE + 1}, "PRICE_OUT_OF_RANGE"),
        ({"days": 0}, "INPUT_INVALID"),
        ({"days": 31}, "INPUT_INVALID"),
        ({"days": 1.5}, "INPUT_INVALID"),
        ({"reason": ""}, "INPUT_INVALID"),
        ({"reason": "x" * 51}, "INPUT_INVALID"),
        ({"reason": None}, "INPUT_INVALID"),
    ],
)
def test_what_a_schema_forbids_is_refused(db: Database, given: dict[str, Any], code: str) -> None:
    flow = add_flow(db)
    add_field(db, flow, "ask", "price", "price", required=True)
    add_field(db, flow, "ask", "days", "integer", required=True, min=1, max=30)
    add_field(db, flow, "ask", "reason", "textarea", required=True, max_length=50)
    good = {"price": 9, "days": 3, "reason": "x"}

    def ask(**given: Any) -> Any:
        return db.call_private("check_input", p_flow_id=flow, p_action="ask", p_input=given)

    assert ask(**good) == {**good, "price_minor": 900}
    with db.refused(code, 422):
        ask(**{**good, **given})


# Templates


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("No placeholder", "No placeholder"),
        ("", ""),
        ("{price}", "5000"),
        ("₹{price} for {name}.", "₹5000 for Asha."),
        ("{price}{price}", "50005000"),
        ("{unknown}", ""),
        ("a{nothing}b", "ab"),
        ("{is_final}", "true"),
        ("{list}", "[1, 2]"),
        # What is no placeholder stays.
        ("{", "{"),
        ("}", "}"),
        ("{}", "{}"),
        ("{price", "{price"),
        ("{ price }", "{ price }"),
        ("{Price}", "{Price}"),
        ("{1}", "{1}"),
        ("{{price}}", "{5000}"),
        ('{"price": {price}}', '{"price": 5000}'),
        # Nor is what a value brings along.
        ("{typed}", "{price} \\1 %s $1 {typed}"),
        ("{half}rice}", "{price}"),
    ],
)
def test_a_template_is_filled_in_one_pass(db: Database, text: str, filled: str) -> None:
    values = {
        "price": 5000,
        "name": "Asha",
        "nothing": None,
        "is_final": True,
        "list": [1, 2],
        "typed": "{price} \\1 %s $1 {typed}",
        "half": "{p",
    }
    assert fill(db, text, values) == filled


def test_a_template_without_values_loses_its_placeholders(db: Database) -> None:
    assert fill(db, "Hello {name}!", None) == "Hello !"
    assert fill(db, "Hello {name}!", {}) == "Hello !"
    assert fill(db, None, {"name": "Asha"}) is None
