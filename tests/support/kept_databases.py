"""One database that tests take turns at, emptied after each: a tenth of the time of a copy.

A database keeps its sessions, and their plans, from one test to the next. What a test commits is
deleted afterwards, tables that the migrations fill and sequences are put back, and a database whose
schema a test changed is replaced by a new copy of the template.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
from psycopg import sql

from tests.support.databases import Database, drop_copy, make_copy
from tests.support.stacks import Cluster

# A database is replaced after this many tests: deleted rows stay in its files until then.
TURNS = 100

TABLES = """
select n.nspname, c.relname,
  array(
    select a.attname from pg_attribute as a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    order by a.attnum
  )
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition
  and n.nspname in ('public', 'private', 'auth', 'realtime', 'storage')
order by c.oid
"""
# Any statement that changes the schema leaves a newer row, or fewer rows, in one of these.
CATALOGS = (
    "pg_attribute", "pg_class", "pg_constraint", "pg_default_acl", "pg_namespace", "pg_policy",
    "pg_proc", "pg_publication_rel", "pg_statistic", "pg_trigger", "pg_type",
)  # fmt: skip
SEQUENCES = """
select format('%I.%I', s.schemaname, s.sequencename) as name, s.last_value, s.start_value
from pg_sequences as s order by 1
"""


class Mark(NamedTuple):
    """How many rows a table has, and the newest transaction that wrote one of them."""

    rows: int
    newest: int


class Filled(NamedTuple):
    """A table that the migrations fill: where it is, and its rows as COPY writes them."""

    name: sql.Identifier
    columns: sql.Composed
    rows: bytes


class KeptDatabase:
    """A copy of the template that tests borrow one after the other."""

    def __init__(self, cluster: Cluster, template: str) -> None:
        self._cluster = cluster
        self._template = template
        self._database: Database | None = None
        self._turns = 0

    @contextmanager
    def lend(self) -> Iterator[Database]:
        """The database as the template has it, for one test."""
        if self._database is None:
            self._make()
        assert self._database is not None
        try:
            yield self._database
        finally:
            self._turns += 1
            if self._turns >= TURNS or not self._put_back():
                self.drop()

    def drop(self) -> None:
        """Drop the database; the next test gets a new one."""
        if self._database is not None:
            self._superuser.close()
            drop_copy(self._cluster, self._database)
            self._database = None

    def _make(self) -> None:
        self._turns = 0
        self._database = make_copy(self._cluster, self._template)
        self._superuser = psycopg.connect(self._database.dsn("supabase_admin"), autocommit=True)
        # Replica: deletes without triggers and foreign keys. A lock that a test left is no wait.
        self._superuser.execute("set session_replication_role = replica; set lock_timeout = '2s'")
        self._ask_catalog = _marks_of([sql.Identifier("pg_catalog", name) for name in CATALOGS])
        self._catalog = self._marks(self._ask_catalog)
        self._sequences = self._superuser.execute(SEQUENCES).fetchall()
        self._filled: list[Filled] = []
        emptied: list[sql.Composed] = []
        for schema, table, written in self._superuser.execute(TABLES).fetchall():
            name = sql.Identifier(schema, table)
            columns = sql.SQL(", ").join(map(sql.Identifier, written))
            rows = self._copy_out(name, columns)
            if rows:
                self._filled.append(Filled(name, columns, rows))
            else:
                place = sql.Identifier(f"emptied_{len(emptied)}")
                emptied.append(sql.SQL("{} as (delete from {})").format(place, name))
        # One statement, so that it is planned once.
        self._empty = sql.SQL("with {} select").format(sql.SQL(", ").join(emptied)).as_string()
        self._ask_filled = _marks_of([table.name for table in self._filled])
        self._marked = self._marks(self._ask_filled)

    def _put_back(self) -> bool:
        """Whether the database is again as the template; a schema that changed cannot be."""
        assert self._database is not None
        self._database.rest()
        with contextlib.suppress(psycopg.Error), self._superuser.transaction():
            if self._marks(self._ask_catalog) != self._catalog:
                return False
            self._superuser.execute(self._empty)
            marks = self._marks(self._ask_filled)
            if marks != self._marked:
                changed = [a != b for a, b in zip(marks, self._marked, strict=True)]
                for table, is_changed in zip(self._filled, changed, strict=True):
                    if is_changed:
                        self._refill(table)
                self._marked = self._marks(self._ask_filled)
            self._rewind()
            return True
        return False

    def _marks(self, query: str) -> list[Mark]:
        return [Mark(rows, newest) for _, rows, newest in self._superuser.execute(query).fetchall()]

    def _refill(self, table: Filled) -> None:
        self._superuser.execute(sql.SQL("delete from {}").format(table.name))
        copy_in = sql.SQL("copy {} ({}) from stdin").format(table.name, table.columns)
        with self._superuser.cursor().copy(copy_in) as copy:
            copy.write(table.rows)

    def _copy_out(self, name: sql.Identifier, columns: sql.Composed) -> bytes:
        query = sql.SQL("copy (select {} from {}) to stdout").format(columns, name)
        with self._superuser.cursor().copy(query) as copy:
            return b"".join(bytes(block) for block in copy)

    def _rewind(self) -> None:
        now = self._superuser.execute(SEQUENCES).fetchall()
        for was, (_, last_value, _) in zip(self._sequences, now, strict=True):
            name, value, start = was
            if last_value != value:
                self._superuser.execute(
                    "select setval(%s::regclass, %s, %s)",
                    (name, start if value is None else value, value is not None),
                )


def _marks_of(tables: list[sql.Identifier]) -> str:
    # Ages are counted from the next transaction back; from the first one on they stand still.
    query = sql.SQL(" union all ").join(
        sql.SQL(
            "select {}, count(*), age('3'::xid)::bigint - coalesce(min(age(xmin)), 0) from {}"
        ).format(place, table)
        for place, table in enumerate(tables)
    )
    return (query + sql.SQL(" order by 1")).as_string()
