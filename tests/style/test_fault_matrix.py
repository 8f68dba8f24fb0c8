"""Each outcome and fault of a payment stands in the docs, each fault with a test that is there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.stacks import ROOT

FOLDER = ROOT / "tests" / "payments" / "faults"
ROW = re.compile(r"^\| (?P<number>\d+) \|(?P<rest>.*)\|$", re.MULTILINE)
TEST = re.compile(r"`(?P<file>tests/[\w/]+\.py)::(?P<name>\w+)`")
FAULTS = 69
OUTCOMES = ROOT / "supabase" / "functions_sql" / "50_payments" / "conclude.sql"
# An outcome, what becomes of the event, how grave it is for operators or null.
OUTCOME = re.compile(r"\('(?P<name>\w+)', '(?P<status>\w+)', (?P<severity>'\w+'|null), ")


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


def test_every_outcome_is_explained_and_every_alert_has_its_remedy() -> None:
    page = (ROOT / "docs" / "PAYMENTS.md").read_text("utf-8").partition("<!-- faults -->")[0]
    remedies = (ROOT / "docs" / "OPERATIONS.md").read_text("utf-8")
    outcomes = list(OUTCOME.finditer(OUTCOMES.read_text("utf-8")))
    assert len(outcomes) > 20
    for outcome in outcomes:
        name, severity = f"`{outcome['name']}`", outcome["severity"].strip("'")
        if outcome["name"] != "event_id_reused":  # an alert beside the outcome
            (row,) = (line for line in page.splitlines() if line[:1] == "|" and name in line)
            assert row.split("|")[3:5] == [
                f" {outcome['status']} ",
                " " if severity == "null" else f" {severity} ",
            ], name
        if severity != "null":
            assert re.search(rf"^\| [^|]*{name}[^|]* \|", remedies, re.MULTILINE), name


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
