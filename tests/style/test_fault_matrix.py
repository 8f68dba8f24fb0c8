"""Each fault that can befall a payment stands in docs/PAYMENTS.md, with a test that is there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.stacks import ROOT

FOLDER = ROOT / "tests" / "payments" / "faults"
ROW = re.compile(r"^\| (?P<number>\d+) \|(?P<rest>.*)\|$", re.MULTILINE)
TEST = re.compile(r"`(?P<file>tests/[\w/]+\.py)::(?P<name>\w+)`")
FAULTS = 69


def page() -> str:
    """What follows the marker of the table."""
    whole = (ROOT / "docs" / "PAYMENTS.md").read_text("utf-8")
    before, marker, after = whole.partition("<!-- faults -->")
    assert before
    assert marker
    return after


def rows() -> dict[int, str]:
    """The rows of the table, by number."""
    return {int(row["number"]): row["rest"] for row in ROW.finditer(page())}


def functions_of(file: str) -> set[str]:
    """The functions of a file."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_table_has_every_fault_once_and_in_order() -> None:
    assert [int(row["number"]) for row in ROW.finditer(page())] == list(range(1, FAULTS + 1))


@pytest.mark.parametrize("number", range(1, FAULTS + 1))
def test_every_fault_says_all_and_names_tests_that_are_there(number: int) -> None:
    cells = [cell.strip() for cell in rows()[number].split("|")]
    assert len(cells) == 6
    assert all(cells)
    named = list(TEST.finditer(cells[-1]))
    assert named, f"fault {number} names no test"
    for test in named:
        assert test["name"].startswith("test_")
        assert test["name"] in functions_of(test["file"]), f"fault {number}: {test[0]}"


def test_every_test_of_faults_is_named_by_a_fault() -> None:
    named = {(test["file"], test["name"]) for test in TEST.finditer(page())}
    there = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in FOLDER.glob("test_*.py")
        for name in functions_of(path.relative_to(ROOT).as_posix())
        if name.startswith("test_") and path.name != "test_mutations.py"
    }
    assert there - named == set()
