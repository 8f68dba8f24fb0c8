"""Applies supabase/migrations the way `supabase db push` does, and records them the same way."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

MIGRATIONS = Path(__file__).parents[3] / "supabase" / "migrations"
# `supabase db push` looks at files of this shape only.
NAME = re.compile(r"^(?P<version>[0-9]+)_(?P<name>.*)\.sql$")

HISTORY = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (
  version text not null primary key,
  statements text[],
  name text
);
"""


def apply_migrations(dsn: str, folder: Path = MIGRATIONS) -> list[str]:
    """Apply each migration that is not recorded yet, each in a transaction of its own.

    Args:
        dsn: connection URL of the role `postgres`.
        folder: where the files lie.

    Returns:
        The file names that were applied, oldest first.
    """
    applied = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set client_min_messages = warning")
        connection.execute(HISTORY)
        rows = connection.execute("select version from supabase_migrations.schema_migrations")
        known = {version for (version,) in rows}
        for path in sorted(folder.glob("*.sql")):
            match = NAME.match(path.name)
            if match is None or match["version"] in known:
                continue
            text = path.read_text(encoding="utf-8")
            with connection.transaction():
                connection.execute(text.encode())
                connection.execute(
                    "insert into supabase_migrations.schema_migrations (version, name, statements)"
                    " values (%s, %s, %s)",
                    (match["version"], match["name"], [text]),
                )
            applied.append(path.name)
        if applied:
            connection.execute("notify pgrst, 'reload schema'")
    return applied
