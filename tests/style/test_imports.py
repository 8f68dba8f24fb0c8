"""No module needs one that needs it: each can be read after those that it imports."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter

from tests.support.project import project_files
from tests.support.stacks import ROOT

OURS = ("scripts", "webhooks", "examples", "tests")


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
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                names.add(inner if inner in known else node.module)
    return names & known.keys()


def test_imports_do_not_go_round() -> None:
    known = modules()
    assert len(known) > 100
    graph = {name: imported(text, known) - {name} for name, text in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(f"these import each other: {' -> '.join(error.args[1])}") from None
