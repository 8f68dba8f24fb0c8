"""docs/FLOW.md and its pictures say what the rows say, legibly, and go stale with them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import pytest

from scripts.build.build_migrations import read_sources
from scripts.build.docs.catalog import Catalog, read_catalog
from scripts.build.docs.flow import render_pictures
from scripts.build.docs.flow_picture import main_path
from scripts.build.docs.flow_rows import (
    Field,
    Flow,
    Move,
    State,
    in_words,
    read_flows,
    share,
    share_fields,
    share_moves,
)
from scripts.build.docs.layout import MONO, SANS, SIZE, TITLE_SIZE, Arrow, Box, Words
from scripts.build.docs.pages import PARTS
from scripts.build.docs.picture import draw
from scripts.build.render_docs import DOCS, find_stale, render_flow_pages
from tests.support.databases import Database, copied_database
from tests.support.stacks import ROOT, Cluster

SVG = "{http://www.w3.org/2000/svg}"
EXAMPLE = re.compile(r"^```json\n(.*?)^```", re.DOTALL | re.MULTILINE)
Area = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def project(cluster: Cluster, limited_template: str) -> Iterator[Database]:
    """A database with the sources, for tests that only look."""
    with copied_database(cluster, limited_template) as database:
        yield database


@pytest.fixture(scope="module")
def flows(project: Database) -> list[Flow]:
    """The flows that the sources publish."""
    return read_flows(project.dsn())


@pytest.fixture(scope="module")
def catalog(project: Database) -> Catalog:
    """What the sources make."""
    return read_catalog(project.dsn(), read_sources())


def state(name: str) -> State:
    """A state with nothing but a name."""
    return State(name, name.title(), "none", None, None, None, False, None, None)


def move(name: str, source: str, action: str, target: str | None, *roles: str) -> Move:
    """A move with nothing but where it leads and who takes it."""
    return Move(1, name, (source,), roles, action, (), target, None, (), None, None)


def flow(kind: str, states: str, *moves: Move, fields: tuple[Field, ...] = ()) -> Flow:
    """A flow of these states and moves."""
    known = tuple(state(name) for name in states.split())
    return Flow(kind, 1, {}, known, moves, (), (), fields)


def stale(database: Database, catalog: Catalog) -> set[str]:
    """The pages of the flow that `--check` complains about."""
    complaints = find_stale(render_flow_pages(database.dsn(), catalog))
    return {complaint.removeprefix("docs/").split()[0] for complaint in complaints}


# In step with the rows


def test_the_pages_are_in_step_with_the_rows(project: Database, catalog: Catalog) -> None:
    assert stale(project, catalog) == set()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            "update private.flow_states set title = 'Over' where state = 'chat_closed'",
            {"FLOW.md", "flow/bid.svg", "flow/campaign.svg", "flow/direct.svg"},
        ),
        (
            "update private.flow_states set lasts = '8 days' where state = 'brand_owner_reviewing'",
            {"FLOW.md", "flow/campaign.svg"},
        ),
        (
            "update private.flow_messages set text = 'Bye.'"
            " where transition = 'party_ends_conversation'",
            {"FLOW.md"},
        ),
        (
            "update private.flow_transitions set guards = '{}'"
            " where name = 'brand_owner_requests_revision'",
            {"FLOW.md"},
        ),
        (
            "update private.flow_actions set text = 'No' where action = 'reject_price'",
            {"FLOW.md"},
        ),
        (
            "update private.flow_inputs set max_length = 7 where action = 'approve_work'",
            {"FLOW.md"},
        ),
        (
            "update private.flow_definitions set rules = rules || '{\"max_rounds\": 4}' "
            "where kind = 'bid'",
            {"FLOW.md"},
        ),
    ],
    ids=["title", "limit", "message", "guard", "button", "input", "rule"],
)
def test_a_changed_row_makes_the_check_fail(
    limited_db: Database, catalog: Catalog, change: str, expected: set[str]
) -> None:
    limited_db.query_as_superuser(change)
    assert stale(limited_db, catalog) == expected


def test_a_rule_without_a_meaning_is_complained_about(
    limited_db: Database, catalog: Catalog
) -> None:
    limited_db.query_as_superuser(
        "update private.flow_definitions set rules = rules || '{\"max_hugs\": 1}'"
    )
    with pytest.raises(ValueError, match=r"docs/parts/flow_rules\.md: add a row for max_hugs"):
        render_flow_pages(limited_db.dsn(), catalog)


def test_every_row_is_on_the_page(flows: list[Flow]) -> None:
    page = (DOCS / "FLOW.md").read_text("utf-8")
    assert [one.kind for one in flows] == ["bid", "campaign", "direct"]
    for one in flows:
        for known in one.states:
            assert f"\n### {known.name}\n" in page
        for step in one.moves:
            assert re.search(rf"^\| {step.name}(?: \(\w+\))? \|.*`{step.action}`", page, re.M)
        for message in one.messages:
            assert message.text.replace("\n", "<br>").replace("|", "\\|") in page
        for field in one.fields:
            assert f"\n| `{field.name}`" in page


def test_what_bids_and_campaigns_share_is_printed_once(flows: list[Flow]) -> None:
    page = (DOCS / "FLOW.md").read_text("utf-8")
    shared = [one for one, kinds in share_moves(flows) if kinds == ("bid", "campaign")]
    assert shared
    for one in shared:
        rows = re.findall(rf"^\| {one.name} \| .*`{one.action}`", page, re.M)
        assert len(rows) == 1, rows


def test_the_example_of_a_flow_is_sound(limited_db: Database) -> None:
    (example,) = EXAMPLE.findall((PARTS / "flow_changes.md").read_text("utf-8"))
    with limited_db.as_service():
        answer = limited_db.call("validate_flow", spec=json.loads(example))
    assert answer["valid"], answer["violations"]


# What several kinds share


def test_an_item_of_one_kind_stands_behind_what_precedes_it_there() -> None:
    shared = share({"bid": "abd", "campaign": "acd"})
    assert shared == [
        ("a", ("bid", "campaign")),
        ("c", ("campaign",)),
        ("b", ("bid",)),
        ("d", ("bid", "campaign")),
    ]


def test_a_move_of_all_its_states_is_one_though_kinds_have_other_states() -> None:
    leave = move("party_leaves", "", "leave", "closed", "influencer")
    bid = flow("bid", "a b closed", replace(leave, from_states=("a", "b")))
    campaign = flow("campaign", "b c closed", replace(leave, from_states=("b", "c")))
    [(shared, kinds)] = share_moves([bid, campaign])
    assert (set(shared.from_states), kinds) == ({"a", "b", "c"}, ("bid", "campaign"))


def test_a_move_that_one_kind_lacks_in_a_state_of_its_own_is_two() -> None:
    leave = move("party_leaves", "", "leave", "closed", "influencer")
    bid = flow("bid", "a b closed", replace(leave, from_states=("a", "b")))
    campaign = flow("campaign", "a b closed", replace(leave, from_states=("a",)))
    assert [kinds for _, kinds in share_moves([bid, campaign])] == [("bid",), ("campaign",)]


def test_a_field_of_an_action_that_only_one_kind_has_is_one() -> None:
    reason = Field((), "reason", "text", False, None, None, None, None, None, None, False)
    bid = flow(
        "bid",
        "a b",
        move("one", "a", "leave", "b", "influencer"),
        fields=(replace(reason, actions=("leave",)),),
    )
    direct = flow(
        "direct",
        "a b",
        move("one", "a", "close", "b", "member"),
        fields=(replace(reason, actions=("close",)),),
    )
    [(shared, kinds)] = share_fields([bid, direct])
    assert (shared.actions, kinds) == (("close", "leave"), ("bid", "direct"))


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(days=14), "14 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=72), "3 days"),
        (timedelta(hours=73), "73 hours"),
    ],
)
def test_a_length_of_time_reads_as_people_say_it(span: timedelta, words: str) -> None:
    assert in_words(span) == words


# The pictures


def test_the_main_path_is_that_of_a_deal_that_goes_well(flows: list[Flow]) -> None:
    bid, campaign, direct = (main_path(one) for one in flows)
    ending = [
        *("brand_owner_pricing", "influencer_price_response", "payment_pending"),
        *("payment_completed", "work_in_progress", "work_submitted", "work_approved"),
        *("real_time", "chat_closed"),
    ]
    details = ["brand_owner_details", "influencer_reviewing"]
    assert bid == ["initial", "influencer_responding", *details, *ending]
    assert campaign == ["initial", "brand_owner_reviewing", *ending]
    assert direct == ["initial", "real_time", "chat_closed"]


def width_of(text: ElementTree.Element) -> float:
    is_title = text.get("class") == "title"
    return len(text.text or "") * (TITLE_SIZE * SANS if is_title else SIZE * MONO)


def area_of(text: ElementTree.Element) -> Area:
    """Left, top, right and bottom of a text, without the descenders."""
    x, y, width = float(text.get("x", 0)), float(text.get("y", 0)), width_of(text)
    left = x - width if text.get("text-anchor") == "end" else x
    return left, y - SIZE + 3, left + width, y


def overlap(one: Area, other: Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def boxes_of(picture: ElementTree.Element) -> list[Area]:
    """The areas of the boxes."""
    boxes = []
    for box in picture.iter(f"{SVG}rect"):
        if box.get("rx") == "6":
            x, y, width, height = (float(box.get(key, 0)) for key in ("x", "y", "width", "height"))
            boxes.append((x, y, x + width, y + height))
    return boxes


@pytest.mark.parametrize("kind", ["bid", "campaign", "direct"])
def test_nothing_in_a_picture_covers_anything_else(kind: str) -> None:
    picture = ElementTree.fromstring((DOCS / "flow" / f"{kind}.svg").read_text("utf-8"))  # noqa: S314
    texts = [(text.text, area_of(text)) for text in picture.iter(f"{SVG}text")]
    boxes = boxes_of(picture)
    assert len(boxes) >= 3
    width, height = float(picture.get("width", 0)), float(picture.get("height", 0))
    for (one, area), (other, second) in combinations(texts, 2):
        assert not overlap(area, second), (one, other)
    for text, area in texts:
        assert area[0] >= 0, text
        assert area[2] <= width, text
        assert area[3] <= height, text
        inside = [box[0] <= area[0] and area[2] <= box[2] for box in boxes if overlap(area, box)]
        assert all(inside), f"{text} runs over the edge of a box"
    for box, other_box in combinations(boxes, 2):
        assert not overlap(box, other_box)
    for line in picture.iter(f"{SVG}polyline"):
        points = [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]
        (x, y), (u, v) = points
        area = (min(x, u), min(y, v), max(x, u), max(y, v))
        for left, top, right, bottom in boxes:
            assert not overlap(area, (left + 1, top + 1, right - 1, bottom - 1)), points


def test_level_lines_do_not_run_on_top_of_each_other(flows: list[Flow]) -> None:
    for name, text in render_pictures(flows).items():
        picture = ElementTree.fromstring(text)  # noqa: S314
        level = []
        for line in picture.iter(f"{SVG}polyline"):
            (x, y), (u, v) = (pair.split(",") for pair in line.get("points", "").split())
            if y == v and line.get("class") == "line":
                level.append((min(float(x), float(u)), max(float(x), float(u)), float(y)))
        for one, other in combinations(level, 2):
            apart = one[1] <= other[0] or other[1] <= one[0]
            assert apart or abs(one[2] - other[2]) > 2, (name, one, other)


def test_every_move_that_leads_on_is_on_an_arrow(flows: list[Flow]) -> None:
    for one in flows:
        text = (DOCS / "flow" / f"{one.kind}.svg").read_text("utf-8")
        for step in one.moves:
            wanted = step.action if step.to_state else f"stays: {step.action}"
            assert f">{wanted}</text>" in text


def test_words_that_mean_something_to_xml_are_drawn_as_they_are() -> None:
    boxes = [
        Box("a", "Fish & <chips>", (), "#000000"),
        Box("b", "B", (Words("x < y", "#000000"),), "#000000"),
    ]
    text = draw("A & B", [], boxes, [Arrow("a", "b", (Words("<eat>", "#000000"),))])
    picture = ElementTree.fromstring(text)  # noqa: S314
    words = {one.text for one in picture.iter(f"{SVG}text")}
    assert {"A & B", "Fish & <chips>", "x < y", "<eat>"} <= words


SAME = """
from tests.style.test_flow_docs import flow, move
from scripts.build.docs.flow_picture import draw_flow
moves = [
    move("one", "a", "go", "b", "influencer"), move("two", "a", "skip", "c", "brand_owner"),
    move("three", "b", "skip", "c", "influencer", "brand_owner"),
    move("four", "c", "back", "a", "admin"),
]
print(draw_flow(flow("bid", "a b c", *moves)))
"""


def test_a_picture_is_the_same_in_every_process() -> None:
    drawn = {
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", SAME],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    (picture,) = drawn
    assert picture.count("<polygon") == 4
