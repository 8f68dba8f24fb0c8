"""Draws boxes and labelled arrows as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from scripts.build.docs.layout import (
    BESIDE,
    LINE,
    MARGIN,
    PAD,
    SIZE,
    STEM,
    TITLE_SIZE,
    Arrow,
    Box,
    Lane,
    Placed,
    Words,
    place,
)

INK, SOFT, PAPER = "#1f2328", "#8c959f", "#ffffff"
MONO_FONTS = 'Menlo, "DejaVu Sans Mono", "Liberation Mono", monospace'
SANS_FONTS = "Helvetica, Arial, sans-serif"
STYLE = f"""\
text {{ font-size: {SIZE}px; font-family: {MONO_FONTS}; }}
.title {{ font-size: {TITLE_SIZE}px; font-weight: bold; font-family: {SANS_FONTS}; }}
.halo {{ stroke: {PAPER}; stroke-width: 5; fill: none; }}
.line {{ stroke-width: 1.5; fill: none; }}"""


def draw(title: str, legend: Sequence[Words], boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """The picture as SVG text.

    Args:
        title: the heading, which is also what screen readers say.
        legend: lines under the heading.
        boxes: in the order from top to bottom.
        arrows: at most one for a pair of boxes; none from a box to itself.
    """
    layout = place(boxes, arrows, MARGIN + LINE * (len(legend) + 2))
    widest = max((words.width for words in legend), default=0)
    width, height = max(layout.width, widest + 2 * MARGIN), layout.height
    body = [
        f'<text class="title" x="{MARGIN}" y="{MARGIN + 8}" fill="{INK}">{escape(title)}</text>',
        *(
            _text(MARGIN, MARGIN + 12 + LINE * row, words)
            for row, words in enumerate(legend, start=1)
        ),
        *(part for lane in layout.lanes for part in _draw_lane(lane)),
        *(part for straight in layout.straight for part in _draw_straight(*straight)),
        *(part for one in layout.boxes for part in _draw_box(one)),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
            f'viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(title)}">',
            f"<style>\n{STYLE}\n</style>",
            f'<rect width="100%" height="100%" fill="{PAPER}"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def _colour(words: Iterable[Words]) -> str:
    colours = {one.colour for one in words}
    return colours.pop() if len(colours) == 1 else SOFT


def _draw_lane(lane: Lane) -> Iterable[str]:
    """A lane with its branches and labels; what it crosses is interrupted, not its own corners."""
    colour = _colour(words for branch in lane.branches for words in branch.arrow.labels)
    low, high = lane.span
    entry, edge = lane.entry, lane.target.edge(lane.side)
    away = -1 if lane.side == "left" else 1
    lines = [
        ([(lane.x, low), (lane.x, high)], colour),
        ([(lane.x, entry), (edge + 7 * away, entry)], colour),
    ]
    lines += (
        ([(one.source.edge(one.side), one.y), (lane.x, one.y)], _colour(one.arrow.labels))
        for one in lane.branches
    )
    yield from (_line(points, "") for points, _ in lines)
    yield from (_line(points, own) for points, own in lines)
    back = edge + 8 * away
    yield _head([(edge, entry), (back, entry - 4.5), (back, entry + 4.5)], colour)
    for one in lane.branches:
        own = _colour(one.arrow.labels)
        yield f'<circle cx="{lane.x:g}" cy="{one.y:g}" r="2.6" fill="{own}"/>'
        edge, anchor = one.source.edge(one.side), "end" if one.side == "left" else ""
        for row, words in enumerate(reversed(one.arrow.labels)):
            yield _text(edge - 6 if anchor else edge + 6, one.y - 4 - LINE * row, words, anchor)


def _draw_straight(source: Placed, target: Placed, arrow: Arrow) -> Iterable[str]:
    x, top, bottom = source.x + STEM, source.y + source.height, target.y
    colour = _colour(arrow.labels)
    yield _line([(x, top), (x, bottom - 7)], colour)
    yield _head([(x, bottom), (x - 4.5, bottom - 8), (x + 4.5, bottom - 8)], colour)
    middle = (top + bottom) / 2 - LINE * (len(arrow.labels) - 1) / 2
    for row, words in enumerate(arrow.labels):
        yield _text(x + BESIDE, middle + 3 + LINE * row, words)


def _draw_box(one: Placed) -> Iterable[str]:
    box = one.box
    yield (
        f'<rect x="{one.x:g}" y="{one.y:g}" width="{one.width:g}" height="{one.height:g}" rx="6" '
        f'fill="#f6f8fa" stroke="{box.colour}" stroke-width="1.5"/>'
    )
    yield (
        f'<rect x="{one.x:g}" y="{one.y:g}" width="5" height="{one.height:g}" rx="2" '
        f'fill="{box.colour}"/>'
    )
    x, y = one.x + PAD + 4, one.y + PAD + TITLE_SIZE - 2
    yield f'<text class="title" x="{x:g}" y="{y:g}" fill="{INK}">{escape(box.title)}</text>'
    for row, words in enumerate(box.lines, start=1):
        yield _text(x, y + LINE * row + 1, words)


def _text(x: float, y: float, words: Words, anchor: str = "") -> str:
    how = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:g}" y="{y:g}"{how} fill="{words.colour}">{escape(words.text)}</text>'


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    """A line; without a colour, the gap that it leaves in lines below it."""
    look = f'class="line" stroke="{colour}"' if colour else 'class="halo"'
    return f'<polyline {look} points="{_path(points)}"/>'


def _path(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _head(points: Sequence[tuple[float, float]], colour: str) -> str:
    return f'<polygon points="{_path(points)}" fill="{colour}"/>'
