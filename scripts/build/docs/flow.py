"""Writes docs/FLOW.md and its pictures from the rows of the published flows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from scripts.build.docs.catalog import Catalog
from scripts.build.docs.flow_picture import draw_flow
from scripts.build.docs.flow_rows import (
    Button,
    Field,
    Flow,
    Message,
    Move,
    State,
    limit_in_words,
    placeholders,
    share,
    share_fields,
    share_moves,
    states_of,
    waits_for,
)
from scripts.build.docs.markdown import code, codes, read_table, table
from scripts.build.docs.pages import NOTE, PARTS

WHO = {
    "influencer": "influencer",
    "brand_owner": "brand owner",
    "member": "member",
    "system": "system",
    "admin": "operator",
    "other": "the other party",
    "provider": "payment provider",
    "all": "both",
    "actor": "who acted",
}
Shared = list[tuple[Move, tuple[str, ...]]]
Facts = Mapping[str, Mapping[str, str]]


def render_flow(flows: Sequence[Flow], facts: Facts, catalog: Catalog, parts: Path = PARTS) -> str:
    """The page of the flows.

    Args:
        flows: the published ones.
        facts: what guards and effects say of themselves.
        catalog: for the properties that publishing proves.
        parts: the folder of the hand-written sections `flow*.md`.

    Raises:
        ValueError: a rule or a placeholder is not explained in `parts`.
    """
    moves = share_moves(flows)
    sections = [
        NOTE,
        "# The flow",
        _part(parts, "flow"),
        "## Rules",
        _rules(flows, _part(parts, "flow_rules")),
        *_pictures(flows),
        "## States",
        _states(flows, moves),
        "## Moves, state by state",
        "Who may do what, where it leads and what it does. What can be done in several states "
        "comes after them.",
    ]
    for name, rows in states_of(flows):
        sections += _state(name, rows, flows, moves)
    wide = [one for one in moves if len(one[0].from_states) > 1]
    sections += [
        "### From several states",
        _moves(wide, flows, is_wide=True),
        *_messages(wide, flows),
        "## What is typed",
        _fields(flows),
        "## Guards",
        _facts("guard", facts["guard"], moves),
        "## Effects",
        _facts("effect", facts["effect"], moves),
        "## Placeholders",
        _placeholders(flows, _part(parts, "flow_placeholders")),
        _part(parts, "flow_data"),
        "## What a published flow is known to do",
        _properties(catalog),
        _part(parts, "flow_changes"),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def render_pictures(flows: Iterable[Flow]) -> dict[str, str]:
    """The SVG text of every kind's picture, by the file's name."""
    return {f"{flow.kind}.svg": draw_flow(flow) for flow in flows}


def _part(parts: Path, name: str) -> str:
    return (parts / f"{name}.md").read_text("utf-8").strip()


def _in(kinds: Sequence[str], flows: Sequence[Flow]) -> str:
    """Which kinds something is for: "all", "deals", or their names."""
    if len(kinds) == len(flows):
        return "all"
    return "deals" if set(kinds) == {"bid", "campaign"} else ", ".join(kinds)


def _only(kinds: Sequence[str], flows: Sequence[Flow]) -> str:
    """The same in brackets, and nothing for what all deals have in common."""
    name = _in(kinds, flows)
    return "" if name in ("all", "deals") else f" ({name})"


def _who(roles: Sequence[str]) -> str:
    if set(roles) == {"influencer", "brand_owner"}:
        return "either party"
    return ", ".join(WHO[role] for role in roles)


def _rules(flows: Sequence[Flow], part: str) -> str:
    meanings = {cells[0].strip("`"): cells[1] for cells in read_table(part)}
    used = list(dict.fromkeys(rule for flow in flows for rule in flow.rules))
    _require("flow_rules.md", used, meanings)
    rows = [
        (code(rule), meanings[rule], *(str(flow.rules.get(rule, "")) for flow in flows))
        for rule in sorted(used, key=list(meanings).index)
    ]
    version = ("version", "of the published flow", *(str(flow.version) for flow in flows))
    return table(("rule", "meaning", *(flow.kind for flow in flows)), [version, *rows])


def _require(part: str, used: Iterable[str], explained: Iterable[str]) -> None:
    """Complain unless a hand-written table explains all that is used."""
    if missing := sorted(set(used) - set(explained)):
        raise ValueError(f"docs/parts/{part}: add a row for {', '.join(missing)}.")


def _pictures(flows: Iterable[Flow]) -> Iterable[str]:
    yield "## Pictures"
    for flow in flows:
        yield f"### {flow.kind.capitalize()}"
        yield f"![States and moves of the {flow.kind} flow](flow/{flow.kind}.svg)"
        yield (
            "<details><summary>The same as a Mermaid diagram</summary>\n\n"
            f"```mermaid\n{_mermaid(flow)}\n```\n\n</details>"
        )


def _mermaid(flow: Flow) -> str:
    """A state diagram: one arrow for each pair of states; moves that stay are left out."""
    pairs: dict[tuple[str, str], list[str]] = {}
    first = flow.states[0].name
    for state in flow.states:
        for move in flow.moves:
            if state.name in move.from_states and move.to_state:
                source = "[*]" if state.name == first else state.name
                pairs.setdefault((source, move.to_state), []).append(move.action)
    left = {source for source, _ in pairs} | {"[*]"}
    lines = [
        f"  {source} --> {target}: {' / '.join(dict.fromkeys(actions))}"
        for (source, target), actions in pairs.items()
    ]
    ends = [state.name for state in flow.states[1:] if state.name not in left]
    return "\n".join(["stateDiagram-v2", *lines, *(f"  {name} --> [*]" for name in ends)])


def _states(flows: Sequence[Flow], moves: Shared) -> str:
    return table(
        ("state", "in", "waits for", "limit", "then", "besides"),
        (
            (
                f"[{code(name)}](#{name})<br>{state.title}",
                _in(tuple(rows), flows),
                _awaited(flows, rows),
                limit_in_words(state),
                _at_limit(name, state, moves),
                "; ".join(_besides(rows, flows)),
            )
            for name, rows in states_of(flows)
            for state in [next(iter(rows.values()))]
        ),
    )


def _awaited(flows: Sequence[Flow], rows: dict[str, State]) -> str:
    roles = next(waits_for(flow, rows[flow.kind]) for flow in flows if flow.kind in rows)
    return "influencer or brand owner" if len(roles) == 2 else _who(roles)


def _at_limit(name: str, state: State, moves: Shared) -> str:
    """The system's action at the end of a state, and where it leads."""
    if state.deadline_action is None:
        return ""
    targets = [
        move.to_state
        for move, _ in moves
        if move.action == state.deadline_action and name in move.from_states and move.to_state
    ]
    return f"{code(state.deadline_action)} → {' or '.join(code(one) for one in targets)}"


