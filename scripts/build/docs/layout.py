"""Places boxes and labelled arrows so that they can be read, the same on every machine.

Two columns of boxes: the way most things go, top to bottom, and what branches off beside it. An
arrow to the next box of a column is a straight one. Every other arrow leaves its box under its
labels, turns into an upright lane and enters its target; all arrows that reach a box from the same
side share the lane, so a box with forty ways in has one or two lines and not forty.

No layout library fits: those on PyPI either need Graphviz' own binary or, as igraph does, leave no
room for labels, and these pictures are mostly labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

# Sizes are in pixels. An em of width per character, so that no font has to be asked: all of
# Menlo's, DejaVu Sans Mono's and Liberation Mono's characters have 0.602 of their size; Helvetica's
# bold ones stay below 0.62 in sentences.
MONO, SANS = 0.602, 0.62
SIZE, TITLE_SIZE = 11, 13
LINE = 15
PAD = 12
GAP = 26
LANE = 13
MARGIN = 24
# How far an arrow runs before its label begins, and from the lanes to a box.
LEAD = 16
# Where on a box straight arrows stand, and how far beside one its labels begin.
STEM, BESIDE = 40, 9


@dataclass(frozen=True)
class Words:
    """A line of text in one colour."""

    text: str
    colour: str

    @property
    def width(self) -> float:
        """Its width when drawn."""
        return len(self.text) * SIZE * MONO


@dataclass(frozen=True)
class Box:
    """A box: its heading, the lines below it, and the colour of its edge."""

    name: str
    title: str
    lines: tuple[Words, ...]
    colour: str
    is_aside: bool = False


@dataclass(frozen=True)
class Arrow:
    """An arrow between two boxes, by their names, with its labels one below the other."""

    source: str
    target: str
    labels: tuple[Words, ...]


@dataclass
class Placed:
    """A box with its place, and how far below its top arrows leave and enter it, by edge."""

    box: Box
    outs: dict[str, dict[Arrow, float]]
    ins: dict[str, float]
    x: float = 0
    y: float = 0
    width: float = 0
    height: float = 0

    def edge(self, side: str) -> float:
        """The place of the left or the right edge."""
        return self.x if side == "left" else self.x + self.width

    def meets(self, side: str) -> list[float]:
        """How far below the top arrows meet an edge."""
        return [*([self.ins[side]] if side in self.ins else []), *self.outs[side].values()]


@dataclass
class Branch:
    """An arrow's way from its box to its lane."""

    source: Placed
    side: str
    arrow: Arrow

    @property
    def y(self) -> float:
        """At which height it runs."""
        return self.source.y + self.source.outs[self.side][self.arrow]


@dataclass
class Lane:
    """An upright line with all arrows that enter one box from one side."""

    channel: str
    target: Placed
    side: str
    branches: list[Branch]
    x: float = 0

    @property
    def entry(self) -> float:
        """At which height it enters its box."""
        return self.target.y + self.target.ins[self.side]

    @property
    def span(self) -> tuple[float, float]:
        """From which height to which it runs."""
        heights = [self.entry, *(branch.y for branch in self.branches)]
        return min(heights), max(heights)


@dataclass(frozen=True)
class Layout:
    """The places of all boxes and lanes."""

    boxes: tuple[Placed, ...]
    lanes: tuple[Lane, ...]
    straight: tuple[tuple[Placed, Placed, Arrow], ...]
    width: float
    height: float


def place(boxes: Sequence[Box], arrows: Sequence[Arrow], top: float) -> Layout:
    """Give everything its place below `top`.

    Args:
        boxes: in the order from top to bottom; those aside stand beside where they are reached.
        arrows: at most one for a pair of boxes; none from a box to itself.
        top: the room above the first box.
    """
    placed = {box.name: Placed(box, {"left": {}, "right": {}}, {}) for box in boxes}
    columns = [
        [one for one in placed.values() if one.box.is_aside is aside] for aside in (False, True)
    ]
    following = {(a.box.name, b.box.name) for column in columns for a, b in pairwise(column)}
    straight = [arrow for arrow in arrows if (arrow.source, arrow.target) in following]
    around = [arrow for arrow in arrows if (arrow.source, arrow.target) not in following]
    lanes = _make_lanes(placed, around)
    _size(placed, straight)
    _stack(columns, straight, around, placed, top)
    return Layout(
        boxes=tuple(placed.values()),
        lanes=tuple(lanes),
        straight=tuple((placed[one.source], placed[one.target], one) for one in straight),
        width=_spread(columns, lanes),
        height=max(one.y + one.height for one in placed.values()) + MARGIN,
    )


