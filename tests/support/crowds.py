"""Many calls at once, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from tests.support.databases import Database, read_refusal

OK = "ok"


def outcome(call: Callable[[], Any]) -> str:
    """`ok`, or the code of the refusal; for an error of Postgres itself its SQLSTATE."""
    try:
        call()
    except psycopg.Error as error:
        return read_refusal(error).code
    return OK


def play_at_once(
    db: Database, threads: int, times: int, play: Callable[[Database, int], Any]
) -> Counter[str]:
    """Call `play(session, number)` that many times from a crowd; how many ended how.

    Each thread has a session of its own and takes every `threads`th number.
    """
    sessions = [db.session() for _ in range(threads)]

    def play_some(place: int) -> list[str]:
        return [
            outcome(lambda number=number: play(sessions[place], number))  # type: ignore[misc]
            for number in range(place, times, threads)
        ]

    with ThreadPoolExecutor(threads) as crowd:
        return Counter(end for ends in crowd.map(play_some, range(threads)) for end in ends)
