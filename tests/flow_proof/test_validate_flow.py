"""validate_flow proves and keeps nothing, for operators only."""

from __future__ import annotations

from typing import Any

from tests.flow_proof.flows import KINDS, prove, rows, spec_in_use
from tests.support.databases import Database


def stored(db: Database) -> list[dict[str, Any]]:
    """Everything that flows have in the database."""
    return db.query(
        "select f.*, private.flow_spec(f.id) as spec from private.flow_definitions as f order by id"
    )


def test_nothing_of_a_proof_stays(db: Database) -> None:
    before = stored(db)
    for kind in KINDS:
        spec = spec_in_use(db, kind)
        prove(db, spec)
        spec["transitions"].pop()
        prove(db, spec)
    prove(db, {"kind": "direct", "states": [{"state": "A"}]})
    assert stored(db) == before


def test_an_operator_may_ask_too(db: Database) -> None:
    asha = db.create_user("Asha")
    db.query("insert into private.admins (user_id) values (%s)", asha)
    spec = spec_in_use(db, "direct")
    with db.signed_in_as(asha):
        assert db.call("validate_flow", spec=spec)["valid"] is True


def test_nobody_else_may(db: Database) -> None:
    asha = db.create_user("Asha")
    spec = spec_in_use(db, "direct")
    with db.signed_in_as(asha), db.refused("FORBIDDEN", 403):
        db.call("validate_flow", spec=spec)
    with db.as_anon(), db.refused("42501"):
        db.call("validate_flow", spec=spec)


def test_the_answer_has_what_an_editor_needs(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "influencer_accepts_request")[0]["awaiting"] = "influencer"
    proof = prove(db, spec)
    assert set(proof) == {"valid", "states", "extended_states", "edges", "violations"}
    assert proof["valid"] is False
    for violation in proof["violations"]:
        assert set(violation) == {"property", "message", "counter_example"}
        assert violation["message"].endswith(".")
