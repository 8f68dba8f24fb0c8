"""Specs of flows to break by hand, and what the proof says of them."""

from __future__ import annotations

from typing import Any

from tests.flow_proof.mutants import Row, Spec
from tests.support.databases import Database

KINDS = ("bid", "campaign", "direct")
# The first steps of a bid, as counter-examples tell them.
TO_PRICE = [
    "brand_owner connect_bid -> influencer_responding",
    "influencer accept_connection -> brand_owner_details",
    "brand_owner send_project_details -> influencer_reviewing",
    "influencer accept_project -> brand_owner_pricing",
    "brand_owner send_price_offer -> influencer_price_response",
]
TO_PAID = [
    *TO_PRICE,
    "influencer accept_price -> payment_pending",
    "brand_owner proceed_to_payment -> payment_pending",
    "system payment_captured -> payment_completed",
]
TO_WORK = [*TO_PAID, "influencer start_work -> work_in_progress"]


def spec_in_use(db: Database, kind: str) -> Spec:
    """The published flow of a kind, as a spec."""
    spec: Spec = db.value(
        """
        select private.flow_spec(f.id) from private.flow_definitions as f
        where f.kind = %s and f.status = 'published'
        """,
        kind,
    )
    return spec


def rows(spec: Spec, name: str, **columns: Any) -> list[Row]:
    """The transitions of that name, and with these columns; there is at least one."""
    found = [
        row
        for row in spec["transitions"]
        if row["name"] == name and all(row[key] == value for key, value in columns.items())
    ]
    assert found, f"no row {name} with {columns}"
    return found


def drop(spec: Spec, name: str, **columns: Any) -> None:
    """Take these transitions out, and leave everything else."""
    for row in rows(spec, name, **columns):
        spec["transitions"].remove(row)


def state(spec: Spec, name: str) -> Row:
    """The state of that name."""
    found: list[Row] = [row for row in spec["states"] if row["state"] == name]
    assert len(found) == 1
    return found[0]


def prove(db: Database, spec: Spec) -> dict[str, Any]:
    """What validate_flow says, as an operator hears it."""
    with db.as_service():
        proof: dict[str, Any] = db.call("validate_flow", spec=spec)
    assert proof["valid"] == (proof["violations"] == [])
    return proof


def faults(db: Database, spec: Spec, of: str) -> dict[str, list[str]]:
    """The counter-example of each violation of one property, by its sentence."""
    return {
        violation["message"]: violation["counter_example"]
        for violation in prove(db, spec)["violations"]
        if violation["property"] == of
    }


def misshapen(db: Database, spec: Spec) -> list[str]:
    """What is wrong with the rows by themselves, in order: the proof before it searches."""
    draft = db.call_private("try_load", p_spec=spec)
    if draft["p_flow_id"] is None:
        return [violation["message"] for violation in draft["p_violations"]]
    refuted = "select message from private.{}(%(flow)s) where property = 'shape'"
    rows_alone = " union ".join(
        refuted.format(name) for name in ("refute_rows", "refute_inputs", "refute_messages")
    )
    flow = {"flow": draft["p_flow_id"]}
    found = db.query(f"{refuted.format('refute_rules')} order by 1", flow) or db.query(
        f"{rows_alone} order by 1", flow
    )
    db.query("delete from private.flow_definitions where id = %(flow)s", flow)
    return [row["message"] for row in found]


def field_of(spec: Spec, action: str, field: str) -> Row:
    """The input of that name of an action."""
    (found,) = (one for one in spec["inputs"] if (one["action"], one["field"]) == (action, field))
    row: Row = found
    return row
