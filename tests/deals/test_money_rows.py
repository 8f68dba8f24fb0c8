"""What every way of the money leaves in the books."""

from __future__ import annotations

import pytest

from tests.deals.books import (
    AGREED,
    Entry,
    alerts,
    books,
    disputes,
    is_held_for_law,
    ledger,
    orders,
    paid,
    pay,
    payouts,
    refunds,
    rows,
    set_fee,
)
from tests.flow.checks import check_same
from tests.flow.deals import Cast, open_play
from tests.flow.rows import INFLUENCER
from tests.flow.stages import Stage

KINDS = pytest.mark.parametrize("kind", ["bid", "campaign"])


# The ways of the money


@KINDS
def test_an_order_is_asked_for_once_and_paid_once(stage: Stage, cast: Cast, kind: str) -> None:
    play = open_play(stage, cast, kind, "payment_pending")
    assert orders(play) == []
    play.do("B", "proceed_to_payment")
    ids = rows(play, "payment_orders", "id", "id")
    play.walk("B:proceed_to_payment S:payment_failed B:proceed_to_payment")
    assert rows(play, "payment_orders", "id", "id") == ids
    assert orders(play) == [(AGREED, "INR", "open")]
    assert (ledger(play), books(play)) == ([], {})
    payment = pay(play)
    assert orders(play) == [(AGREED, "INR", "paid")]
    assert ledger(play) == [("gateway", "held", AGREED, payment)]
    assert books(play) == {"captured": AGREED, "held": AGREED}
    assert (refunds(play), payouts(play), alerts(play)) == ([], [], [])


@KINDS
@pytest.mark.parametrize(
    ("fee", "taken"), [(0, 0), (1000, 50_000), (1, 50), (10_000, AGREED), (333, 16_650)]
)
def test_an_approval_releases_what_is_held_less_the_fee(
    stage: Stage, cast: Cast, kind: str, fee: int, taken: int
) -> None:
    play, payment = paid(stage, cast, kind, fee)
    play.walk("I:start_work I:submit_work B:approve_work")
    check_same(play)
    wanted: list[Entry] = [("gateway", "held", AGREED, payment)]
    wanted += [("held", "fee", taken, None)] if taken else []
    wanted += [("held", "released", AGREED - taken, None)] if taken < AGREED else []
    assert ledger(play) == wanted
    sums = {"captured": AGREED, "released": AGREED - taken, "fee": taken}
    assert books(play) == {name: amount for name, amount in sums.items() if amount}
    owed = [(cast.asha, AGREED - taken, "INR", "owed")] if taken < AGREED else []
    assert payouts(play) == owed
    assert refunds(play) == []


def test_a_fee_is_rounded_down_to_a_paisa(stage: Stage, cast: Cast) -> None:
    set_fee(stage, cast, "bid", 1000)
    play = open_play(stage, cast, "bid", "brand_owner_pricing")
    play.do("B", "send_price_offer", price=10.19)
    play.walk("I:accept_price B:proceed_to_payment")
    pay(play, 1019)
    play.walk("I:start_work I:submit_work B:approve_work")
    assert books(play) == {"captured": 1019, "released": 918, "fee": 101}
    assert payouts(play) == [(cast.asha, 918, "INR", "owed")]


def test_the_fee_is_that_of_the_flow_that_the_deal_began_with(stage: Stage, cast: Cast) -> None:
    play, _ = paid(stage, cast, "bid")
    set_fee(stage, cast, "bid", 1000)
    play.walk("I:start_work I:submit_work B:approve_work")
    assert books(play) == {"captured": AGREED, "released": AGREED}


@KINDS
def test_a_refund_is_asked_for_and_then_settled(stage: Stage, cast: Cast, kind: str) -> None:
    play, payment = paid(stage, cast, kind, fee=1000)
    play.do("I", "decline_work")
    assert refunds(play) == [("deal", AGREED, "requested", 0, None)]
    assert rows(play, "refunds", "payment_id reason", "id") == [(payment, "decline_work")]
    assert books(play) == {"captured": AGREED, "held": AGREED}
    play.walk("S:refund_failed S:refund_failed")
    assert refunds(play) == [("deal", AGREED, "requested", 2, None)]
    assert alerts(play) == []
    play.do("S", "refund_processed", reference="rfnd_1")
    check_same(play)
    assert refunds(play) == [("deal", AGREED, "processed", 2, "rfnd_1")]
    assert ledger(play)[1:] == [("held", "refunded", AGREED, None)]
    assert books(play) == {"captured": AGREED, "refunded": AGREED}
    # Of what goes back nobody takes a fee.
    assert payouts(play) == []


def test_a_refund_that_an_operator_sent_keeps_its_proof(stage: Stage, cast: Cast) -> None:
    play, _ = paid(stage, cast, "bid")
    play.walk("B:cancel_before_start")
    play.do("A", "mark_refunded_manually", reference="UTR 7")
    assert refunds(play) == [("deal", AGREED, "processed", 0, "UTR 7")]
    assert books(play) == {"captured": AGREED, "refunded": AGREED}


