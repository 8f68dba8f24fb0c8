"""The flows that we ship are sound, and their walks are the ones of the seeds and more."""

from __future__ import annotations

import pytest

from tests.flow_proof.flows import KINDS, prove, spec_in_use
from tests.support.databases import Database


@pytest.mark.parametrize("kind", KINDS)
def test_the_flow_in_use_breaks_nothing(db: Database, kind: str) -> None:
    spec = spec_in_use(db, kind)
    proof = prove(db, spec)
    assert proof["violations"] == []
    assert proof["states"] == len(spec["states"])
    assert proof["extended_states"] >= proof["states"]
    assert proof["edges"] >= len(spec["transitions"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_stored_is_proved_and_not_what_a_spec_said(db: Database, kind: str) -> None:
    query = """
        select private.prove_flow(f.id) -> 'violations' from private.flow_definitions as f
        where f.kind = %s and f.status = 'published'
    """
    assert db.value(query, kind) == []
    db.query(
        """
        delete from private.flow_transitions as t using private.flow_definitions as f
        where f.id = t.flow_id and f.kind = %s and t.to_state = 'chat_closed'
        """,
        kind,
    )
    assert "P1" in {violation["property"] for violation in db.value(query, kind)}


@pytest.mark.parametrize("kind", ["bid", "campaign"])
def test_the_deal_of_the_seed_is_one_of_the_walks(db: Database, kind: str) -> None:
    beginning = {
        "bid": """
            brand_owner connect_bid influencer_responding
            influencer accept_connection brand_owner_details
            brand_owner send_project_details influencer_reviewing
            influencer accept_project brand_owner_pricing""",
        "campaign": """
            influencer apply_to_campaign brand_owner_reviewing
            brand_owner accept_application brand_owner_pricing""",
    }[kind]
    deal = """
        brand_owner send_price_offer influencer_price_response
        influencer accept_price payment_pending
        brand_owner proceed_to_payment payment_pending
        system payment_captured payment_completed
        influencer start_work work_in_progress
        influencer submit_work work_submitted
        brand_owner request_revision work_in_progress
        influencer submit_work work_submitted
        brand_owner approve_work work_approved
        system enable_real_time real_time"""
    walks = [trace["steps"].split("\n") for trace in spec_in_use(db, kind)["traces"]]
    assert [line.strip() for line in (beginning + deal).strip().split("\n")] in walks


@pytest.mark.parametrize("kind", KINDS)
def test_other_numbers_make_no_flow_unsound_but_the_walk_that_counts_rounds(
    db: Database, kind: str
) -> None:
    spec = spec_in_use(db, kind)
    spec["rules"] |= dict.fromkeys(spec["rules"], 5)
    assert [violation["message"] for violation in prove(db, spec)["violations"]] == (
        []
        if kind == "direct"
        else [
            'The walk "All rounds are used" stops at its line '
            + {"bid": "13", "campaign": "11"}[kind]
            + ": the brand_owner cannot submit_counter to influencer_final_response."
        ]
    )
