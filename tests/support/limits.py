"""Takes the limits on writing away, for tests that are about something else."""

from __future__ import annotations

import psycopg

# Accounts copy the free messages at sign-up, so lift the limits before anybody signs up.
LIFT = """
update private.settings
set value = case key when 'daily_free_limit' then '1000000' else 'null' end::jsonb
where key in ('daily_free_limit', 'stranger_messages') or key like 'rate\\_%'
"""


def lift_limits(dsn: str) -> None:
    """Let everybody write as much and as fast as they like.

    Args:
        dsn: connection URL of the role `postgres`.
    """
    with psycopg.connect(dsn) as connection:
        connection.execute(LIFT)