@KINDS
def test_a_split_sends_a_part_back_and_takes_the_fee_of_the_rest(
    stage: Stage, cast: Cast, kind: str
) -> None:
    play, payment = paid(stage, cast, kind, fee=1000)
    play.walk("I:start_work I:submit_work B:raise_dispute")
    assert disputes(play) == [("party", cast.bharat, None, None)]
    assert is_held_for_law(play)
    play.do("A", "resolve_split", refund_amount=2000.5)
    assert disputes(play) == [("party", cast.bharat, "resolve_split", cast.omkar)]
    assert not is_held_for_law(play)
    assert refunds(play) == [("deal", 200_050, "requested", 0, None)]
    assert books(play) == {"captured": AGREED, "held": AGREED}
    assert payouts(play) == []
    play.do("S", "refund_processed", reference="rfnd_1")
    check_same(play)
    assert ledger(play) == [
        ("gateway", "held", AGREED, payment),
        ("held", "refunded", 200_050, None),
        ("held", "fee", 29_995, None),
        ("held", "released", 269_955, None),
    ]
    assert books(play) == {
        "captured": AGREED, "refunded": 200_050, "fee": 29_995, "released": 269_955,
    }  # fmt: skip
    assert payouts(play) == [(cast.asha, 269_955, "INR", "owed")]


@pytest.mark.parametrize(("amount", "back"), [(1000, 100_000), (None, AGREED), (5000, AGREED)])
def test_a_cancellation_sends_back_what_was_agreed(
    stage: Stage, cast: Cast, amount: int | None, back: int
) -> None:
    play, _ = paid(stage, cast, "bid")
    play.do("I", "start_work")
    proposal = {"reason": "ill"} if amount is None else {"refund_amount": amount}
    play.do("I", "request_cancellation", **proposal)
    play.walk("B:accept_cancellation S:refund_processed")
    kept = {"released": AGREED - back} if back < AGREED else {}
    assert books(play) == {"captured": AGREED, "refunded": back, **kept}
    assert payouts(play) == ([(cast.asha, AGREED - back, "INR", "owed")] if kept else [])


@pytest.mark.parametrize("action", ["resolve_split", "request_cancellation"])
def test_no_more_goes_back_than_is_held(stage: Stage, cast: Cast, action: str) -> None:
    play, _ = paid(stage, cast, "bid")
    play.do("I", "start_work")
    if action == "resolve_split":
        play.do("I", "raise_dispute")
    role = "admin" if action == "resolve_split" else INFLUENCER
    with stage.refused("PRICE_OUT_OF_RANGE", 422, details={"min": 1, "max": 5000}):
        play.call(role, action, {"refund_amount": 5000.01})
    assert (refunds(play), books(play)) == ([], {"captured": AGREED, "held": AGREED})


def test_a_lost_bank_dispute_takes_what_is_held(stage: Stage, cast: Cast) -> None:
    play, payment = paid(stage, cast, "bid", fee=1000)
    play.walk("I:start_work S:bank_dispute_opened")
    assert disputes(play) == [("bank", None, None, None)]
    assert alerts(play) == []
    play.do("S", "bank_dispute_lost")
    check_same(play)
    assert ledger(play) == [
        ("gateway", "held", AGREED, payment), ("held", "charged_back", AGREED, None),
    ]  # fmt: skip
    assert books(play) == {"captured": AGREED, "charged_back": AGREED}
    assert disputes(play) == [("bank", None, "bank_dispute_lost", None)]
    assert (payouts(play), refunds(play), is_held_for_law(play)) == ([], [], False)


def test_a_dispute_that_the_bank_joins_is_one_dispute(stage: Stage, cast: Cast) -> None:
    play, _ = paid(stage, cast, "bid")
    play.walk("I:start_work I:raise_dispute S:bank_dispute_opened")
    assert disputes(play) == [("bank", cast.asha, None, None)]
    assert [kind for kind, *_ in alerts(play)] == ["raise_dispute"]
    play.do("A", "resolve_release")
    assert disputes(play) == [("bank", cast.asha, "resolve_release", cast.omkar)]
    assert books(play) == {"captured": AGREED, "released": AGREED}


def test_a_dispute_that_is_taken_back_has_its_row(stage: Stage, cast: Cast) -> None:
    play, _ = paid(stage, cast, "bid")
    play.walk("I:start_work B:raise_dispute B:withdraw_dispute I:raise_dispute")
    assert disputes(play)[0] == ("party", cast.bharat, "withdraw_dispute", cast.bharat)
    assert len(disputes(play)) == 2
    assert is_held_for_law(play)


def test_a_refund_of_an_undecided_dispute_comes_by_the_clock(stage: Stage, cast: Cast) -> None:
    play, _ = paid(stage, cast, "bid")
    play.walk("I:start_work I:raise_dispute")
    play.let_pass_until(play.model.deadline)
    with stage.as_service():
        stage.call("sweep_due")
    assert disputes(play) == [("party", cast.asha, "timer_dispute", None)]
    assert refunds(play) == [("deal", AGREED, "requested", 0, None)]
    assert not is_held_for_law(play)


