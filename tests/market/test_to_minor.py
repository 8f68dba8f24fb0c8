"""to_minor: rupees as clients give them, to paise; what is no such amount is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.support.databases import Database

IN_PAISE: list[tuple[Any, int | None]] = [
    (None, None),
    (1, 100),
    ("1.00", 100),
    ("1.01", 101),
    (5000, 500_000),
    (5000.5, 500_050),
    ("5000.5000", 500_050),
    ("0001.10", 110),
    ("1e4", 1_000_000),
    ("9999999.99", 999_999_999),
    (10_000_000, 1_000_000_000),
    ("10000000.000", 1_000_000_000),
]
NO_NUMBER = ("NaN", "Infinity", "-Infinity")
TOO_FINE = ("0.001", "1.005", "5000.999", "-1.001", "10000000.001", "1e-300", "1.0000000001")
OUT_OF_RANGE: tuple[Any, ...] = (
    *(0, "0.99", "0.01", -1, "-5000.50", "10000000.01", 10_000_001, 2**63, "1e300", "-1e300"),
)


@pytest.mark.parametrize(("rupees", "paise"), IN_PAISE)
def test_rupees_become_paise_exactly(db: Database, rupees: Any, paise: int | None) -> None:
    assert db.call_private("to_minor", p_amount=rupees, p_field="amount") == paise


def test_what_is_no_number_of_rupees_is_refused(db: Database, subtests: pytest.Subtests) -> None:
    for rule, amounts in (("number", NO_NUMBER), ("decimals", TOO_FINE)):
        for amount in amounts:
            with (
                subtests.test(amount=amount),
                db.refused("INPUT_INVALID", 422, details={"field": "quote", "rule": rule}),
            ):
                db.call_private("to_minor", p_amount=amount, p_field="quote")


def test_what_is_too_little_or_too_much_is_refused(db: Database, subtests: pytest.Subtests) -> None:
    for amount in OUT_OF_RANGE:
        with (
            subtests.test(amount=amount),
            db.refused("PRICE_OUT_OF_RANGE", 422) as refusal,
        ):
            db.call_private("to_minor", p_amount=amount, p_field="amount")
        understood = refusal.details.pop("understood")
        assert Decimal(str(understood)) == Decimal(str(amount))
        assert refusal.details == {"min": 1, "max": 10_000_000}


@pytest.mark.parametrize("amount", ["1e131071", "-1e131071"])
def test_a_number_of_few_bytes_and_very_many_digits_is_not_written_out(
    db: Database, amount: str
) -> None:
    with db.refused("PRICE_OUT_OF_RANGE", 422, details={"understood": None}):
        db.call_private("to_minor", p_amount=amount, p_field="amount")


@pytest.mark.parametrize(
    ("amount", "paise"),
    [
        (None, None),
        (5000, 500_000),
        (5000.5, 500_050),
        ("5000 rupees", 500_000),
        ("1.5L", 15_000_000),
    ],
)
def test_an_amount_is_a_number_or_what_a_person_typed(
    db: Database, amount: Any, paise: int | None
) -> None:
    assert db.call_private("read_amount", p_amount=amount, p_field="amount") == paise


def test_an_amount_of_another_kind_is_refused(db: Database, subtests: pytest.Subtests) -> None:
    refusals: list[tuple[Any, str, dict[str, Any]]] = [
        (True, "INPUT_INVALID", {"field": "amount", "rule": "type"}),
        ([5000], "INPUT_INVALID", {"field": "amount", "rule": "type"}),
        ({"rupees": 5000}, "INPUT_INVALID", {"field": "amount", "rule": "type"}),
        ("5000-6000", "PRICE_UNPARSEABLE", {"understood": "5000"}),
        ("5 crore", "PRICE_OUT_OF_RANGE", {"understood": 50_000_000}),
        ("", "PRICE_UNPARSEABLE", {"understood": None}),
    ]
    for amount, code, details in refusals:
        with subtests.test(amount=amount), db.refused(code, 422, details=details):
            db.call_private("read_amount", p_amount=amount, p_field="amount")
