"""to_minor: rupees as clients give them, to paise; what is no such amount is refused."""

from __future__ import annotations

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
        assert refusal.details == {"min": 1, "max": 10_000_000}
