"""Applications beside their deals, and what stands in the form for the price."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deals.doors import APPLY, CONNECT, INVITE, Try, id_of, make_subject
from tests.flow.deals import Cast
from tests.flow.rows import BRAND_OWNER, INFLUENCER
from tests.flow.stages import Stage

# Applications


def status_of(stage: Stage) -> list[str]:
    """The applications' states, the oldest first: a closed one before one that is alive."""
    rows = stage.query(
        "select status from public.requests"
        " order by status in ('pending', 'accepted'), created_at, status"
    )
    return [row["status"] for row in rows]


def test_an_application_keeps_quote_and_pitch_and_follows_its_deal(
    stage: Stage, cast: Cast
) -> None:
    knock = Try(stage, cast, APPLY)
    deal = id_of(knock.open(quote=4500.5, pitch="I know tea"))
    (request,) = stage.query("select * from public.requests")
    assert (request["quote_minor"], request["pitch"], request["status"]) == (
        450050, "I know tea", "pending",
    )  # fmt: skip
    assert (str(request["campaign_id"]), request["influencer_id"]) == (knock.subject, cast.asha)
    knock.act(deal, BRAND_OWNER, "accept_application")
    assert status_of(stage) == ["accepted"]
    knock.act(deal, INFLUENCER, "end_conversation")
    assert status_of(stage) == ["closed"]


def test_who_was_rejected_may_apply_again(stage: Stage, cast: Cast) -> None:
    knock = Try(stage, cast, APPLY)
    knock.act(id_of(knock.open(quote=9000)), BRAND_OWNER, "reject_application")
    assert status_of(stage) == ["rejected"]
    again = knock.open(quote=5000)
    assert again["created"] is True
    assert status_of(stage) == ["rejected", "pending"]
    knock.act(id_of(again), BRAND_OWNER, "accept_application_at_quote")
    assert status_of(stage) == ["rejected", "accepted"]


def test_who_was_accepted_and_has_finished_may_apply_again(stage: Stage, cast: Cast) -> None:
    knock = Try(stage, cast, APPLY)
    deal = id_of(knock.open(quote=5000))
    knock.act(deal, BRAND_OWNER, "accept_application_at_quote")
    knock.act(deal, BRAND_OWNER, "proceed_to_payment")
    fact = {"payment_id": "pay_1", "amount_minor": 500000, "currency": "INR"}
    stage.tell(deal, "payment_captured", fact)
    knock.act(deal, INFLUENCER, "start_work")
    knock.act(deal, INFLUENCER, "submit_work", deliverables="x")
    knock.act(deal, BRAND_OWNER, "approve_work")
    assert knock.open()["created"] is False
    assert status_of(stage) == ["accepted"]
    knock.act(deal, BRAND_OWNER, "close_conversation")
    assert status_of(stage) == ["closed"]
    assert knock.open()["created"] is True
    assert status_of(stage) == ["closed", "pending"]


def test_an_application_that_nobody_answers_ends_with_its_deal(stage: Stage, cast: Cast) -> None:
    deal = id_of(Try(stage, cast, APPLY).open())
    stage.query("update private.conversations set deadline_at = now() where id = %s", deal)
    with stage.as_service():
        stage.call("sweep_due")
    assert status_of(stage) == ["closed"]


# What stands in the form for the price


def prefilled(stage: Stage, cast: Cast, deal: str) -> Any:
    with stage.signed_in_as(cast.bharat):
        context = stage.call("get_conversation_context", conversation_id=deal)
    assert context["flow_state"] == "brand_owner_pricing"
    field = context["current_action_data"]["input_field"]
    assert field["id"] == "price"
    return field.get("value")


@pytest.mark.parametrize(
    ("budget", "quote", "value"),
    [
        (None, None, None),
        (8000, None, "8000"),
        (None, 4500, "4500"),
        (8000, 4500, "4500"),
        (8000.25, None, "8000.25"),
    ],
)
def test_the_quote_stands_in_the_price_form_or_else_the_budget(
    stage: Stage, cast: Cast, budget: Any, quote: Any, value: str | None
) -> None:
    campaign = make_subject(stage, cast, "campaign", budget=budget)["id"]
    knock = Try(stage, cast, APPLY, campaign)
    deal = id_of(knock.open(quote=quote))
    knock.act(deal, BRAND_OWNER, "accept_application")
    assert prefilled(stage, cast, deal) == value


def test_an_invitation_prefills_the_budget(stage: Stage, cast: Cast) -> None:
    campaign = make_subject(stage, cast, "campaign", budget=8000)["id"]
    knock = Try(stage, cast, INVITE, campaign)
    deal = id_of(knock.open())
    knock.act(deal, INFLUENCER, "accept_connection")
    assert prefilled(stage, cast, deal) == "8000"


@pytest.mark.parametrize(("proposed", "value"), [(None, None), (4999.5, "4999.5")])
def test_the_proposed_amount_stands_in_the_price_form(
    stage: Stage, cast: Cast, proposed: Any, value: str | None
) -> None:
    knock = Try(stage, cast, CONNECT)
    deal = id_of(knock.open(proposed_amount=proposed))
    knock.act(deal, INFLUENCER, "accept_connection")
    knock.act(deal, BRAND_OWNER, "send_project_details", details="Three posts")
    knock.act(deal, INFLUENCER, "accept_project")
    assert prefilled(stage, cast, deal) == value


@pytest.mark.parametrize(("quote", "is_there"), [(None, False), (4500, True)])
def test_accepting_at_the_quote_is_offered_only_with_one(
    stage: Stage, cast: Cast, quote: Any, is_there: bool
) -> None:
    knock = Try(stage, cast, APPLY)
    deal = id_of(knock.open(quote=quote))
    with stage.signed_in_as(cast.bharat):
        actions = stage.call("get_available_actions", conversation_id=deal)
    names = {action["action"] for action in actions}
    assert ("accept_application_at_quote" in names) is is_there
    if not is_there:
        with stage.refused("GUARD_FAILED", 409, details={"guard": "has_quote"}):
            knock.act(deal, BRAND_OWNER, "accept_application_at_quote")
