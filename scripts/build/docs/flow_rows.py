"""The rows of the published flows, and which of them several kinds of conversations share."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

# In the order in which pages speak of them.
KINDS = ("bid", "campaign", "direct")
ROLES = ("influencer", "brand_owner", "member", "system", "admin")

DEFINITIONS = """
select f.id, f.kind, f.version, f.rules
from private.flow_definitions as f
where f.status = 'published'
order by f.kind;
"""
STATES = """
select
  s.state as name, s.title, s.waiting_on, s.clock, s.lasts, s.deadline_action,
  s.free_text, s.on_block, s.work_status
from private.flow_states as s
where s.flow_id = %s
order by s.position, s.state;
"""
MOVES = """
select
  t.position, t.name, t.from_state, t.role, t.action, t.guards,
  nullif(t.to_state, t.from_state) as to_state, t.awaiting, t.effects, t.reason, t.follow_up
from private.flow_transitions as t
join private.flow_states as s on s.flow_id = t.flow_id and s.state = t.from_state
where t.flow_id = %s
order by t.position, t.name, s.position, t.role;
"""
MESSAGES = """
select
  m.transition, m.message_type, m.audience, m.text, m.title, m.subtitle,
  m.buttons::text as buttons, m.notification
from private.flow_messages as m
where m.flow_id = %s
order by m.transition, m.position;
"""
BUTTONS = """
select
  a.state, array_agg(a.role order by a.role desc) as roles, a.action, a.text, a.style, a.drawn,
  a.data::text as data
from private.flow_actions as a
where a.flow_id = %s
group by a.state, a.action, a.text, a.style, a.drawn, a.data::text
order by a.state, a.drawn = 'nowhere', max(a.role) desc, min(a.position), a.action;
"""
FIELDS = """
select
  array_agg(i.action order by i.action) as actions, i.field as name, i.type, i.required,
  i.min::text as min, i.max::text as max, i.max_length, i.placeholder, i.prefill, i.input_type,
  i.is_secret
from private.flow_inputs as i
where i.flow_id = %s
group by
  i.field, i.type, i.required, i.min, i.max, i.max_length, i.placeholder, i.prefill,
  i.input_type, i.is_secret
order by i.field, min(i.action);
"""

FACTS = """
select 'guard' as sort, g.name, g.says from private.flow_guards as g
union all
select 'effect', e.name, e.says from private.flow_effects as e;
"""

REFUSALS = """
select g.code, array_agg(distinct coalesce(g.sentence, 'This is not possible now.')) as sentences
from private.flow_guards as g
group by g.code
"""

Item = TypeVar("Item", bound=Hashable)
Names = tuple[str, ...]


@dataclass(frozen=True)
class State:
    """A row of flow_states."""

    name: str
    title: str
    waiting_on: str
    clock: str | None
    lasts: timedelta | None
    deadline_action: str | None
    free_text: bool
    on_block: str | None
    work_status: str | None


@dataclass(frozen=True)
class Move:
    """Rows of flow_transitions that differ in nothing but the state they leave and who acts.

    `to_state` is None where the conversation stays in its state; `position` is the first row's.
    """

    position: int = field(compare=False)
    name: str
    from_states: tuple[str, ...]
    roles: tuple[str, ...]
    action: str
    guards: tuple[str, ...]
    to_state: str | None
    awaiting: str | None
    effects: tuple[str, ...]
    reason: str | None
    follow_up: str | None


@dataclass(frozen=True)
class Message:
    """A row of flow_messages; `buttons` is JSON text."""

    transition: str
    message_type: str
    audience: str
    text: str
    title: str | None
    subtitle: str | None
    buttons: str | None
    notification: str | None


@dataclass(frozen=True)
class Button:
    """Rows of flow_actions that differ in nothing but who acts; `data` is JSON text."""

    state: str
    roles: tuple[str, ...]
    action: str
    text: str
    style: str
    drawn: str
    data: str | None


@dataclass(frozen=True)
class Field:
    """Rows of flow_inputs that differ in nothing but the action."""

    actions: tuple[str, ...]
    name: str
    type: str
    required: bool
    min: str | None
    max: str | None
    max_length: int | None
    placeholder: str | None
    prefill: str | None
    input_type: str | None
    is_secret: bool


@dataclass(frozen=True)
class Flow:
    """The published version of one kind; everything in the order of its rows' positions."""

    kind: str
    version: int
    rules: Mapping[str, Any]
    states: tuple[State, ...]
    moves: tuple[Move, ...]
    messages: tuple[Message, ...]
    buttons: tuple[Button, ...]
    fields: tuple[Field, ...]


