"""What a caller sends along with an action is checked field by field, and cleaned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.forms.draft_rows import add_field, add_flow
from tests.support.databases import Database, copied_database
from tests.support.stacks import Cluster

CRORE = 10_000_000


@pytest.fixture(scope="module")
def checker(cluster: Cluster, template: str) -> Iterator[Database]:
    """A database for all the cases: each makes a flow of its own, and checking changes nothing."""
    with copied_database(cluster, template) as database:
        yield database


@pytest.fixture
def flow(checker: Database) -> int:
    """A flow with an action for every type of field, and one without fields."""
    flow = add_flow(checker)
    for type_ in ("text", "textarea", "email", "number", "integer", "price"):
        add_field(checker, flow, f"say_{type_}", "value", type_)
        add_field(checker, flow, f"must_say_{type_}", "value", type_, required=True)
    add_field(checker, flow, "rate", "rating", "integer", required=True, min=1, max=5)
    add_field(checker, flow, "rate", "comment", "textarea", position=2, max_length=10)
    add_field(checker, flow, "measure", "share", "number", min=-0.5, max=0.5)
    add_field(checker, flow, "haggle", "price", "price", required=True, min=500, max=600)
    return flow


def check(db: Database, flow: int, action: str, given: Any) -> Any:
    return db.call_private("check_input", p_flow_id=flow, p_action=action, p_input=given)


def check_json(db: Database, flow: int, action: str, given: str) -> Any:
    """As `check`, for JSON that Python would not write."""
    return db.value("select private.check_input(%s, %s, %s::jsonb)", flow, action, given)


def test_several_fields_are_checked_and_the_others_ignored(checker: Database, flow: int) -> None:
    given = {"rating": 5, "comment": " fine ", "value": [1], "flow_state": "real_time"}
    assert check(checker, flow, "rate", given) == {"rating": 5, "comment": "fine"}


@pytest.mark.parametrize("action", ["nod", "no_such_action"])
def test_an_action_without_fields_takes_nothing(checker: Database, flow: int, action: str) -> None:
    assert check(checker, flow, action, {"price": "free", "deep": {"er": 1}}) == {}


def test_another_flow_has_its_own_fields(checker: Database, flow: int) -> None:
    other = add_flow(checker)
    assert check(checker, other, "rate", {}) == {}
    with checker.refused("INPUT_INVALID", 422, details={"field": "rating", "rule": "required"}):
        check(checker, flow, "rate", {})


@pytest.mark.parametrize("given", ["[]", '"5000"', "5000", "true", "null", '[{"rating": 5}]'])
@pytest.mark.parametrize("action", ["rate", "nod"])
def test_an_input_is_an_object(checker: Database, flow: int, action: str, given: str) -> None:
    with checker.refused("INPUT_INVALID", 422, details={"field": "input", "rule": "object"}):
        check_json(checker, flow, action, given)


def test_no_input_is_an_empty_one(checker: Database, flow: int) -> None:
    assert check(checker, flow, "say_text", None) == {}
    with checker.refused("INPUT_INVALID", 422, details={"field": "rating", "rule": "required"}):
        check(checker, flow, "rate", None)


@pytest.mark.parametrize("type_", ["text", "textarea", "email", "number", "integer", "price"])
@pytest.mark.parametrize("given", [{}, {"value": None}, {"VALUE": 1}])
def test_a_missing_value_is_left_out_or_asked_for(
    checker: Database, flow: int, type_: str, given: dict[str, Any]
) -> None:
    assert check(checker, flow, f"say_{type_}", given) == {}
    with checker.refused("INPUT_INVALID", 422, details={"field": "value", "rule": "required"}):
        check(checker, flow, f"must_say_{type_}", given)


@pytest.mark.parametrize("type_", ["text", "textarea", "email"])
@pytest.mark.parametrize("blank", ["", "  ", "\n\u200b\u2800", "\u202a\u202c"])
def test_a_blank_text_is_a_missing_one(
    checker: Database, flow: int, type_: str, blank: str
) -> None:
    assert check(checker, flow, f"say_{type_}", {"value": blank}) == {}
    with checker.refused("INPUT_INVALID", 422, details={"field": "value", "rule": "required"}):
        check(checker, flow, f"must_say_{type_}", {"value": blank})


@pytest.mark.parametrize(
    ("type_", "wrong"),
    [
        ("text", 5),
        ("text", True),
        ("textarea", ["a"]),
        ("email", {"text": "a"}),
        ("number", "5"),
        ("number", ""),
        ("number", True),
        ("integer", "5"),
        ("integer", [5]),
        ("integer", {}),
        ("price", True),
        ("price", [5000]),
        ("price", {"price": 5000}),
    ],
)
def test_a_value_of_another_json_type_is_refused(
    checker: Database, flow: int, type_: str, wrong: Any
) -> None:
    with checker.refused("INPUT_INVALID", 422, details={"field": "value", "rule": "type"}):
        check(checker, flow, f"say_{type_}", {"value": wrong})


# Texts


def test_a_text_is_cleaned(checker: Database, flow: int) -> None:
    given = {"value": " Cafe\u0301\r\nis \u202eopen\u202c\t"}
    assert check(checker, flow, "say_textarea", given) == {"value": "Caf\u00e9\nis open"}


def test_a_text_may_hold_anything_that_people_write(checker: Database, flow: int) -> None:
    text = "{price} %s \\u0000 ' \" -- <b> \U0001f600 नमस्ते"
    assert check(checker, flow, "say_text", {"value": text}) == {"value": text}


def test_a_text_without_a_limit_of_its_own_has_1000_characters(
    checker: Database, flow: int
) -> None:
    # Counted when clean: the accents melt into their letters, the space around it goes.
    fits = " " + "e\u0301" * 1000 + "\n"
    assert check(checker, flow, "say_text", {"value": fits}) == {"value": "\u00e9" * 1000}
    with checker.refused("INPUT_INVALID", 422, details={"field": "value", "rule": "max_length"}):
        check(checker, flow, "say_text", {"value": "\U0001f600" * 1001})


def test_a_text_keeps_to_the_limit_of_its_field(checker: Database, flow: int) -> None:
    fits = {"rating": 3, "comment": "\U0001f600" * 10}
    assert check(checker, flow, "rate", fits) == fits
    with checker.refused("INPUT_INVALID", 422, details={"field": "comment", "rule": "max_length"}):
        check(checker, flow, "rate", {"rating": 3, "comment": "x" * 11})


def test_a_text_has_no_control_characters(checker: Database, flow: int) -> None:
    with checker.refused(
        "INPUT_INVALID", 422, details={"field": "value", "rule": "control_characters"}
    ):
        check(checker, flow, "say_text", {"value": "a\u001b[2Jb"})


def test_an_email_address_looks_like_one(checker: Database, flow: int) -> None:
    good = {"value": "asha@example.com"}
    assert check(checker, flow, "say_email", good) == good
    for bad in ("asha", "asha@example", "asha @example.com", "a@b@example.com"):
        with checker.refused("INPUT_INVALID", 422, details={"field": "value", "rule": "email"}):
            check(checker, flow, "say_email", {"value": bad})


# Numbers


@pytest.mark.parametrize(
    ("rating", "rule"),
    [
        ("0", "min"),
        ("-1", "min"),
        ("6", "max"),
        ("1e400", "max"),
        ("-1e400", "min"),
        ("4.5", "integer"),
        ("1e-400", "integer"),
    ],
)
def test_a_number_keeps_to_the_limits_of_its_field(
    checker: Database, flow: int, rating: str, rule: str
) -> None:
    with checker.refused("INPUT_INVALID", 422, details={"field": "rating", "rule": rule}):
        check_json(checker, flow, "rate", f'{{"rating": {rating}}}')


@pytest.mark.parametrize("rating", ["3", "3.0", "3.000", "0.3e1", "30e-1"])
def test_a_whole_number_comes_back_as_one_however_it_was_written(
    checker: Database, flow: int, rating: str
) -> None:
    query = "select private.check_input(%s, 'rate', %s::jsonb) ->> 'rating' as rating"
    assert checker.value(query, flow, f'{{"rating": {rating}}}') == "3"


def test_a_number_may_be_a_fraction_and_negative(checker: Database, flow: int) -> None:
    for share in (-0.5, 0, 0.125, 0.5):
        assert check(checker, flow, "measure", {"share": share}) == {"share": share}
    for share, rule in ((-0.51, "min"), (0.51, "max")):
        with checker.refused("INPUT_INVALID", 422, details={"field": "share", "rule": rule}):
            check(checker, flow, "measure", {"share": share})


@pytest.mark.parametrize("type_", ["number", "integer"])
def test_a_number_is_one_that_every_json_client_can_carry(
    checker: Database, flow: int, type_: str
) -> None:
    most = 2**53 - 1
    for number in (most, -most):
        assert check(checker, flow, f"say_{type_}", {"value": number}) == {"value": number}
    for huge in (str(most + 1), str(-most - 1), "1e400", "-1e400", "1e131071"):
        with checker.refused("INPUT_INVALID", 422, details={"field": "value", "rule": "number"}):
            check_json(checker, flow, f"say_{type_}", f'{{"value": {huge}}}')


def test_a_number_has_a_sensible_count_of_decimals(checker: Database, flow: int) -> None:
    with checker.refused("INPUT_INVALID", 422, details={"field": "value", "rule": "number"}):
        check_json(checker, flow, "say_number", '{"value": 1e-400}')


# Prices


@pytest.mark.parametrize(
    ("given", "rupees", "minor"),
    [
        (5000, 5000, 500_000),
        (5000.5, 5000.5, 500_050),
        (0.29e3, 290, 29_000),
        (1, 1, 100),
        (CRORE, CRORE, CRORE * 100),
        ("5000", 5000, 500_000),
        ("₹5,00,000.50/-", 500_000.5, 50_000_050),
        ("1.5 lakh", 150_000, 15_000_000),
    ],
)
def test_a_price_comes_back_in_rupees_and_in_paise(
    checker: Database, flow: int, given: Any, rupees: float, minor: int
) -> None:
    clean = check(checker, flow, "say_price", {"value": given})
    assert clean == {"value": rupees, "value_minor": minor}


def test_the_paise_are_ours_and_not_the_callers(checker: Database, flow: int) -> None:
    given = {"value": 5000, "value_minor": 1}
    assert check(checker, flow, "say_price", given)["value_minor"] == 500_000
    assert check(checker, flow, "say_price", {"value_minor": 1}) == {}


def test_trailing_zeros_are_no_decimals(checker: Database, flow: int) -> None:
    clean = check_json(checker, flow, "say_price", '{"value": 5000.500}')
    assert clean == {"value": 5000.5, "value_minor": 500_050}


@pytest.mark.parametrize("price", ["5000.001", "0.001", "1e-400"])
def test_a_third_decimal_is_refused(checker: Database, flow: int, price: str) -> None:
    with checker.refused("INPUT_INVALID", 422, details={"field": "value", "rule": "decimals"}):
        check_json(checker, flow, "say_price", f'{{"value": {price}}}')


@pytest.mark.parametrize("price", ["0", "-5000", "0.99", "10000000.01", "1e400", "-1e400"])
def test_a_price_has_the_bounds_of_all_prices(checker: Database, flow: int, price: str) -> None:
    with checker.refused("PRICE_OUT_OF_RANGE", 422, details={"min": 1, "max": CRORE}):
        check_json(checker, flow, "say_price", f'{{"value": {price}}}')


@pytest.mark.parametrize("price", [499.99, 600.01, "499", "1 lakh"])
def test_a_price_has_the_bounds_of_its_field(checker: Database, flow: int, price: Any) -> None:
    with checker.refused("PRICE_OUT_OF_RANGE", 422, details={"min": 500, "max": 600}):
        check(checker, flow, "haggle", {"price": price})


@pytest.mark.parametrize(("price", "understood"), [("1e4", "1"), ("5000 USD", "5000")])
@pytest.mark.parametrize("action", ["say_price", "must_say_price"])
def test_a_text_for_a_price_must_be_one(
    checker: Database, flow: int, action: str, price: str, understood: str
) -> None:
    with checker.refused("PRICE_UNPARSEABLE", 422, details={"understood": understood}):
        check(checker, flow, action, {"value": price})


@pytest.mark.parametrize("blank", ["", " ", "\u200b"])
def test_a_blank_text_is_no_price(checker: Database, flow: int, blank: str) -> None:
    """An optional field of a form that nobody touched is no mistake."""
    assert check(checker, flow, "say_price", {"value": blank}) == {}
    with checker.refused("PRICE_UNPARSEABLE", 422, details={"understood": None}):
        check(checker, flow, "must_say_price", {"value": blank})


def test_the_fields_are_found_by_their_index(checker: Database, flow: int) -> None:
    """Every step of every deal looks for them."""
    plan = checker.query(
        """
        explain (costs off) select i.* from private.flow_inputs as i
        where i.flow_id = %s and i.action = 'nod' order by i.position, i.field
        """,
        flow,
    )
    assert "flow_inputs_pkey" in str(plan)
