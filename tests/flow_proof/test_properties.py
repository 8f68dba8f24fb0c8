"""Each property refuses the flow that breaks it, and shows the shortest way to the fault."""

from __future__ import annotations

from tests.flow_proof.flows import (
    TO_PAID,
    TO_PRICE,
    TO_WORK,
    drop,
    faults,
    prove,
    rows,
    spec_in_use,
    state,
)
from tests.support.databases import Database


def test_p1_finds_a_row_that_can_never_be_taken(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "brand_owner_cancels_overdue_work")[0]["guards"] = ["has_quote"]
    assert faults(db, spec, "P1") == {
        "brand_owner_cancels_overdue_work can never be taken: "
        "cancel_overdue by the brand_owner in work_in_progress.": TO_WORK
    }


def test_p1_finds_a_state_that_nothing_leads_to(db: Database) -> None:
    spec = spec_in_use(db, "direct")
    spec["states"].append({"state": "limbo", "position": 9, "title": "Limbo"})
    assert faults(db, spec, "P1") == {"Nothing ever leads to limbo.": []}


def test_p2_finds_a_dead_end(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    drop(spec, "refund_arrives")
    drop(spec, "operator_confirms_refund")
    found = faults(db, spec, "P2")
    assert list(found) == ["A conversation in refund_pending can never be closed."]
    (way,) = found.values()
    assert way[:-1] == TO_PAID
    assert way[-1].endswith("-> refund_pending")


def test_p3_finds_where_all_hope_is_gone(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    for name in (
        "influencer_starts_counter",
        "influencer_declines_price",
        "influencer_accepts_price",
    ):
        drop(spec, name)
    found = faults(db, spec, "P3")
    assert (
        found[
            "In influencer_price_response with money none nothing can lead to a good end any more."
        ]
        == TO_PRICE
    )


def test_p3_asks_that_the_money_is_settled_by_then(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    for row in spec["transitions"]:
        row["effects"] = [effect for effect in row["effects"] if effect != "release_funds"]
    assert "In work_submitted with money held nothing can lead to a good end any more." in faults(
        db, spec, "P3"
    )


def test_p4_finds_who_is_awaited_and_cannot_go_on(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "influencer_declines_price")[0]["awaiting"] = "influencer"
    way = [*TO_PRICE, "influencer reject_price -> brand_owner_negotiation"]
    assert faults(db, spec, "P4") == {
        "The influencer is awaited in brand_owner_negotiation and cannot go on.": way,
        "The brand_owner is not awaited in brand_owner_negotiation and goes on by hold_price.": way,
    }


def test_p4_finds_who_goes_on_out_of_turn(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    spec["transitions"].append(rows(spec, "influencer_submits_work")[0] | {"role": "brand_owner"})
    assert faults(db, spec, "P4") == {
        "The brand_owner is not awaited in work_in_progress and goes on by submit_work.": TO_WORK
    }


def test_p4_trusts_no_guard_that_may_not_hold(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "influencer_starts_work")[0]["guards"] = ["is_unblocked"]
    assert faults(db, spec, "P4") == {
        "The influencer is awaited in payment_completed and cannot go on.": TO_PAID
    }


def test_p4_counts_neither_leaving_nor_taking_back_as_going_on(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    for name in ("cancellation_declined_work_resumes", "cancellation_declined_review_resumes"):
        drop(spec, name)
    assert set(faults(db, spec, "P4")) == {
        "The brand_owner is awaited in cancellation_requested and cannot go on.",
        "The influencer is awaited in cancellation_requested and cannot go on.",
    }


def test_p5_finds_who_cannot_leave(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    drop(spec, "brand_owner_cancels_before_start")
    assert faults(db, spec, "P5") == {"The brand_owner cannot leave in payment_completed.": TO_PAID}


def test_p5_holds_in_the_free_chat_too(db: Database) -> None:
    spec = spec_in_use(db, "direct")
    drop(spec, "party_closes_chat")
    assert faults(db, spec, "P5") == {
        "The member cannot leave in real_time.": ["member direct_connect -> real_time"]
    }


def test_p5_finds_a_block_that_needs_more_than_the_block(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    state(spec, "negotiation_input")["on_block"] = "back"
    state(spec, "real_time")["on_block"] = "rate_collaboration"
    found = faults(db, spec, "P5")
    assert set(found) == {
        "A block by the influencer in negotiation_input cannot do back.",
        "A block by the brand_owner in negotiation_input cannot do back.",
        "A block by the influencer in real_time cannot do rate_collaboration.",
        "A block by the brand_owner in real_time cannot do rate_collaboration.",
    }
    # Each may go back when it is their turn, so the counter-example is the other's.
    assert found["A block by the brand_owner in negotiation_input cannot do back."] == [
        *TO_PRICE,
        "influencer negotiate_price -> negotiation_input",
    ]


def test_p6_finds_a_turn_without_a_time_limit(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    state(spec, "brand_owner_details").update(clock=None, lasts=None, deadline_action=None)
    assert faults(db, spec, "P6") == {"brand_owner_details has no time limit.": TO_PRICE[:2]}


def test_p6_finds_a_time_limit_that_leads_nowhere(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "work_limit_passes")[0].update(
        to_state="work_in_progress", awaiting="influencer", effects=[]
    )
    assert faults(db, spec, "P6") == {
        "The time limit of work_in_progress leads nowhere.": TO_WORK,
        "A conversation in work_in_progress may come back there by itself, for ever.": [
            "system timer_work_limit -> work_in_progress"
        ],
    }


def test_p6_finds_a_limit_of_a_state_where_nobody_is_awaited(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    state(spec, "refund_pending").update(
        clock="since_entry", lasts="30 days", deadline_action="refund_failed"
    )
    (message,) = set(faults(db, spec, "P6")) - {
        "A conversation in refund_pending may come back there by itself, for ever."
    }
    assert message == "The time limit of refund_pending leads nowhere."


def test_p6_finds_a_limit_that_counts_from_nothing(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    state(spec, "brand_owner_pricing")["clock"] = "since_payment"
    assert faults(db, spec, "P6") == {
        "The time limit of brand_owner_pricing counts from a payment that is not there.": TO_PRICE[
            :4
        ]
    }


def test_p6_finds_time_limits_that_lead_to_each_other(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    parties = {"influencer_reviewing": "influencer", "brand_owner_pricing": "brand_owner"}
    for one, other in [tuple(parties), tuple(reversed(parties))]:
        (timer,) = rows(spec, "nobody_answers_in_time", from_state=one)
        timer.update(
            name=f"nobody_answers_in_{other}",
            to_state=other,
            awaiting=parties[other],
            effects=[],
            reason=None,
        )
        spec["messages"].append(
            {
                "transition": timer["name"],
                "position": 1,
                "message_type": "automated",
                "audience": parties[other],
                "text": "Your turn",
                "title": "Your turn",
            }
        )
    assert prove(db, spec)["violations"] == [
        {
            "property": "P6",
            "message": "A conversation in influencer_reviewing may come back there by itself, for "
            "ever.",
            "counter_example": [
                "system timer_idle -> brand_owner_pricing",
                "system timer_idle -> influencer_reviewing",
            ],
        }
    ]


def test_p6_finds_an_action_that_follows_on_itself(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "influencer_requests_extension")[0]["follow_up"] = "request_extension"
    assert faults(db, spec, "P6") == {
        "A conversation in work_in_progress may come back there by itself, for ever.": [
            "influencer request_extension -> work_in_progress"
        ]
    }


def test_p6_finds_the_round_and_not_the_way_to_it(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "review_window_passes")[0].update(
        to_state="work_in_progress", awaiting="influencer", effects=[], follow_up=None
    )
    rows(spec, "work_limit_passes")[0].update(
        to_state="cancellation_requested",
        awaiting="influencer",
        effects=["propose_cancellation", "drop_extension"],
    )
    assert faults(db, spec, "P6") == {
        "A conversation in work_in_progress may come back there by itself, for ever.": [
            "system timer_work_limit -> cancellation_requested",
            "system timer_cancellation -> work_in_progress",
        ]
    }


def test_p7_finds_work_that_nobody_has_paid(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "payment_arrives")[0]["effects"] = []
    found = faults(db, spec, "P7")
    message = (
        "influencer_declines_work needs the money held and finds it none: "
        "decline_work in payment_completed."
    )
    assert found[message] == [*TO_PAID, "influencer decline_work -> refund_pending"]


def test_p7_finds_a_conversation_that_is_closed_on_money(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "bank_takes_money_back")[0]["effects"].remove("charge_back")
    found = faults(db, spec, "P7")
    assert found == {
        "chat_closed is entered with money held.": [
            *TO_PAID,
            "system bank_dispute_opened -> disputed",
            "system bank_dispute_lost -> chat_closed",
        ]
    }


def test_p7_finds_money_that_is_held_twice(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "payment_arrives_twice", from_state="payment_completed")[0]["effects"] = [
        "hold_funds"
    ]
    found = faults(db, spec, "P7")
    assert found == {
        "payment_arrives_twice needs the money none and finds it held: "
        "payment_captured in payment_completed.": [
            *TO_PAID,
            "system payment_captured -> payment_completed",
        ]
    }


def test_p7_finds_a_refund_that_nobody_asked_for(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "influencer_declines_work")[0]["effects"].remove("request_refund")
    way = [*TO_PAID, "influencer decline_work -> refund_pending"]
    found = faults(db, spec, "P7")
    assert found["refund_pending is entered with money held."] == way


def test_p7_finds_a_price_that_nobody_named(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "brand_owner_accepts_counter")[0]["guards"] = ["counter_matches"]
    assert faults(db, spec, "P7") == {
        "brand_owner_accepts_counter has the effect agree_on_counter without a counter offer: "
        "accept_counter in "
        "brand_owner_negotiation.": [
            *TO_PRICE,
            "influencer reject_price -> brand_owner_negotiation",
            "brand_owner accept_counter -> payment_pending",
        ]
    }


def test_p7_finds_a_refund_that_one_side_grants_itself(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "party_accepts_cancellation", role="brand_owner")[0]["guards"] = []
    assert faults(db, spec, "P7") == {
        "party_accepts_cancellation has the effect request_agreed_refund without a request of "
        "the other party: "
        "accept_cancellation in cancellation_requested.": [
            *TO_WORK,
            "brand_owner request_cancellation -> cancellation_requested",
            "brand_owner accept_cancellation -> refund_pending",
        ]
    }


def test_p7_finds_a_payment_that_would_be_lost(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "payment_arrives_twice", from_state="work_in_progress")[0]["effects"] = []
    assert faults(db, spec, "P7") == {
        "payment_arrives_twice neither holds the payment nor sends it back.": [
            *TO_WORK,
            "system payment_captured -> work_in_progress",
        ]
    }


def test_p7_finds_rounds_and_revisions_without_end(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "brand_owner_sends_counter")[0]["guards"] = ["is_awaited"]
    rows(spec, "brand_owner_starts_counter")[0]["guards"] = []
    rows(spec, "brand_owner_requests_revision")[0]["guards"] = []
    found = faults(db, spec, "P7")
    assert {message.partition(":")[0] for message in found} == {
        "brand_owner_sends_counter has the effect make_offer without a round left",
        "brand_owner_sends_last_counter has the effect make_offer without a round left",
        "brand_owner_requests_revision has the effect request_revision without a revision left",
    }


def test_p8_finds_a_payment_that_nobody_would_hear_of(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    drop(spec, "payment_arrives_twice", from_state="work_in_progress")
    assert faults(db, spec, "P8") == {
        "payment_captured is not handled in work_in_progress.": TO_WORK
    }


def test_p8_finds_a_payment_that_comes_after_the_end(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    drop(spec, "payment_arrives_late")
    found = faults(db, spec, "P8")
    assert list(found) == ["payment_captured is not handled in chat_closed."]
    (way,) = found.values()
    assert way[:-1] == TO_PAID[:-1]


def test_p8_wants_the_bank_heard_wherever_there_was_money(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    for row in [row for row in spec["transitions"] if row["action"] == "bank_dispute_opened"]:
        spec["transitions"].remove(row)
    assert set(faults(db, spec, "P8")) == {
        f"bank_dispute_opened is not handled in {name}."
        for name in (
            "payment_completed",
            "work_in_progress",
            "work_submitted",
            "cancellation_requested",
            "disputed",
            "refund_pending",
            "real_time",
            "chat_closed",
        )
    }


def test_p9_finds_where_no_operator_can_act(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    drop(spec, "operator_closes_deal", from_state="influencer_reviewing")
    assert faults(db, spec, "P9") == {"No operator can act in influencer_reviewing.": TO_PRICE[:3]}


def test_p10_finds_an_action_with_two_meanings(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "brand_owner_sends_last_counter")[0]["guards"] = ["is_awaited"]
    assert faults(db, spec, "P10") == {
        "The brand_owner's submit_counter in negotiation_input may be brand_owner_sends_counter to "
        "influencer_price_response or brand_owner_sends_last_counter to "
        "influencer_final_response.": [
            *TO_PRICE,
            "influencer reject_price -> brand_owner_negotiation",
            "brand_owner make_counter_offer -> negotiation_input",
        ]
    }


def test_p11_finds_a_turn_that_is_nobodys(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "influencer_starts_work")[0]["awaiting"] = None
    assert faults(db, spec, "P11") == {"Nobody is awaited in work_in_progress.": TO_WORK}


def test_p11_finds_somebody_awaited_where_an_operator_decides(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "operator_stops_deal", from_state="payment_completed")[0]["awaiting"] = "brand_owner"
    assert faults(db, spec, "P11") == {
        "The brand_owner is awaited in disputed, where it is nobody's turn.": [
            *TO_PAID,
            "admin force_dispute -> disputed",
        ]
    }


def test_p11_finds_what_should_be_over(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "operator_resumes_work")[0]["effects"].remove("close_dispute")
    rows(spec, "cancellation_declined_work_resumes", role="brand_owner")[0]["effects"].remove(
        "drop_cancellation"
    )
    rows(spec, "cancellation_unanswered_work_resumes")[0]["effects"].remove("resume")
    rows(spec, "influencer_submits_work")[0]["effects"].remove("drop_extension")
    found = faults(db, spec, "P11")
    assert list(found) == [
        "A dispute is still open where no operator decides.",
        "A pause is still remembered when it is over.",
        "A request for more time is still open where it cannot be answered.",
        "A request to cancel is still open where it cannot be withdrawn.",
    ]
    (dispute, _, more_time, _) = found.values()
    assert dispute[:-2] == TO_WORK
    assert dispute[-1] == "admin resolve_resume -> work_in_progress"
    assert more_time == [
        *TO_WORK,
        "influencer request_extension -> work_in_progress",
        "influencer submit_work -> work_submitted",
    ]


def test_p11_finds_an_operator_without_a_dispute(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "bank_opens_dispute", from_state="payment_completed")[0]["effects"] = []
    assert faults(db, spec, "P11") == {
        "No dispute is open where an operator decides.": [
            *TO_PAID,
            "system bank_dispute_opened -> disputed",
        ]
    }


def test_p12_finds_the_line_of_a_walk_that_cannot_be_walked(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    spec["traces"] = [
        {
            "name": "Too soon",
            "steps": """
        brand_owner connect_bid influencer_responding
        influencer  start_work  work_in_progress
    """,
        }
    ]
    assert faults(db, spec, "P12") == {
        'The walk "Too soon" stops at its line 2: the influencer cannot start_work to '
        "work_in_progress.": [TO_PRICE[0], "influencer start_work -> work_in_progress"]
    }


def test_p12_knows_rounds_counters_and_who_asked(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    to_price = "\n".join(step.replace(" ->", "") for step in TO_PRICE)
    to_work = "\n".join(step.replace(" ->", "") for step in TO_WORK)
    spec["traces"] = [
        {
            "name": "No counter is there",
            "steps": f"""{to_price}
                influencer reject_price brand_owner_negotiation
                brand_owner accept_counter payment_pending""",
        },
        {
            "name": "One's own request",
            "steps": f"""{to_work}
                influencer request_cancellation cancellation_requested
                influencer accept_cancellation refund_pending""",
        },
        {
            "name": "The other's dispute",
            "steps": f"""{to_work}
                influencer raise_dispute disputed
                brand_owner withdraw_dispute work_in_progress""",
        },
        {
            "name": "Back to somewhere else",
            "steps": f"""{to_work}
                influencer raise_dispute disputed
                admin resolve_resume work_submitted""",
        },
    ]
    assert [message.partition(" stops")[0] for message in faults(db, spec, "P12")] == [
        'The walk "Back to somewhere else"',
        'The walk "No counter is there"',
        'The walk "One\'s own request"',
        'The walk "The other\'s dispute"',
    ]


def test_p13_finds_a_round_that_nothing_ends(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "influencer_goes_back")[0]["guards"].remove("has_return_left")
    assert faults(db, spec, "P13") == {
        "Nothing counts down on a way from influencer_price_response back to it.": [
            *TO_PRICE,
            "influencer negotiate_price -> negotiation_input",
            "influencer back -> influencer_price_response",
        ]
    }


def test_p13_asks_that_a_limit_is_counted(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "influencer_goes_back")[0]["effects"].remove("count_return")
    assert list(faults(db, spec, "P13")) == [
        "Nothing counts down on a way from influencer_price_response back to it."
    ]


def test_p13_finds_requests_that_keep_a_deal_from_its_end(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    for row in rows(spec, "party_requests_cancellation", from_state="work_submitted"):
        row["guards"] = []
    found = faults(db, spec, "P13")
    assert list(found) == ["Nothing counts down on a way from work_submitted back to it."]
    (way,) = found.values()
    assert way[:-2] == [*TO_WORK, "influencer submit_work -> work_submitted"]
    assert way[-2].endswith(" request_cancellation -> cancellation_requested")
    assert way[-1].endswith(" -> work_submitted")


def test_p13_lets_operators_and_the_provider_go_round(db: Database) -> None:
    """An operator stops a deal and lets it go on as often as it takes."""
    spec = spec_in_use(db, "bid")
    assert rows(spec, "operator_stops_deal", guards=[])
    assert rows(spec, "operator_resumes_work", guards=["was_there"])
    assert prove(db, spec)["violations"] == []


def test_p14_finds_a_limit_that_began_before_the_turn(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    state(spec, "work_submitted")["clock"] = "since_payment"
    found = faults(db, spec, "P14")
    message = (
        "The brand_owner has only the time that was left in work_submitted after submit_work by "
        "the influencer in work_in_progress."
    )
    assert found == {message: [*TO_WORK, "influencer submit_work -> work_submitted"]}


def test_p14_finds_a_revision_without_time_for_it(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    rows(spec, "brand_owner_requests_revision")[0]["effects"] = []
    assert faults(db, spec, "P14") == {
        "The influencer has only the time that was left in work_in_progress after "
        "request_revision by the brand_owner in work_submitted.": [
            *TO_WORK,
            "influencer submit_work -> work_submitted",
            "brand_owner request_revision -> work_in_progress",
        ]
    }


def test_p14_finds_a_turn_that_is_passed_on_within_a_state(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    (row,) = rows(spec, "influencer_sends_counter")
    row |= {"to_state": "negotiation_input", "awaiting": "brand_owner"}
    assert (
        "The brand_owner has only the time that was left in negotiation_input after "
        "submit_counter by the influencer in negotiation_input."
    ) in faults(db, spec, "P14")


def test_p15_finds_a_clock_that_refunds_submitted_work(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    (row,) = rows(spec, "revision_limit_passes")
    row |= {"to_state": "refund_pending", "effects": ["request_refund", "drop_extension"]}
    assert faults(db, spec, "P15") == {
        "revision_limit_passes gives the money back though work was submitted: timer_work_limit "
        "by the system in work_in_progress.": [
            *TO_WORK,
            "influencer submit_work -> work_submitted",
            "brand_owner request_revision -> work_in_progress",
            "system timer_work_limit -> refund_pending",
        ]
    }


def test_p15_finds_a_brand_owner_who_takes_the_money_back(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    drop(spec, "brand_owner_disputes_overdue_revision")
    rows(spec, "brand_owner_cancels_overdue_work")[0]["guards"] = ["is_overdue"]
    assert list(faults(db, spec, "P15")) == [
        "brand_owner_cancels_overdue_work gives the money back though work was submitted: "
        "cancel_overdue by the brand_owner in work_in_progress."
    ]


def test_p15_finds_silence_that_counts_as_agreement(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    (row,) = rows(spec, "cancellation_unanswered_review_resumes")
    row |= {
        "to_state": "refund_pending",
        "awaiting": None,
        "guards": ["has_submission"],
        "effects": ["request_agreed_refund", "drop_cancellation"],
    }
    (row,) = rows(spec, "cancellation_unanswered_work_resumes")
    row["guards"].append("has_no_submission")
    found = faults(db, spec, "P15")
    assert list(found) == [
        "cancellation_unanswered_review_resumes gives the money back though work was submitted: "
        "timer_cancellation by the system in cancellation_requested."
    ]
    (way,) = found.values()
    assert way[-2:] == [
        "influencer request_cancellation -> cancellation_requested",
        "system timer_cancellation -> refund_pending",
    ]


def test_p15_lets_both_sides_and_operators_give_it_back(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    assert rows(spec, "party_accepts_cancellation")
    assert rows(spec, "operator_refunds_money")
    assert rows(spec, "influencer_gives_up_work")
    assert prove(db, spec)["violations"] == []
