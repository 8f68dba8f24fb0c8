"""The databases that every row measures, and their size."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.benchmarks.database import Side
from scripts.benchmarks.world import Size


@dataclass(frozen=True)
class Bench:
    """The sides by name: `new` is this tree; `old`, if there is one, is what it is held to."""

    sides: dict[str, Side]
    size: Size

    @property
    def new(self) -> Side:
        """The tree's product."""
        return self.sides["new"]
