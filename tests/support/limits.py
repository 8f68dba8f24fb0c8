"""Takes the limits on writing away, for tests that are about something else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

# Accounts copy the free messages at sign-up, so lift the limits before anybody signs up.
LIMITS = "key in ('daily_free_limit', 'stranger_messages') or key like 'rate\\_%'"
LIFT = f"""
update private.settings
set value = case key when 'daily_free_limit' then '1000000' else 'null' end::jsonb
where {LIMITS}
"""  # noqa: S608


def lift_limits(dsn: str) -> None:
    """Let everybody write as much and as fast as they like.

    Args:
        dsn: connection URL of the role `postgres`.
    """
    with psycopg.connect(dsn) as connection:
        connection.execute(LIFT)


@contextmanager
def lifted_limits(dsn: str) -> Iterator[None]:
    """The same for a while; afterwards the settings are what they were."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        before = connection.execute(
            f"select key, value::text from private.settings where {LIMITS}"  # noqa: S608
        ).fetchall()
        connection.execute(LIFT)
        try:
            yield
        finally:
            connection.cursor().executemany(
                "update private.settings set value = %(value)s::jsonb where key = %(key)s",
                [{"key": key, "value": value} for key, value in before],
            )