def read_flows(dsn: str) -> list[Flow]:
    """The published flow of each kind, in the order of KINDS.

    Args:
        dsn: connection URL of the role `postgres` for a database that has the sources applied.
    """
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        definitions = connection.execute(DEFINITIONS).fetchall()
        flows = [_read_flow(connection, row) for row in definitions]
    return sorted(flows, key=lambda flow: KINDS.index(flow.kind))


def read_facts(dsn: str) -> dict[str, dict[str, str]]:
    """The sentence of each `guard` and each `effect`, by name."""
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        rows = connection.execute(FACTS).fetchall()
    facts: dict[str, dict[str, str]] = {"guard": {}, "effect": {}}
    for row in rows:
        facts[row["sort"]][row["name"]] = row["says"]
    return facts


def read_refusals(dsn: str) -> dict[str, list[str]]:
    """The sentences with which guards refuse, by code."""
    with psycopg.connect(dsn) as connection:
        return dict(connection.execute(REFUSALS).fetchall())


def _read_flow(
    connection: psycopg.Connection[dict[str, Any]], definition: Mapping[str, Any]
) -> Flow:
    def ask(query: str) -> list[dict[str, Any]]:
        rows = connection.execute(query.encode(), (definition["id"],)).fetchall()
        return [
            {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
            for row in rows
        ]

    return Flow(
        kind=definition["kind"],
        version=definition["version"],
        rules=definition["rules"],
        states=tuple(State(**row) for row in ask(STATES)),
        moves=tuple(_gather(ask(MOVES))),
        messages=tuple(Message(**row) for row in ask(MESSAGES)),
        buttons=tuple(Button(**row) for row in ask(BUTTONS)),
        fields=tuple(Field(**row) for row in ask(FIELDS)),
    )


def _gather(rows: Iterable[Mapping[str, Any]]) -> Iterable[Move]:
    """One move for the rows of one name that differ only in state and role."""
    roles: dict[tuple[Move, str], list[str]] = {}
    for row in rows:
        rest = {key: row[key] for key in row if key not in ("from_state", "role")}
        move = Move(from_states=(), roles=(), **rest)
        roles.setdefault((move, row["from_state"]), []).append(row["role"])
    states: dict[Move, list[str]] = {}
    for (move, state), names in roles.items():
        by_order = tuple(sorted(names, key=ROLES.index))
        states.setdefault(replace(move, roles=by_order), []).append(state)
    return (replace(move, from_states=tuple(names)) for move, names in states.items())


def share(lists: Mapping[str, Sequence[Item]]) -> list[tuple[Item, tuple[str, ...]]]:
    """Join lists of several kinds: every item once, with the kinds that have it.

    An item that only a later kind has stands behind the item that precedes it there.
    """
    order: list[Item] = []
    owners: dict[Item, list[str]] = {}
    for kind, items in lists.items():
        place = 0
        for item in items:
            if item in owners:
                place = order.index(item) + 1
            else:
                order.insert(place, item)
                place += 1
            owners.setdefault(item, []).append(kind)
    return [(item, tuple(owners[item])) for item in order]


def share_moves(flows: Sequence[Flow]) -> list[tuple[Move, tuple[str, ...]]]:
    """Every move once, with the kinds that have it, in walking order.

    A move that leaves other states in one kind than in another is still one move when each kind
    has it in all of those states that it has at all.
    """
    states = {flow.kind: {state.name for state in flow.states} for flow in flows}
    shared = _share_lists(
        {flow.kind: flow.moves for flow in flows},
        states,
        lambda move: move.from_states,
        lambda move, names: replace(move, from_states=names),
    )
    return sorted(shared, key=lambda one: (one[0].position, one[0].name, KINDS.index(one[1][0])))


def share_fields(flows: Sequence[Flow]) -> list[tuple[Field, tuple[str, ...]]]:
    """Every field once, with the kinds that have it, in the order of names."""
    actions = {flow.kind: {move.action for move in flow.moves} for flow in flows}
    shared = _share_lists(
        {flow.kind: flow.fields for flow in flows},
        actions,
        lambda field: field.actions,
        lambda field, names: replace(field, actions=names),
    )
    return sorted(shared, key=lambda one: (one[0].name, one[0].actions))


def _share_lists(
    lists: Mapping[str, Sequence[Item]],
    known: Mapping[str, set[str]],
    get: Callable[[Item], Names],
    put: Callable[[Item, Names], Item],
) -> list[tuple[Item, Names]]:
    """Join items that differ between kinds only in a list of names, by what each kind lacks.

    Args:
        lists: the items of each kind.
        known: the names that each kind has at all.
        get: the list of names of an item.
        put: the item with another list of names.
    """
    found: dict[Item, dict[str, Names]] = {}
    for kind, items in lists.items():
        for item in items:
            found.setdefault(put(item, ()), {})[kind] = get(item)
    shared: list[tuple[Item, Names]] = []
    for rest, own in found.items():
        everywhere = tuple(one for one, _ in share(own))
        if all(set(everywhere) & known[kind] == set(names) for kind, names in own.items()):
            shared.append((put(rest, everywhere), tuple(own)))
        else:
            shared += share({kind: [put(rest, names)] for kind, names in own.items()})
    return shared


def states_of(flows: Sequence[Flow]) -> list[tuple[str, dict[str, State]]]:
    """The states in walking order: each name with its row in every kind that has it."""
    names = share({flow.kind: [state.name for state in flow.states] for flow in flows})
    rows = {(flow.kind, state.name): state for flow in flows for state in flow.states}
    return [(name, {kind: rows[kind, name] for kind in kinds}) for name, kinds in names]


def waits_for(flow: Flow, state: State) -> tuple[str, ...]:
    """Who must act in a state: by the moves that lead to it, or by the row's `waiting_on`.

    `other` is the party that did not act.
    """
    named = {
        move.awaiting
        for move in flow.moves
        if state.name in ((move.to_state,) if move.to_state else move.from_states)
    }
    order = ("influencer", "brand_owner", "other")
    if parties := tuple(role for role in order if role in named):
        return parties
    return () if state.waiting_on == "none" else (state.waiting_on,)


def in_words(span: timedelta) -> str:
    """A length of time: "7 days", "36 hours"."""
    hours = round(span.total_seconds() / 3600)
    count, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{count} {unit}" + ("" if count == 1 else "s")


def limit_in_words(state: State) -> str:
    """How long a state lasts: "75 days after the payment"; empty without a limit."""
    if state.lasts is None or state.clock is None:
        return ""
    words = {
        "since_entry": "{}",
        "since_payment": "{} after the payment",
        "payment_window": "at least {}",
    }
    return words[state.clock].format(in_words(state.lasts))


def placeholders(flows: Iterable[Flow]) -> list[str]:
    """The names in braces in everything that people read."""
    texts = [
        text or ""
        for flow in flows
        for row in (
            *((one.text, one.title, one.subtitle, one.buttons) for one in flow.messages),
            *((one.text, one.data) for one in flow.buttons),
            *((one.placeholder, one.prefill) for one in flow.fields),
            *((one.reason,) for one in flow.moves),
        )
        for text in row
    ]
    return sorted({name for text in texts for name in re.findall(r"\{(\w+)\}", text)})
