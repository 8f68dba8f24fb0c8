"""When a row of the flow may be taken, and what a refusal says when it may not.

Written from the specification; named as refusals name them.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.flow.state import (
    ALLOWANCES,
    GRACE,
    MAX_QUESTIONS,
    MAX_REVISIONS,
    MAX_ROUNDS,
    RATING,
    Deal,
    Step,
)

Guard = Callable[[Deal, Step], bool]


def _asks_the_standing(price: Callable[[Deal], int | None]) -> Guard:
    return lambda deal, step: step.paise("price") in (None, price(deal))


def _has_left(action: str) -> Guard:
    return lambda deal, step: deal.used[step.role, action] < ALLOWANCES[action]


def _may_rate(deal: Deal, step: Step) -> bool:
    is_shown = deal.first_rated is not None and step.at >= deal.first_rated + RATING
    is_over = not deal.is_open and step.at >= deal.entered + RATING
    return deal.is_approved and not is_shown and not is_over


GUARDS: dict[str, Guard] = {
    "is_awaited": lambda deal, step: deal.awaiting == step.role,
    "is_requester": lambda deal, step: deal.cancellation_by == step.role,
    "is_opener": lambda deal, step: deal.dispute_by == step.role,
    "is_closer": lambda deal, step: deal.closed_by == step.actor,
    "is_unblocked": lambda deal, step: not deal.is_blocked,
    "has_quote": lambda deal, step: deal.quote is not None,
    "has_counter": lambda deal, step: deal.counter is not None,
    "offer_matches": _asks_the_standing(lambda deal: deal.offer),
    "counter_matches": _asks_the_standing(lambda deal: deal.counter),
    "quote_matches": _asks_the_standing(lambda deal: deal.quote),
    "has_round_left": lambda deal, step: deal.round < MAX_ROUNDS,
    "is_earlier_round": lambda deal, step: deal.round + 1 < MAX_ROUNDS,
    "is_last_round": lambda deal, step: deal.round + 1 >= MAX_ROUNDS,
    "has_question_left": lambda deal, step: deal.questions < MAX_QUESTIONS,
    "has_revision_left": lambda deal, step: deal.revisions < MAX_REVISIONS,
    "has_return_left": _has_left("back"),
    "has_withdrawal_left": _has_left("withdraw_submission"),
    "has_extension_left": _has_left("request_extension"),
    "has_cancellation_left": _has_left("request_cancellation"),
    "has_dispute_left": _has_left("raise_dispute"),
    "has_submission": lambda deal, step: deal.has_submission,
    "has_no_submission": lambda deal, step: not deal.has_submission,
    "has_extension": lambda deal, step: deal.extension is not None,
    "is_overdue": lambda deal, step: (
        deal.delivery_due is not None and step.at > deal.delivery_due + GRACE
    ),
    "was_unstarted": lambda deal, step: _paused_in(deal, "payment_completed"),
    "was_working": lambda deal, step: _paused_in(deal, "work_in_progress"),
    "was_in_review": lambda deal, step: _paused_in(deal, "work_submitted"),
    "has_order": lambda deal, step: deal.has_order,
    "capture_matches": lambda deal, step: (
        deal.order_is_open
        and step.given.get("amount_minor") == deal.agreed
        and step.given.get("currency") == "INR"
    ),
    "is_new_payment": lambda deal, step: step.given.get("payment_id") not in deal.payments,
    "nothing_captured": lambda deal, step: deal.captured == 0,
    "is_bank_dispute": lambda deal, step: deal.dispute_origin == "bank",
    "is_unrated": lambda deal, step: step.role not in deal.rated,
    "may_rate": _may_rate,
}

TURN_GUARDS = frozenset({"is_awaited", "is_requester", "is_opener"})
CHOOSERS = frozenset(name for name in GUARDS if name.startswith("was_")) | {
    "is_earlier_round",
    "is_last_round",
    "has_submission",
    "has_no_submission",
}
CODES = {
    "offer_matches": "PRICE_CHANGED",
    "counter_matches": "PRICE_CHANGED",
    "quote_matches": "PRICE_CHANGED",
    "has_round_left": "NEGOTIATION_LIMIT",
    "has_revision_left": "REVISION_LIMIT",
    "nothing_captured": "FUNDS_HELD",
}
STANDING: dict[str, Callable[[Deal], int | None]] = {
    "offer_matches": lambda deal: deal.offer,
    "counter_matches": lambda deal: deal.counter,
    "quote_matches": lambda deal: deal.quote,
}


def _paused_in(deal: Deal, state: str) -> bool:
    return deal.pause is not None and deal.pause.state == state
