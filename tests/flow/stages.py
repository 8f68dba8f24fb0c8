"""A database whose whole play happens in one transaction: `now()` stands still, nothing is left.

Calls have the caller's role, claims and timeouts as with `Database`, and looks behind the scenes
are in the same transaction, so that they see what has not been committed. Time passes by moving
the stored times back, exact to the microsecond.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from tests.support.calls import Connection, Row
from tests.support.databases import Database, copied_database
from tests.support.stacks import Cluster


class Stage(Database):
    """A `Database` with one connection for everybody, which must be `rolled_back`."""

    _began: datetime | None = None

    def _connection(self, role: str) -> Connection:
        if role not in ("authenticator", "postgres"):
            return super()._connection(role)
        return super()._connection("postgres")

    def session(self) -> Database:
        """There is none: a second session sees nothing of the play, and would leave something."""
        raise AssertionError("a stage has one session; take `db`")

    def select(self, query: str, *parameters: Any) -> list[Row]:
        """As with `Database`; what comes after it is `postgres` again."""
        found = super().select(query, *parameters)
        self._connection("postgres").execute("set local role none")
        return found

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        """Undo at the end whatever the block does; may be nested."""
        outer = self._began
        with super()._connection("postgres").transaction(force_rollback=True):
            self._began = outer or super().now()
            try:
                yield
                self.check_events()
            finally:
                self._began = outer

    def now(self) -> datetime:
        """The time at which everything in this transaction happens: asked once."""
        return self._began or super().now()


# Steps are stamped with the moment at which their lock was there; on a stage that is now() too.
STOP_CLOCKS = """
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_catalog.pg_proc as p
    where p.pronamespace = 'private'::regnamespace and p.prosrc like '%clock_timestamp()%'
  loop
    execute replace(pg_get_functiondef(v_function), 'clock_timestamp()', 'now()');
  end loop;
end $$
"""


@contextmanager
def copied_stage(cluster: Cluster, template: str) -> Iterator[Stage]:
    """A copy of the template as a stage, dropped at the end."""
    with copied_database(cluster, template) as database:
        database.query(STOP_CLOCKS)
        stage = Stage(database.port, database.name)
        try:
            yield stage
        finally:
            stage.close()
