"""What a row of the flow changes beside the state and who is awaited, written from the tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from tests.flow.rows import ADMIN, PARTIES, SYSTEM, Row
from tests.flow.state import DELIVERY, REVIEW_RESUMES_WITH, Deal, Pause, Step


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


def _settle(deal: Deal, step: Step) -> None:
    assert deal.refund is not None
    rest = deal.held - deal.refund
    deal.refunded += deal.refund
    deal.released += rest


def pause(deal: Deal, row: Row, step: Step) -> None:
    """Remember where the deal goes on; a dispute also stops its clocks."""
    if deal.pause is None:
        assert deal.deadline is not None
        deal.pause = Pause(deal.state, deal.deadline)
    if row.to == "disputed":
        deal.pause = replace(deal.pause, frozen=step.at)


def _resume(deal: Deal, step: Step) -> None:
    paused, deal.pause = deal.pause, None
    assert paused is not None
    stood_still = step.at - (paused.frozen or step.at)
    deal.deadline = paused.deadline + stood_still
    # Nobody makes time for themselves by taking back a request of their own.
    own_doing = step.role == deal.awaiting and step.role in (deal.cancellation_by, deal.dispute_by)
    if deal.state == "work_submitted" and not own_doing:
        deal.deadline = max(deal.deadline, step.at + REVIEW_RESUMES_WITH)
    if deal.delivery_due is not None:
        deal.delivery_due += stood_still
    assert deal.paid_at is not None
    deal.paid_at += stood_still


def end_pause(deal: Deal, step: Step) -> None:
    """Go on where the deal was, or forget where that was."""
    if deal.state in ("payment_completed", "work_in_progress", "work_submitted"):
        _resume(deal, step)
    deal.pause = None
    deal.dispute_origin = deal.dispute_by = None
    deal.cancellation_by = deal.cancellation_refund = None


def _open_dispute(deal: Deal, step: Step) -> None:
    origins = {SYSTEM: "bank", ADMIN: "admin"}
    deal.dispute_origin = origins.get(step.role, "party")
    deal.dispute_by = step.role if step.role in PARTIES else None


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


def _propose_cancellation(deal: Deal, step: Step) -> None:
    deal.cancellation_by = step.role
    deal.cancellation_refund = step.paise("refund_amount")


def _propose_extension(deal: Deal, step: Step) -> None:
    deal.extension = step.given["days"]


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


# What a row changes beside state and awaiting role; runs after both.
EFFECTS: dict[str, Callable[[Deal, Step], None]] = {
    "T21": lambda deal, step: _agree(deal, deal.quote),
    "T41": _ask,
    **dict.fromkeys(("T50", "T67", "T68"), _offer),
    **dict.fromkeys(("T60", "T80"), lambda deal, step: _agree(deal, deal.offer)),
    "T65": _counter,
    "T70": lambda deal, step: _agree(deal, deal.counter),
    "T90": _order,
    "T91": _hold,
    "T92": _attempt,
    "T93": _mismatch,
    **dict.fromkeys(("T96", "T97"), _bounce),
    "T100": _start,
    **dict.fromkeys(["T101", "T102", "T103", "T113", "T114", "T115", "T141", "T145"], _refund_all),
    **dict.fromkeys(("T111", "T124"), _propose_cancellation),
    "T116": _propose_extension,
    "T117": _extend,
    "T117b": _drop_extension,
    **dict.fromkeys(("T120", "T125", "T140"), _release),
    "T122": _revise,
    "T130": _refund_agreed,
    "T142": _refund_part,
    **dict.fromkeys(("T112", "T137", "T146", "T146b", "T181"), _open_dispute),
    "T147": _charge_back,
    **dict.fromkeys(("T150", "T152"), _settle),
    **dict.fromkeys(("T161", "T161d"), _close),
    "T162": _rate,
}
