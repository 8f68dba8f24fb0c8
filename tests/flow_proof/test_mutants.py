"""The proof has teeth: a flow that is broken anywhere, in any of these ways, is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.flow_proof.flows import KINDS, prove, spec_in_use
from tests.flow_proof.mutants import MUTATIONS, Mutants, Spec
from tests.support.databases import Database

# The short form takes one mutant of so many.
STEP = 12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
def test_every_mutant_breaks_a_property(
    db: Database, kind: str, mutate: Callable[[Spec], Mutants], is_long: bool
) -> None:
    survivors = []
    mutants = list(mutate(spec_in_use(db, kind)))
    made = len(mutants)
    if made > STEP and not is_long:
        # Bids and campaigns have most rows in common: their samples begin at different ones.
        mutants = mutants[KINDS.index(kind) * STEP // 2 :: STEP]
    for name, mutant in mutants:
        broken = {violation["property"] for violation in prove(db, mutant)["violations"]}
        # The shape alone would not do: an editor mends that, and the meaning stays broken.
        if not broken - {"shape"}:
            survivors.append(name)
    assert survivors == []
    # In direct conversations nobody is awaited, nothing is paid and nothing is decided.
    assert made or kind == "direct"