def _besides(rows: dict[str, State], flows: Sequence[Flow]) -> Iterable[str]:
    state = next(iter(rows.values()))
    if state.free_text:
        yield "free text is open"
    blocks: dict[str | None, list[str]] = {}
    for kind, one in rows.items():
        blocks.setdefault(one.on_block, []).append(kind)
    for action in filter(None, blocks):
        where = f" ({_in(blocks[action], flows)})" if len(blocks) > 1 else ""
        yield f"a block does {code(action)}{where}"
    if state.work_status:
        yield f"the work is {code(state.work_status)}"


def _state(
    name: str, rows: dict[str, State], flows: Sequence[Flow], moves: Shared
) -> Iterable[str]:
    """The section of one state."""
    here = [one for one in moves if one[0].from_states == (name,)]
    wide = [move for move, _ in moves if name in move.from_states and len(move.from_states) > 1]
    yield f"### {name}"
    title = f"{next(iter(rows.values())).title}."
    also = ", ".join(dict.fromkeys(f"{code(move.action)} ({move.name})" for move in wide))
    yield f"{title} Also: {also}, [as in other states](#from-several-states)." if also else title
    yield _moves(here, flows)
    buttons = share({flow.kind: [b for b in flow.buttons if b.state == name] for flow in flows})
    if buttons:
        yield "On the screen:"
        yield _buttons(buttons, flows)
    yield from _messages(here, flows)


def _moves(moves: Shared, flows: Sequence[Flow], *, is_wide: bool = False) -> str:
    head = ("move", *(["in"] if is_wide else []), "who does what", "if", "leads to", "effects")
    return (
        table(
            head,
            (
                (
                    f"{move.name}{_only(kinds, flows)}",
                    *([codes(move.from_states)] if is_wide else []),
                    f"{_who(move.roles)}: {code(move.action)}",
                    codes(move.guards),
                    _leads(move),
                    codes(move.effects),
                )
                for move, kinds in moves
            ),
        )
        if moves
        else ""
    )


def _leads(move: Move) -> str:
    """A move's next state, the awaited role, its follow-up, and the reason that clients hear."""
    said = [f"[{code(move.to_state)}](#{move.to_state})" if move.to_state else "stays"]
    if move.awaiting == "other":
        said.append("the other party is next")
    elif move.awaiting and move.awaiting != "unchanged":
        said.append(f"{WHO[move.awaiting]} is next")
    if move.follow_up:
        said.append(f"then {code(move.follow_up)}")
    if move.reason:
        said.append(f"reason {code(move.reason)}")
    return ", ".join(said)


