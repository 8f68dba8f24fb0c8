"""No module needs one that needs it: each can be read after those that it imports."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter

from tests.support.project import project_files
from tests.support.stacks import ROOT

OURS = ("scripts", "webhooks", "examples", "tests")
# Searched for, because parsing every module takes seconds.
IMPORT = re.compile(r"^[ \t]*import ([\w.]+)", re.MULTILINE)
FROM = re.compile(r"^[ \t]*from ([\w.]+) import (\([^)]*\)|.+)", re.MULTILINE)
NAME = re.compile(r"(\w+)(?: as \w+)?")
COMMENT = re.compile(r"#.*")


def modules() -> dict[str, str]:
    """The text of every module of ours, by its dotted name."""
    found = {}
    for path in project_files(".py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[0] in OURS:
            found[".".join(part for part in parts if part != "__init__")] = path.read_text("utf-8")
    return found


def imported(text: str, known: dict[str, str]) -> set[str]:
    """The modules of ours that a text imports, also for its types alone."""
    names = set(IMPORT.findall(text))
    for module, given in FROM.findall(text):
        for name in NAME.findall(COMMENT.sub("", given)):
            inner = f"{module}.{name}"
            names.add(inner if inner in known else module)
    return names & known.keys()


def test_imports_do_not_go_round() -> None:
    known = modules()
    assert len(known) > 100
    graph = {name: imported(text, known) - {name} for name, text in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(f"these import each other: {' -> '.join(error.args[1])}") from None
