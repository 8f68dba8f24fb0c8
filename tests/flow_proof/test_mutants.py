"""The proof has teeth: a flow that is broken anywhere, in any of these ways, is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.flow_proof.flows import KINDS, prove, spec_in_use
from tests.flow_proof.mutants import (
    MUTATIONS,
    Mutants,
    Spec,
    let_clocks_run_on,
    lift_allowances,
    refund_submitted_work,
)
from tests.support.databases import Database

# The short form takes one mutant of so many.
STEP = 64


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
def test_every_mutant_breaks_a_property(
    db: Database, kind: str, mutate: Callable[[Spec], Mutants], is_long: bool
) -> None:
    survivors = []
    mutants = list(mutate(spec_in_use(db, kind)))
    made = len(mutants)
    if made and not is_long:
        # Bids and campaigns have most rows in common: their samples begin at different ones.
        mutants = mutants[KINDS.index(kind) * STEP // 2 % made :: STEP]
    for name, mutant in mutants:
        broken = {violation["property"] for violation in prove(db, mutant)["violations"]}
        # The shape alone would not do: an editor mends that, and the meaning stays broken.
        if not broken - {"shape"}:
            survivors.append(name)
    assert survivors == []
    # In direct conversations nobody is awaited, nothing is paid and nothing is decided.
    assert made or kind == "direct"


# What is unfair in one way only: the property, the mutation, the mutant, the steps of the shortest
# way to it. What a walk tells (P12) changes with every move, so these flows are proved without.
UNFAIR: tuple[tuple[str, Callable[[Spec], Mutants], str, int], ...] = (
    ("P13", lift_allowances, "without has_return_left", 7),
    ("P13", lift_allowances, "without has_question_left", 4),
    ("P13", lift_allowances, "without has_withdrawal_left", 11),
    ("P13", lift_allowances, "without has_extension_left", 11),
    ("P13", lift_allowances, "without has_cancellation_left", 11),
    ("P13", lift_allowances, "without has_dispute_left", 11),
    ("P14", let_clocks_run_on, "payment_completed", 8),
    ("P14", let_clocks_run_on, "work_submitted", 10),
    ("P14", let_clocks_run_on, "cancellation_requested", 10),
    ("P15", refund_submitted_work, "brand_owner_disputes_overdue_revision", 12),
    ("P15", refund_submitted_work, "revision_limit_passes", 12),
    ("P15", refund_submitted_work, "dispute_limit_passes_after_submission", 12),
)


@pytest.mark.parametrize(
    ("code", "mutate", "name", "steps"),
    UNFAIR,
    ids=[f"{code} {name}" for code, _, name, _ in UNFAIR],
)
def test_what_is_unfair_breaks_exactly_the_property_against_it(
    db: Database, code: str, mutate: Callable[[Spec], Mutants], name: str, steps: int
) -> None:
    mutants = mutate(spec_in_use(db, "bid"))
    (mutant,) = (spec for said, spec in mutants if f"{said} ".startswith(f"{name} "))
    mutant["traces"] = []
    violations = prove(db, mutant)["violations"]
    assert {violation["property"] for violation in violations} == {code}
    assert min(len(violation["counter_example"]) for violation in violations) == steps
