"""What a row of the flow changes beside the state and who is awaited, written from the tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from tests.flow.rows import ADMIN, INFLUENCER, PARTIES, SYSTEM, Row
from tests.flow.state import DELIVERY, REVISION, Deal, Pause, Step


def _agree(deal: Deal, price: int | None) -> None:
    assert price is not None
    deal.agreed = price


def _offer(deal: Deal, step: Step) -> None:
    deal.round += 1
    deal.offer = step.paise("price")
    deal.counter = None


def _hold(deal: Deal, step: Step) -> None:
    deal.captured += step.given["amount_minor"]
    deal.payments |= {step.given["payment_id"]}
    deal.order_is_open = False
    deal.paid_at = step.at


def _bounce(deal: Deal, step: Step) -> None:
    deal.payments |= {step.given["payment_id"]}
    deal.bounced += step.given["amount_minor"]


def _release(deal: Deal, step: Step) -> None:
    deal.released += deal.held
    deal.is_approved = True


def _settle(deal: Deal, step: Step) -> None:
    assert deal.refund is not None
    rest = deal.held - deal.refund
    deal.refunded += deal.refund
    deal.released += rest


def pause(deal: Deal, row: Row, step: Step) -> None:
    """Remember where the deal goes on, and who asked for the rest."""
    by = step.role if step.role in PARTIES else None
    if deal.pause is None:
        assert deal.deadline is not None
        deal.pause = Pause(deal.state, deal.deadline, step.at, by)
    elif deal.pause.by != by:
        deal.pause = replace(deal.pause, by=None)


def resume(deal: Deal, step: Step) -> bool:
    """Give back the time of the pause, but not to the one who asked for it.

    True: whoever is awaited has the whole time of the state; False: the limit is the one it was.
    """
    paused, deal.pause = deal.pause, None
    assert paused is not None
    asker = None if step.role == ADMIN else paused.by
    if asker != INFLUENCER:
        stood_still = step.at - paused.since
        assert deal.paid_at is not None
        deal.paid_at += stood_still
        if deal.delivery_due is not None:
            deal.delivery_due += stood_still
    if asker == deal.awaiting:
        deal.deadline = paused.deadline
        return False
    if deal.state == "work_in_progress":
        assert deal.delivery_due is not None
        deal.delivery_due = max(deal.delivery_due, step.at + REVISION)
    return True


def forget_pause(deal: Deal) -> None:
    """Nothing is asked for and nothing is disputed any more."""
    deal.pause = None
    deal.dispute_origin = deal.dispute_by = None
    deal.cancellation_by = deal.cancellation_refund = None


def _open_dispute(deal: Deal, step: Step) -> None:
    origins = {SYSTEM: "bank", ADMIN: "admin"}
    deal.dispute_origin = origins.get(step.role, "party")
    deal.dispute_by = step.role if step.role in PARTIES else None
    # However it is called, a party's dispute uses up a party's dispute.
    if step.role in PARTIES:
        deal.used[step.role, "raise_dispute"] += 1


def _escalate(deal: Deal, step: Step) -> None:
    deal.dispute_origin = "clock"


def _submit(deal: Deal, step: Step) -> None:
    deal.has_submission = True


def _withdraw(deal: Deal, step: Step) -> None:
    deal.has_submission = deal.revisions > 0
    _use(deal, step)


def _use(deal: Deal, step: Step) -> None:
    deal.used[step.role, step.action] += 1


def _attempt(deal: Deal, step: Step) -> None:
    deal.last_attempt = step.at


def _order(deal: Deal, step: Step) -> None:
    deal.has_order = deal.order_is_open = True
    _attempt(deal, step)


def _mismatch(deal: Deal, step: Step) -> None:
    _attempt(deal, step)
    _bounce(deal, step)


def _ask(deal: Deal, step: Step) -> None:
    deal.questions += 1


def _counter(deal: Deal, step: Step) -> None:
    deal.counter = step.paise("price")


def _start(deal: Deal, step: Step) -> None:
    deal.delivery_due = step.at + DELIVERY


def _refund_all(deal: Deal, step: Step) -> None:
    deal.refund = deal.held


def _refund_agreed(deal: Deal, step: Step) -> None:
    agreed = deal.cancellation_refund
    deal.refund = deal.held if agreed is None else agreed


def _refund_part(deal: Deal, step: Step) -> None:
    deal.refund = step.paise("refund_amount")


def _revise(deal: Deal, step: Step) -> None:
    deal.revisions += 1
    assert deal.delivery_due is not None
    deal.delivery_due = max(deal.delivery_due, step.at + REVISION)


def _propose_cancellation(deal: Deal, step: Step) -> None:
    deal.cancellation_by = step.role
    deal.cancellation_refund = step.paise("refund_amount")
    _use(deal, step)


def _propose_extension(deal: Deal, step: Step) -> None:
    deal.extension = step.given["days"]
    _use(deal, step)


def _extend(deal: Deal, step: Step) -> None:
    assert deal.delivery_due is not None
    assert deal.extension is not None
    deal.delivery_due += timedelta(days=deal.extension)
    deal.extension = None


def _drop_extension(deal: Deal, step: Step) -> None:
    deal.extension = None


def _charge_back(deal: Deal, step: Step) -> None:
    deal.charged_back += deal.held


def _close(deal: Deal, step: Step) -> None:
    deal.closed_by = step.actor


def _rate(deal: Deal, step: Step) -> None:
    deal.rated |= {step.role}
    deal.first_rated = deal.first_rated or step.at


# What a row changes beside state and awaiting role; runs after both.
EFFECTS: dict[str, Callable[[Deal, Step], None]] = {
    "brand_owner_accepts_quote": lambda deal, step: _agree(deal, deal.quote),
    "influencer_asks_about_details": _ask,
    **dict.fromkeys(
        ("brand_owner_offers_price", "brand_owner_sends_counter", "brand_owner_sends_last_counter"),
        _offer,
    ),
    **dict.fromkeys(
        ("influencer_accepts_price", "influencer_accepts_final_price"),
        lambda deal, step: _agree(deal, deal.offer),
    ),
    "influencer_sends_counter": _counter,
    "brand_owner_accepts_counter": lambda deal, step: _agree(deal, deal.counter),
    "brand_owner_starts_payment": _order,
    "payment_arrives": _hold,
    "payment_fails": _attempt,
    "payment_differs": _mismatch,
    **dict.fromkeys(("payment_arrives_late", "payment_arrives_twice"), _bounce),
    "influencer_starts_work": _start,
    **dict.fromkeys(
        [
            "influencer_declines_work",
            "brand_owner_cancels_before_start",
            "start_window_passes",
            "brand_owner_cancels_overdue_work",
            "influencer_gives_up_work",
            "work_limit_passes",
            "operator_refunds_money",
            "dispute_limit_passes",
        ],
        _refund_all,
    ),
    "party_requests_cancellation": _propose_cancellation,
    "influencer_requests_extension": _propose_extension,
    "brand_owner_grants_extension": _extend,
    "brand_owner_declines_extension": _drop_extension,
    **dict.fromkeys(
        (
            "brand_owner_approves_work",
            "review_window_passes",
            "operator_releases_money",
            "dispute_limit_passes_after_submission",
        ),
        _release,
    ),
    **dict.fromkeys(("influencer_goes_back", "brand_owner_goes_back"), _use),
    "influencer_submits_work": _submit,
    "influencer_withdraws_submission": _withdraw,
    "revision_limit_passes": _escalate,
    "brand_owner_requests_revision": _revise,
    "party_accepts_cancellation": _refund_agreed,
    "operator_splits_money": _refund_part,
    **dict.fromkeys(
        (
            "party_opens_dispute",
            "brand_owner_disputes_overdue_revision",
            "bank_opens_dispute",
            "bank_joins_dispute",
            "operator_stops_deal",
        ),
        _open_dispute,
    ),
    "bank_takes_money_back": _charge_back,
    **dict.fromkeys(("refund_arrives", "operator_confirms_refund"), _settle),
    "party_closes_chat": _close,
    "party_rates_collaboration": _rate,
}
