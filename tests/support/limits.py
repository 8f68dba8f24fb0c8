"""Takes the limits on writing away, for tests that are about something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

# Accounts copy the free messages at sign-up, so lift the limits before anybody signs up.
LIFTED = """
select key, case key when 'daily_free_limit' then '1000000' else 'null' end::jsonb
from private.settings
where key in ('daily_free_limit', 'stranger_messages') or key like 'rate\\_%'
"""


def lift_limits(dsn: str) -> None:
    """Let everybody write as much and as fast as they like.

    Args:
        dsn: connection URL of the role `postgres`.
    """
    with psycopg.connect(dsn) as connection:
        _store(connection, dict(connection.execute(LIFTED).fetchall()))


@contextmanager
def lifted_limits(dsn: str) -> Iterator[None]:
    """The same for a while; afterwards the settings are what they were."""
    with psycopg.connect(dsn) as connection:
        wanted: dict[str, Any] = dict(connection.execute(LIFTED).fetchall())
    with changed_settings(dsn, wanted):
        yield


@contextmanager
def changed_settings(dsn: str, wanted: Mapping[str, Any]) -> Iterator[None]:
    """Give settings other values for a while; afterwards they are what they were."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        before = connection.execute(
            "select key, value from private.settings where key = any(%s)", (list(wanted),)
        ).fetchall()
        _store(connection, wanted)
        try:
            yield
        finally:
            _store(connection, dict(before))


def _store(connection: psycopg.Connection[Any], wanted: Mapping[str, Any]) -> None:
    connection.cursor().executemany(
        "update private.settings set value = %s where key = %s",
        [(Jsonb(value), key) for key, value in wanted.items()],
    )
