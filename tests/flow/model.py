"""A small model of the flow, written from the specification's tables and not from the rows.

It says what every call must answer: which step is taken, or with which code it is refused; and
what a conversation then is. It knows nothing of the database. Money is in paise, time is whatever
the caller says it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.flow.rows import (
    ADMIN,
    BEFORE_PAYMENT,
    BRAND_OWNER,
    INFLUENCER,
    MEMBER,
    PARTIES,
    ROWS,
    SYSTEM,
    Row,
)

Input = Mapping[str, Any]

MAX_ROUNDS = 3
MAX_REVISIONS = 3
MAX_QUESTIONS = 10
DELIVERY = timedelta(days=14)
GRACE = timedelta(days=7)
ATTEMPT = timedelta(hours=73)
WINDOW = timedelta(days=7)
WORK_LIMIT = timedelta(days=75)
# What the review of work has left at least when it is taken up again.
REVIEW_RESUMES_WITH = timedelta(hours=72)


@dataclass(frozen=True)
class Pause:
    """Where a conversation goes on after a cancellation request or a dispute."""

    state: str
    deadline: datetime
    # Since when its clocks stand still; a cancellation request lets them go on.
    frozen: datetime | None = None


@dataclass
class Deal:
    """A conversation as the model knows it; the defaults are those of one just created."""

    kind: str
    state: str
    awaiting: str | None
    entered: datetime
    round: int = 0
    offer: int | None = None
    counter: int | None = None
    quote: int | None = None
    agreed: int | None = None
    questions: int = 0
    revisions: int = 0
    submissions: int = 0
    cancellation_by: str | None = None
    cancellation_refund: int | None = None
    extension: int | None = None
    dispute_origin: str | None = None
    dispute_by: str | None = None
    pause: Pause | None = None
    rated: frozenset[str] = frozenset()
    has_order: bool = False
    order_is_open: bool = False
    payments: frozenset[str] = frozenset()
    bounced: int = 0
    captured: int = 0
    released: int = 0
    refunded: int = 0
    charged_back: int = 0
    refund: int | None = None
    paid_at: datetime | None = None
    last_attempt: datetime | None = None
    delivery_due: datetime | None = None
    deadline: datetime | None = None
    closed_by: str | None = None
    is_blocked: bool = False
    steps: int = 1

    @property
    def held(self) -> int:
        """What is neither paid out nor given back, in paise."""
        return self.captured - self.released - self.refunded - self.charged_back

    @property
    def is_open(self) -> bool:
        """Whether anything can still happen to it."""
        return self.state != "chat_closed"


@dataclass(frozen=True)
class Step:
    """One action as it is taken."""

    role: str
    action: str
    given: Input
    at: datetime
    # Who, where a role has two members (direct chats).
    actor: str

    @property
    def other(self) -> str:
        """The party that does not act."""
        return BRAND_OWNER if self.role == INFLUENCER else INFLUENCER

    def paise(self, key: str) -> int | None:
        """An amount that was given in rupees."""
        return None if self.given.get(key) is None else round(self.given[key] * 100)


# Guards: may this step be taken? Named as refusals name them.

Guard = Callable[[Deal, Step], bool]


def _asks_the_standing(price: Callable[[Deal], int | None]) -> Guard:
    return lambda deal, step: step.paise("price") in (None, price(deal))


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
}

TURN_GUARDS = frozenset({"is_awaited", "is_requester", "is_opener"})
CHOOSERS = frozenset(name for name in GUARDS if name.startswith("was_")) | {
    "is_earlier_round",
    "is_last_round",
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


def states_of(kind: str) -> list[str]:
    """Every state of a flow in which a conversation can be found, in the order of the table."""
    states = [row.state for row in ROWS if row.kind == kind and row.state != "work_approved"]
    return list(dict.fromkeys(states))


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
    """Set when the state ends by itself; after a pause `resume` has the last word."""
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


# Effects


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


def _pause(deal: Deal, row: Row, step: Step) -> None:
    if deal.pause is None:
        assert deal.deadline is not None
        deal.pause = Pause(deal.state, deal.deadline)
    if row.to == "disputed":
        deal.pause = replace(deal.pause, frozen=step.at)


def _resume(deal: Deal, step: Step) -> None:
    pause, deal.pause = deal.pause, None
    assert pause is not None
    stood_still = step.at - (pause.frozen or step.at)
    deal.deadline = pause.deadline + stood_still
    if deal.state == "work_submitted":
        deal.deadline = max(deal.deadline, step.at + REVIEW_RESUMES_WITH)
    if deal.delivery_due is not None:
        deal.delivery_due += stood_still
    assert deal.paid_at is not None
    deal.paid_at += stood_still


def _end_pause(deal: Deal, step: Step) -> None:
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


def _submit(deal: Deal, step: Step) -> None:
    deal.submissions += 1


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
    "T110": _submit,
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


def _apply(deal: Deal, step: Step) -> list[Taken]:
    row = _fitting(deal, step)
    if row.to in PAUSED and row.to != deal.state:
        _pause(deal, row, step)
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
    if deal.state != before or deal.state == "payment_pending":
        set_deadline(deal)
    if before in PAUSED and deal.state not in PAUSED:
        _end_pause(deal, step)
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


def _rows_here(deal: Deal, action: str) -> list[Row]:
    return [r for r in ROWS if (r.kind, r.state, r.action) == (deal.kind, deal.state, action)]


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


def available(deal: Deal, role: str, now: datetime, actor: str | None = None) -> list[str]:
    """What this side may do now, given whatever input it needs; sorted."""
    found = []
    for action in party_actions(deal.kind):
        given = dict.fromkeys(REQUIRED.get(action, ()), 1)
        step = Step(role, action, {**given, "price": None}, now, actor or role)
        usual = replace(step, given={**given})
        if action in ("send_price_offer", "submit_counter"):
            usual = replace(step, given={"price": 1})
        if judge(deal, usual) is None:
            found.append(action)
    return sorted(found)
