"""Pieces of Markdown that several pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells may hold anything but line breaks."""
    lines = [
        head,
        ["---"] * len(head),
        *([cell.replace("|", "\\|") for cell in row] for row in rows),
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def read_table(page: str) -> list[tuple[str, ...]]:
    """The cells of the rows of a page's only table, without its head."""
    lines = [line for line in page.splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[2:]]


def code(name: str) -> str:
    """A name as code."""
    return f"`{name}`"


def codes(names: Iterable[str]) -> str:
    """Names as code, one behind the other."""
    return ", ".join(code(name) for name in names)
