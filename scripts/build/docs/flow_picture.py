"""A flow as a picture: which states are its main path, and what the arrows say."""

from __future__ import annotations

from collections.abc import Iterable

from scripts.build.docs.flow_rows import Flow, Move, State, limit_in_words, waits_for
from scripts.build.docs.layout import Arrow, Box, Words
from scripts.build.docs.picture import INK, SOFT, draw

# Dark enough to read on white (WCAG's 4.5 to 1).
COLOURS = {
    ("influencer",): "#b35900",
    ("brand_owner",): "#0b5cad",
    ("influencer", "brand_owner"): "#7d2fb0",
    ("member",): "#7d2fb0",
    ("system",): "#57606a",
    ("admin",): "#c1121f",
}
ACTORS = {
    ("influencer",): "influencer",
    ("brand_owner",): "brand owner",
    ("influencer", "brand_owner"): "either party",
    ("member",): "either member",
    ("system",): "the system: a clock, a payment, a bank",
    ("admin",): "an operator",
}
AWAITED = {
    ("influencer",): "waits for the influencer",
    ("brand_owner",): "waits for the brand owner",
    ("influencer", "brand_owner"): "waits for who types",
    ("other",): "waits for the other party",
    ("admin",): "waits for an operator",
    ("provider",): "waits for the payment provider",
}


def draw_flow(flow: Flow) -> str:
    """The SVG text of a flow's picture."""
    main = main_path(flow)
    actors = [one for one in ACTORS if any(move.roles == one for move in flow.moves)]
    legend = [
        Words("Arrows are actions, coloured by who takes them:", INK),
        *(Words(ACTORS[one], COLOURS[one]) for one in actors),
    ]
    boxes = [_box(flow, state, state.name not in main) for state in flow.states]
    order = {state: place for place, state in enumerate(main)}
    boxes.sort(key=lambda box: order.get(box.name, len(order)))
    return draw(f"The {flow.kind} flow", legend, boxes, list(arrows(flow)))


def main_path(flow: Flow) -> list[str]:
    """The states of a conversation that goes well: each state's first row that leads on.

    A row that either party may take, or that several states have (to leave, to complain, time
    limits), counts only where there is no other.
    """
    path = [flow.states[0].name]
    while True:
        onward = [
            (len(move.roles) > 1 or len(move.from_states) > 1, move.to_state)
            for move in flow.moves
            if path[-1] in move.from_states and move.to_state and move.to_state not in path
        ]
        if not onward:
            return path
        path.append(min(onward, key=lambda one: one[0])[1])


def arrows(flow: Flow) -> Iterable[Arrow]:
    """One arrow for each pair of states, labelled with the actions that lead along it."""
    pairs: dict[tuple[str, str], list[Words]] = {}
    for state in flow.states:
        for move in flow.moves:
            if state.name in move.from_states and move.to_state:
                labels = pairs.setdefault((state.name, move.to_state), [])
                label = _label(move)
                if label not in labels:
                    labels.append(label)
    for (source, target), labels in pairs.items():
        yield Arrow(source, target, tuple(labels))


def _label(move: Move) -> Words:
    return Words(move.action, COLOURS.get(move.roles, SOFT))


def _box(flow: Flow, state: State, is_aside: bool) -> Box:
    awaited = waits_for(flow, state)
    lines = [Words(state.name, COLOURS["system",])]
    if awaited:
        lines.append(Words(AWAITED[awaited], COLOURS.get(awaited, COLOURS["system",])))
    if limit := limit_in_words(state):
        lines.append(Words(f"{limit}: {state.deadline_action}", COLOURS["system",]))
    if state.free_text:
        lines.append(Words("free text is open", INK))
    stays = (
        move for move in flow.moves if state.name in move.from_states and move.to_state is None
    )
    lines += dict.fromkeys(Words(f"stays: {move.action}", _label(move).colour) for move in stays)
    return Box(state.name, state.title, tuple(lines), COLOURS.get(awaited, SOFT), is_aside)