def _buttons(buttons: Sequence[tuple[Button, tuple[str, ...]]], flows: Sequence[Flow]) -> str:
    drawn = {
        "button": "button",
        "form": "form",
        "both": "button and form",
        "nowhere": "not drawn, but allowed",
    }
    return table(
        ("action", "who", "text", "drawn as", "typed with it"),
        (
            (
                f"{code(one.action)}{_only(kinds, flows)}",
                _who(one.roles),
                one.text,
                f"{drawn[one.drawn]}, {one.style}"
                + (f", carries {code(one.data)}" if one.data else ""),
                _typed(one.action, kinds, flows),
            )
            for one, kinds in buttons
        ),
    )


def _typed(action: str, kinds: Sequence[str], flows: Sequence[Flow]) -> str:
    fields = share(
        {
            flow.kind: [(one.name, one.required) for one in flow.fields if action in one.actions]
            for flow in flows
            if flow.kind in kinds
        }
    )
    return ", ".join(
        code(name) + ("" if is_required else " if wanted") for (name, is_required), _ in fields
    )


def _messages(moves: Shared, flows: Sequence[Flow]) -> Iterable[str]:
    names = list(dict.fromkeys(move.name for move, _ in moves))
    shared = [
        one
        for name in names
        for one in share(
            {flow.kind: [m for m in flow.messages if m.transition == name] for flow in flows}
        )
    ]
    if not shared:
        return
    yield "Messages:"
    yield table(
        ("move", "to", "type", "text"),
        (
            (
                f"{one.transition}{_only(kinds, flows)}",
                WHO[one.audience],
                one.message_type,
                _said(one),
            )
            for one, kinds in shared
        ),
    )


def _said(message: Message) -> str:
    lines = [
        f"**{message.title}**" if message.title else "",
        message.subtitle or "",
        message.text.replace("\n", "<br>"),
        _offered(message.buttons) if message.buttons else "",
        f"notification {code(message.notification)}" if message.notification else "",
    ]
    return "<br>".join(line for line in lines if line)


def _offered(buttons: str) -> str:
    """The actions that a message offers, and what their buttons say if not the usual."""
    offers = json.loads(buttons).items()
    return "offers " + ", ".join(
        code(name) + (f' as "{text}"' if text else "") for name, text in offers
    )


def _fields(flows: Sequence[Flow]) -> str:
    return table(
        ("field", "of", "what", "shown in it", "in `submit_text`"),
        (
            (
                f"{code(one.name)}{_only(kinds, flows)}",
                codes(one.actions),
                ", ".join(_limits(one)),
                one.prefill or one.placeholder or "",
                code(one.input_type) if one.input_type else "",
            )
            for one, kinds in share_fields(flows)
        ),
    )


def _limits(one: Field) -> Iterable[str]:
    yield one.type
    if one.required:
        yield "required"
    if one.min and one.max:
        yield f"{one.min} to {one.max}"
    elif one.min or one.max:
        yield f"at least {one.min}" if one.min else f"at most {one.max}"
    if one.max_length:
        yield f"at most {one.max_length} characters"
    if one.is_secret:
        yield "not in the history"


def _facts(sort: str, says: Mapping[str, str], moves: Shared) -> str:
    """The sentence of each guard or effect, and the moves that name it."""
    rows = []
    for name in sorted(says):
        lists = ((move, move.guards if sort == "guard" else move.effects) for move, _ in moves)
        users = dict.fromkeys(move.name for move, names in lists if name in names)
        rows.append((code(name), says[name], ", ".join(users)))
    return table((sort, "what it says" if sort == "guard" else "what it does", "moves"), rows)


def _properties(catalog: Catalog) -> str:
    """The properties that publishing proves, from the headers of the functions `refute_*`."""
    rows = []
    for function in catalog.functions:
        if function.schema == "private" and function.name.startswith("refute_"):
            about = " ".join(function.header.split())
            for name, meaning in re.findall(r"\b(P\d+|Shape): (.*?\.)(?= |$)", about):
                rows.append((int(name[1:]) if name != "Shape" else 0, name, meaning))
    return table(("property", "meaning"), ((name, about) for _, name, about in sorted(rows)))


def _placeholders(flows: Sequence[Flow], part: str) -> str:
    explained = [name for cells in read_table(part) for name in re.findall(r"\{(\w+)\}", cells[0])]
    _require("flow_placeholders.md", placeholders(flows), explained)
    return part