# Payments that no deal waits for


def test_a_wrong_amount_goes_back_and_the_order_stays_open(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "payment_pending with an order")
    with stage.refused("GUARD_FAILED", 409, details={"guard": "capture_matches"}):
        play.call(
            "system", "payment_captured",
            {"payment_id": "pay_x", "amount_minor": AGREED - 1, "currency": "INR"},
        )  # fmt: skip
    assert ledger(play) == []
    wrong = pay(play, AGREED - 1, "payment_mismatch")
    check_same(play)
    assert ledger(play) == [("gateway", "bounced", AGREED - 1, wrong)]
    assert refunds(play) == [("bounce", AGREED - 1, "requested", 0, None)]
    assert orders(play) == [(AGREED, "INR", "open")]
    assert alerts(play) == []
    assert books(play) == {}
    right = pay(play)
    assert ledger(play)[1:] == [("gateway", "held", AGREED, right)]
    assert books(play) == {"captured": AGREED, "held": AGREED}


def test_money_of_another_currency_is_booked_as_what_it_is(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "payment_pending with an order")
    given = {"payment_id": "pay_usd", "amount_minor": AGREED, "currency": "USD"}
    with stage.refused("GUARD_FAILED", 409, details={"guard": "capture_matches"}):
        play.call("system", "payment_captured", given)
    play.do("S", "payment_mismatch", **given)
    assert rows(play, "escrow_ledger", "to_account currency", "id") == [("bounced", "USD")]
    assert rows(play, "refunds", "kind currency", "id") == [("bounce", "USD")]


@pytest.mark.parametrize(
    "steps", ["", "I:start_work", "I:start_work I:raise_dispute", "I:decline_work",
              "I:start_work I:submit_work B:approve_work"],
)  # fmt: skip
def test_a_second_payment_goes_back_and_moves_nothing_else(
    stage: Stage, cast: Cast, steps: str
) -> None:
    play, first = paid(stage, cast, "bid")
    play.walk(steps)
    before, owed, asked = books(play), payouts(play), refunds(play)
    state = play.stored()["flow_state"]
    second = pay(play)
    check_same(play)
    assert ledger(play)[-1] == ("gateway", "bounced", AGREED, second)
    assert (books(play), payouts(play), orders(play)) == (before, owed, [(AGREED, "INR", "paid")])
    assert refunds(play) == [("bounce", AGREED, "requested", 0, None), *asked]
    assert play.stored()["flow_state"] == state
    # Told once more, neither of the two is a third.
    for payment in (first, second):
        with stage.refused("GUARD_FAILED", 409, details={"guard": "is_new_payment"}):
            play.call(
                "system", "payment_captured",
                {"payment_id": payment, "amount_minor": AGREED, "currency": "INR"},
            )  # fmt: skip


def test_a_payment_after_the_end_goes_back(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "chat_closed unpaid with an order")
    assert orders(play) == [(AGREED, "INR", "cancelled")]
    late = pay(play)
    check_same(play)
    assert ledger(play) == [("gateway", "bounced", AGREED, late)]
    assert refunds(play) == [("bounce", AGREED, "requested", 0, None)]
    assert orders(play) == [(AGREED, "INR", "cancelled")]
    assert alerts(play) == []
    assert books(play) == {}


def test_a_bounced_payment_is_not_settled_with_the_refund_of_the_deal(
    stage: Stage, cast: Cast
) -> None:
    play, _ = paid(stage, cast, "bid")
    play.do("I", "decline_work")
    pay(play)
    play.do("S", "refund_processed", reference="rfnd_1")
    assert refunds(play) == [
        ("bounce", AGREED, "requested", 0, None), ("deal", AGREED, "processed", 0, "rfnd_1"),
    ]  # fmt: skip


def test_every_entry_names_its_step(stage: Stage, cast: Cast) -> None:
    play, _ = paid(stage, cast, "bid", fee=1000)
    play.walk("I:start_work I:submit_work B:approve_work")
    steps = {
        row["version"]: row["action"]
        for row in stage.query(
            "select version, action from public.conversation_events where conversation_id = %s",
            play.id,
        )
    }
    entries = rows(play, "escrow_ledger", "to_account version", "id")
    assert [(account, steps[version]) for account, version in entries] == [
        ("held", "payment_captured"), ("fee", "approve_work"), ("released", "approve_work"),
    ]  # fmt: skip


def test_a_trial_moves_no_money(stage: Stage, cast: Cast) -> None:
    play, _ = paid(stage, cast, "bid")
    play.walk("I:start_work I:submit_work")
    before = (ledger(play), refunds(play), payouts(play), disputes(play), alerts(play))
    for action in ("approve_work", "raise_dispute"):
        with stage.signed_in_as(cast.bharat):
            trial = stage.call("simulate_action", conversation_id=play.id, action=action)
        assert trial["allowed"] is True
    assert (ledger(play), refunds(play), payouts(play), disputes(play), alerts(play)) == before
    assert not is_held_for_law(play)
