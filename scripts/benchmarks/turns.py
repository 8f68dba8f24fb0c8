"""Sessions that take turns, a few calls each, so that what else the machine does hits all alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scripts.benchmarks.database import Connection
from scripts.benchmarks.meters import Spent, metered_session


@dataclass(frozen=True)
class Player:
    """An open session, and what it repeats there."""

    session: Connection
    call: Callable[[], object]


def take_turns(players: Mapping[str, Player], turns: int, calls: int) -> dict[str, Spent]:
    """Let every player make so many calls in each of so many turns; what all of them cost."""
    spent = {name: Spent() for name in players}
    names = list(players)
    for turn in range(turns):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            player = players[name]
            with metered_session(player.session) as part:
                for _ in range(calls):
                    player.call()
            part.calls = calls
            spent[name] += part
    return spent
