"""A small model of the flow, written from the specification's tables and not from the rows.

It says what every call must answer: which step is taken, or with which code it is refused; and
what a conversation then is. It knows nothing of the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from tests.flow.effects import EFFECTS, forget_pause, pause, resume
from tests.flow.guards import CHOOSERS, CODES, GUARDS, STANDING, TURN_GUARDS
from tests.flow.rows import ADMIN, BEFORE_PAYMENT, MEMBER, PARTIES, ROWS, SYSTEM, Row
from tests.flow.state import ATTEMPT, GRACE, WINDOW, WORK_LIMIT, Deal, Step

# What must be given with an action; everything else may be left out.
REQUIRED = {
    "send_project_details": ("details",),
    "request_details_change": ("question",),
    "send_price_offer": ("price",),
    "submit_counter": ("price",),
    "submit_work": ("deliverables",),
    "request_revision": ("feedback",),
    "request_extension": ("days",),
    "rate_collaboration": ("rating",),
}
FOLLOW_UPS = {"negotiate_price": "submit_counter", "make_counter_offer": "submit_counter"}


@cache
def party_actions(kind: str) -> list[str]:
    """What users can ever do in conversations of this kind."""
    rows = (row for row in ROWS if row.kind == kind and row.role not in (SYSTEM, ADMIN))
    return list(dict.fromkeys(row.action for row in rows))


def states_for(kind: str, action: str) -> set[str]:
    """Where users may do this."""
    parties = (*PARTIES, MEMBER)
    return {r.state for r in ROWS if (r.kind, r.action) == (kind, action) and r.role in parties}


# Clocks


def set_deadline(deal: Deal) -> None:
    """Set when the state ends by itself; after a pause `resume` says whether."""
    state = deal.state
    if state in BEFORE_PAYMENT.split():
        days = 7 if state == "influencer_responding" else 14
        deal.deadline = deal.entered + timedelta(days=days)
    elif state == "payment_pending":
        deal.deadline = deal.entered + WINDOW
        if deal.last_attempt is not None:
            deal.deadline = max(deal.deadline, deal.last_attempt + ATTEMPT)
    elif state == "work_in_progress":
        assert deal.paid_at is not None
        deal.deadline = deal.paid_at + WORK_LIMIT
        if deal.delivery_due is not None:
            deal.deadline = max(deal.deadline, deal.delivery_due + GRACE)
    else:
        lasts = {
            "payment_completed": timedelta(days=7),
            "work_submitted": timedelta(days=7),
            "cancellation_requested": timedelta(hours=72),
            "disputed": timedelta(days=60),
        }.get(state)
        deal.deadline = None if lasts is None else deal.entered + lasts


TIMERS = {row.state: row.action for row in ROWS if row.action.startswith("timer_")}


def run_timers(deal: Deal, now: datetime) -> list[Taken]:
    """Take every step that is due, each at the time when it was due; the steps, in order.

    A deadline that was over before its state was entered is due on entry.
    """
    taken: list[Taken] = []
    while deal.deadline is not None and deal.deadline <= now:
        due = max(deal.deadline, deal.entered)
        taken += _apply(deal, Step(SYSTEM, TIMERS[deal.state], {}, due, SYSTEM))
    return taken


# Taking an action


@dataclass(frozen=True)
class Taken:
    """A row that was applied."""

    row: Row
    step: Step
    awaiting: str | None
    # Whether the next row of the same step follows at once.
    goes_on: bool = False

    def messages(self) -> list[tuple[str, str]]:
        """(type, visible_to) of the messages that the row must send, sorted."""
        readers = {"actor": self.step.role, "other": self.step.other}
        messages = {(kind, readers.get(who, who)) for kind, who in self.row.messages}
        if self.row.to != self.row.state and self.awaiting is not None and not self.goes_on:
            messages.add(("automated", self.awaiting))
        return sorted(messages)


@dataclass(frozen=True)
class Refused:
    """Why an action is not taken, as the caller hears it."""

    code: str
    details: Mapping[str, Any] = field(default_factory=dict)


PAUSED = frozenset({"cancellation_requested", "disputed"})
RESUMED = frozenset({"payment_completed", "work_in_progress", "work_submitted"})


def _apply(deal: Deal, step: Step) -> list[Taken]:
    row = _fitting(deal, step)
    if row.to in PAUSED and row.to != deal.state:
        pause(deal, row, step)
    before = deal.state
    kept = {"same": deal.awaiting, "other": step.other}
    awaiting = kept.get(str(row.awaiting), row.awaiting)
    deal.state, deal.awaiting, deal.steps = row.to, awaiting, deal.steps + 1
    if row.name in EFFECTS:
        EFFECTS[row.name](deal, step)
    if deal.state != before:
        deal.entered = step.at
    if before == "work_in_progress" and deal.state != before:
        deal.extension = None
    _run_clocks(deal, before, step)
    if deal.state == "chat_closed":
        deal.order_is_open = False
    follow_up = FOLLOW_UPS.get(step.action)
    goes_on = follow_up is not None and step.given.get("price") is not None
    taken = [Taken(row, step, awaiting, goes_on)]
    if deal.state == "work_approved":
        taken += _apply(deal, replace(step, role=SYSTEM, action="enable_real_time", actor=SYSTEM))
    if follow_up is not None and goes_on:
        taken += _apply(deal, replace(step, action=follow_up))
    return taken


def _run_clocks(deal: Deal, before: str, step: Step) -> None:
    # A payment that is tried, and more time that is granted, move limits that run already.
    is_moved = deal.state != before or deal.state in ("payment_pending", "work_in_progress")
    if before in PAUSED and deal.state in RESUMED:
        is_moved = resume(deal, step)
    if is_moved:
        set_deadline(deal)
    if before in PAUSED and deal.state not in PAUSED:
        forget_pause(deal)


@cache
def _rows_of(kind: str, state: str, action: str) -> list[Row]:
    return [r for r in ROWS if (r.kind, r.state, r.action) == (kind, state, action)]


def _rows_here(deal: Deal, action: str) -> list[Row]:
    return _rows_of(deal.kind, deal.state, action)


def _first_failing(deal: Deal, row: Row, step: Step) -> str | None:
    failing = (name for name in row.guards if not GUARDS[name](deal, step))
    return next(failing, None)


def _fitting(deal: Deal, step: Step) -> Row:
    rows = [r for r in _rows_here(deal, step.action) if r.role == step.role]
    fitting = [row for row in rows if _first_failing(deal, row, step) is None]
    assert len(fitting) == 1, f"{len(fitting)} rows fit {step} in {deal}"
    return fitting[0]


def judge(deal: Deal, step: Step) -> Refused | None:
    """Why this step of a user is refused now, by the first reason that applies; None: it is not."""
    if step.action not in party_actions(deal.kind):
        return Refused("ACTION_UNKNOWN")
    roles = (*PARTIES, MEMBER)
    rows = [row for row in _rows_here(deal, step.action) if row.role in roles]
    if not rows:
        is_over = deal.state == "chat_closed" and deal.kind != "direct"
        return Refused("CHAT_CLOSED" if is_over else "FLOW_STATE_INVALID")
    mine = [row for row in rows if row.role == step.role]
    if not mine:
        return Refused("NOT_YOUR_TURN")
    turn = [name for row in mine for name in row.guards if name in TURN_GUARDS]
    if turn and not GUARDS[turn[0]](deal, step):
        if GUARDS[turn[0]](deal, replace(step, role=step.other)):
            return Refused("NOT_YOUR_TURN")
        return Refused("GUARD_FAILED", {"guard": turn[0]})
    for key in REQUIRED.get(step.action, ()):
        if step.given.get(key) is None:
            return Refused("INPUT_INVALID", {"field": key})
    return _judge_guards(deal, mine, step)


def judge_fact(deal: Deal, step: Step) -> Refused | None:
    """The same for the system and for operators."""
    rows = [row for row in _rows_here(deal, step.action) if row.role == step.role]
    if not rows and step.action == "force_close" and deal.held:
        return Refused("FUNDS_HELD")
    if not rows:
        is_over = not deal.is_open and step.role == ADMIN
        return Refused("CHAT_CLOSED" if is_over else "FLOW_STATE_INVALID")
    return _judge_guards(deal, rows, step)


def _judge_guards(deal: Deal, rows: list[Row], step: Step) -> Refused | None:
    failing = [_first_failing(deal, row, step) for row in rows]
    if None in failing:
        return None
    telling = [name for name in failing if name not in CHOOSERS]
    guard = telling[0] if telling else failing[0]
    assert guard is not None
    if guard in STANDING:
        standing = STANDING[guard](deal)
        return Refused("PRICE_CHANGED", {"price": None if standing is None else standing / 100})
    code = CODES.get(guard, "GUARD_FAILED")
    return Refused(code, {"guard": guard} if code == "GUARD_FAILED" else {})


def take(deal: Deal, step: Step) -> list[Taken] | Refused:
    """Take the step, or say why not; the rows applied, in order. Due timers must have run."""
    is_user = step.role in (*PARTIES, MEMBER)
    refused = judge(deal, step) if is_user else judge_fact(deal, step)
    return refused or _apply(deal, step)


def available(deal: Deal, role: str, now: datetime) -> list[str]:
    """What this side may do now, given whatever input it needs; sorted."""
    found = []
    for action in party_actions(deal.kind):
        given = dict.fromkeys(REQUIRED.get(action, ()), 1)
        step = Step(role, action, {**given, "price": None}, now, role)
        usual = replace(step, given={**given})
        if action in ("send_price_offer", "submit_counter"):
            usual = replace(step, given={"price": 1})
        if judge(deal, usual) is None:
            found.append(action)
    return sorted(found)