def _make_lanes(placed: dict[str, Placed], arrows: Iterable[Arrow]) -> list[Lane]:
    """A lane for each box and side that arrows enter."""
    lanes: dict[tuple[str, str], Lane] = {}
    for arrow in arrows:
        source, target = placed[arrow.source], placed[arrow.target]
        if source.box.is_aside is not target.box.is_aside:
            channel = "middle"
        else:
            channel = "right" if source.box.is_aside else "left"
        leaves = _facing(source, channel)
        enters = _facing(target, channel)
        lane = lanes.setdefault((arrow.target, enters), Lane(channel, target, enters, []))
        lane.branches.append(Branch(source, leaves, arrow))
        source.outs[leaves][arrow] = 0
        target.ins[enters] = PAD
    return list(lanes.values())


def _facing(one: Placed, channel: str) -> str:
    if channel != "middle":
        return channel
    return "left" if one.box.is_aside else "right"


def _size(placed: dict[str, Placed], straight: Iterable[Arrow]) -> None:
    """Give boxes their size, and arrows their heights as seen from the top of their box."""
    for one in placed.values():
        widest = max((words.width for words in one.box.lines), default=0)
        one.width = max(len(one.box.title) * TITLE_SIZE * SANS, widest) + 2 * PAD + 4
        one.height = PAD + LINE * (1 + len(one.box.lines)) + PAD
        for side, outs in one.outs.items():
            y = PAD + LINE if side in one.ins else 2.0
            for arrow in outs:
                y += LINE * len(arrow.labels)
                outs[arrow] = y
                y += 8
            one.height = max(one.height, y)
    for arrow in straight:
        source = placed[arrow.source]
        widest = max(words.width for words in arrow.labels)
        source.width = max(source.width, STEM + BESIDE + widest)
    for column in (False, True):
        mine = [one for one in placed.values() if one.box.is_aside is column]
        widest = max((one.width for one in mine), default=0)
        for one in mine:
            one.width = widest


def _stack(
    columns: Sequence[Sequence[Placed]],
    straight: Sequence[Arrow],
    around: Sequence[Arrow],
    placed: dict[str, Placed],
    top: float,
) -> None:
    """Put the boxes of each column below each other, those aside not above who leads to them."""
    for column in columns:
        y = top
        for one in column:
            for arrow in straight:
                if arrow.target == one.box.name:
                    y += LINE * len(arrow.labels)
            if one.box.is_aside:
                leaders = [placed[arrow.source] for arrow in around if arrow.target == one.box.name]
                y = max([y, *(p.y for p in leaders[:1] if not p.box.is_aside)])
                taken = [main.y + height for main in columns[0] for height in main.meets("right")]
                mine = one.meets("left")
                while any(abs(y + height - other) < 5 for height in mine for other in taken):
                    y += 1
            one.y = y
            y += one.height + GAP


def _spread(columns: Sequence[Sequence[Placed]], lanes: Sequence[Lane]) -> float:
    """Give columns and lanes their places from left to right; returns the picture's width."""
    x: float = MARGIN
    main, aside = columns
    for channel, before, after in (
        ("left", [], main),
        ("middle", main, aside),
        ("right", aside, []),
    ):
        x += _labels_width(before, "right")
        mine = [lane for lane in lanes if lane.channel == channel]
        x += LEAD + LANE * _assign(mine, x + LEAD) if mine else 0
        x += _labels_width(after, "left") + (LEAD if mine else 0)
        for one in after:
            one.x = x
        x += max((one.width for one in after), default=0)
    return x + MARGIN


def _labels_width(column: Sequence[Placed], side: str) -> float:
    widths = [
        words.width + LEAD for one in column for arrow in one.outs[side] for words in arrow.labels
    ]
    return max(widths, default=0)


def _assign(lanes: Sequence[Lane], x: float) -> int:
    """Share tracks among lanes that do not overlap; returns how many tracks there are."""
    ends: list[list[tuple[float, float]]] = []
    # Lanes of the boxes on the left come first, so that they end beside their boxes.
    for lane in sorted(lanes, key=lambda one: (one.side != "right", one.span)):
        low, high = lane.span
        free = (
            track
            for track, taken in enumerate(ends)
            if all(high + GAP < start or end + GAP < low for start, end in taken)
        )
        track = next(free, len(ends))
        if track == len(ends):
            ends.append([])
        ends[track].append((low, high))
        lane.x = x + LANE * track
    return len(ends)
