"""A database of one test's own, and what people do in it: calls and reads as PostgREST makes them.

Every call and read is one transaction of a connection that logged in as `authenticator`, with the
role, claims and headers of the person who is signed in. `transaction()` groups several.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from scripts.build.build_migrations import apply_sources
from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.config import database_url
from scripts.dev.local_supabase.migrations import apply_migrations
from tests.support.answers import check_answer, check_events
from tests.support.calls import Connection, Identity, Row, call_function, sign_in
from tests.support.limits import lift_limits
from tests.support.stacks import Cluster, forget_durability

# A test that waits longer than this for a lock or an answer has found a deadlock.
PATIENCE = 10.0


@dataclass
class Refusal:
    """What a refused call answered; filled when the `with` block of `refused` ends."""

    code: str = ""
    status: int | None = None
    message: str = ""
    details: Any = None
    hint: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Database:
    """One session on one database: who is signed in, and the two connections it needs."""

    def __init__(self, port: int, name: str) -> None:
        self.port = port
        self.name = name
        self._identity: Identity | None = None
        self._connections: dict[str, Connection] = {}
        self._sessions: list[Database] = []
        self._worker = ThreadPoolExecutor(max_workers=1)

    def dsn(self, role: str = "postgres") -> str:
        """The connection URL of a login role."""
        return database_url(role, self.port, self.name)

    def session(self) -> Database:
        """An independent session on the same database, for a second person at the same time."""
        other = Database(self.port, self.name)
        self._sessions.append(other)
        return other

    def rest(self) -> None:
        """End the sessions made from this one, and what a test left open; keep the connections."""
        for other in self._sessions:
            other.close()
        self._sessions.clear()
        self._identity = None
        for role, connection in list(self._connections.items()):
            if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
                self._connections.pop(role).close()

    def close(self) -> None:
        """Close this session and those made from it."""
        self._worker.shutdown(wait=True, cancel_futures=True)
        for other in self._sessions:
            other.close()
        for connection in self._connections.values():
            connection.close()

    # Who is there

    def create_user(self, name: str, **metadata: Any) -> uuid.UUID:
        """Sign somebody up as `<name>@example.com`; `metadata` is what the client sends along."""
        user = uuid.uuid4()
        insert = """
            insert into auth.users
              (id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
               email_confirmed_at)
            values (%s, 'authenticated', 'authenticated', %s, '{}', %s, now(), now(), now())
        """
        email = f"{name.lower().replace(' ', '.')}@example.com"
        self._connection("supabase_auth_admin").execute(insert, (user, email, json.dumps(metadata)))
        return user

    @contextmanager
    def signed_in_as(
        self, user: uuid.UUID, headers: Mapping[str, str] | None = None, **claims: Any
    ) -> Iterator[None]:
        """Make calls as this user; `claims` adds to or replaces the token's claims."""
        role = "authenticated"
        token = {"sub": str(user), "role": role, "aud": role, "is_anonymous": False, **claims}
        with self._acting(Identity(role, token, headers or {})):
            yield

    @contextmanager
    def as_anon(self) -> Iterator[None]:
        """Make calls with the publishable key and no user."""
        with self._acting(Identity("anon", {"role": "anon"})):
            yield

    @contextmanager
    def as_service(self) -> Iterator[None]:
        """Make calls with the secret key, as the Flask app does for webhooks."""
        with self._acting(Identity("service_role", {"role": "service_role"})):
            yield

    # What they do

    def call(self, function: str, /, **arguments: Any) -> Any:
        """Call the RPC; the answer is what a client would get, parsed from JSON."""
        connection = self._connection("authenticator")
        answer = call_function(connection, "public", function, arguments, self._caller())
        check_answer(function, answer)
        return answer

    def start(self, function: str, /, **arguments: Any) -> Future[Any]:
        """Call the RPC in the background, as the one who is signed in now.

        With `wait_until_blocked` this shows two transactions meeting at a lock. The session
        can do nothing else until the future is done.
        """
        identity = self._identity
        self._connection("authenticator")  # here, so that only one thread ever makes it

        def run() -> Any:
            self._identity = identity
            return self.call(function, **arguments)

        return self._worker.submit(run)

    def select(self, query: str, *parameters: Any) -> list[Row]:
        """Read (or try to write) as the one who is signed in, through grants and policies."""
        connection = self._connection("authenticator")
        with connection.transaction():
            sign_in(connection, self._caller(), "/")
            return _run(connection, query, parameters)

    def query(self, query: str, *parameters: Any) -> list[Row]:
        """Run SQL as `postgres`, who sees every row; for arranging and for looking behind."""
        return _run(self._connection("postgres"), query, parameters)

    def query_as_superuser(self, query: str, *parameters: Any) -> list[Row]:
        """Run SQL as the platform's superuser: only for what no project could do by itself."""
        return _run(self._connection("supabase_admin"), query, parameters)

    def value(self, query: str, *parameters: Any) -> Any:
        """The only column of the only row of a query as `postgres`."""
        (row,) = self.query(query, *parameters)
        (value,) = row.values()
        return value

    def now(self) -> datetime:
        """What time it is."""
        moment: datetime = self.value("select now()")
        return moment

    def check_events(self) -> None:
        """Hold every broadcast that is stored now against its schema."""
        with contextlib.suppress(psycopg.ProgrammingError):  # a test broke it
            rows = self._connection("postgres").execute(
                "select event, payload from realtime.messages where event is not null"
            )
            check_events((row["event"], row["payload"]) for row in rows)

    def call_private(self, function: str, /, **arguments: Any) -> Any:
        """Call a function of schema private as `postgres`, as a test of that function alone."""
        return call_function(self._connection("postgres"), "private", function, arguments)

    def tell(self, conversation_id: str, fact: str, given: Mapping[str, Any]) -> Any:
        """Tell a deal a fact of the payment provider, past the provider's own events."""
        return self.call_private(
            "operate", p_conversation_id=conversation_id, p_action=fact, p_input=given,
            p_role="system",
        )  # fmt: skip

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep the calls of the block in one transaction, committed at its end."""
        with self._connection("authenticator").transaction():
            yield

    # What is expected

    @contextmanager
    def refused(
        self, code: str, status: int | None = None, *, details: Mapping[str, Any] | None = None
    ) -> Iterator[Refusal]:
        """Expect the block to be refused with exactly this.

        Args:
            code: our error code, or the SQLSTATE of an error that Postgres itself raises.
            status: the HTTP status; always needed with one of our codes.
            details: these keys must be in the error's details with these values.

        Yields:
            The refusal, filled when the block has ended, for anything else worth asserting.
        """
        refusal = Refusal()
        try:
            yield refusal
        except psycopg.Error as error:
            seen = read_refusal(error)
            vars(refusal).update(vars(seen))
            assert (seen.code, seen.status) == (code, status), f"refused otherwise: {seen}"
            given = seen.details if isinstance(seen.details, dict) else {}
            wanted = dict(details or {})
            assert {key: given.get(key) for key in wanted} == wanted, f"other details: {seen}"
        else:
            raise AssertionError(f"expected {code}, but nothing was refused")

    def assert_hidden(self, query: str, *parameters: Any) -> None:
        """Expect no row for the one who is signed in, where there is one for `postgres`."""
        assert self.query(query, *parameters), f"nobody has such a row: {query}"
        assert self.select(query, *parameters) == []

    def wait_until_blocked(self, other: Database) -> None:
        """Return when the transaction that `other` started waits for a lock."""
        pid = other.pid

        def is_blocked() -> bool:
            return bool(self.value("select cardinality(pg_blocking_pids(%s)) > 0", pid))

        postgres.wait_until(is_blocked, PATIENCE, f"session {pid} waits for nobody")

    @property
    def pid(self) -> int:
        """The process that runs this session's calls."""
        return self._connection("authenticator").info.backend_pid

    # How it is done

    @contextmanager
    def _acting(self, identity: Identity) -> Iterator[None]:
        before, self._identity = self._identity, identity
        try:
            yield
        finally:
            self._identity = before

    def _connection(self, role: str) -> Connection:
        if role not in self._connections:
            # psycopg would drop what calls prepared after every rollback, with its own.
            self._connections[role] = psycopg.connect(
                self.dsn(role), autocommit=True, row_factory=dict_row, prepare_threshold=None
            )
        return self._connections[role]

    def _caller(self) -> Identity:
        assert self._identity is not None, "sign in first: signed_in_as, as_anon or as_service"
        return self._identity


def _run(connection: Connection, query: str, parameters: Sequence[Any]) -> list[Row]:
    # Parameters one by one for %s, or one mapping for %(name)s.
    by_name = len(parameters) == 1 and isinstance(parameters[0], Mapping)
    cursor = connection.execute(query.encode(), parameters[0] if by_name else parameters or None)
    return cursor.fetchall() if cursor.description else []


def read_refusal(error: psycopg.Error) -> Refusal:
    """What a client would read in this error; `status` is none when Postgres raised it."""
    diagnosis = error.diag
    if error.sqlstate != "PGRST":
        return Refusal(error.sqlstate or "", None, str(error), diagnosis.message_detail)
    body = json.loads(diagnosis.message_primary or "")
    answer = json.loads(diagnosis.message_detail or "")
    details = body.get("details")
    return Refusal(
        code=body["code"],
        status=answer["status"],
        message=body["message"],
        details=json.loads(details) if isinstance(details, str) else details,
        hint=body.get("hint"),
        headers=answer.get("headers", {}),
    )


def make_template(cluster: Cluster, name: str) -> str:
    """Make the database that tests get copies of: a project with our migrations and sources.

    The sources are applied once more on top, so that an edited function is tested before its
    migration is built; that both say the same is what `tests/migration` checks.
    """
    # Copies and drops of databases wait for the disk otherwise: half of a test's time. Autovacuum
    # would change plans and statistics under a test.
    forget_durability(
        cluster.dsn(), "autovacuum", "fsync", "full_page_writes", "synchronous_commit"
    )
    postgres.create_database(cluster.port, name)
    postgres.bootstrap(cluster.port, name)
    dsn = Database(cluster.port, name).dsn()
    apply_migrations(dsn)
    apply_sources(dsn)
    return name


def lift_template(cluster: Cluster, template: str, name: str) -> str:
    """Make another template, whose users may write as much and as fast as they like."""
    postgres.create_database(cluster.port, name, template)
    lift_limits(Database(cluster.port, name).dsn())
    return name


def make_copy(cluster: Cluster, template: str) -> Database:
    """A copy of the template under a name of its own."""
    name = f"test_{uuid.uuid4().hex}"
    postgres.create_database(cluster.port, name, template)
    # A copy belongs to whoever made it; the owner of the database is who may create in public.
    with psycopg.connect(cluster.dsn(database=name), autocommit=True) as connection:
        connection.execute(
            sql.SQL("alter database {} owner to postgres").format(sql.Identifier(name))
        )
    return Database(cluster.port, name)


def drop_copy(cluster: Cluster, database: Database) -> None:
    """Close the sessions of a copy and drop it."""
    database.close()
    postgres.drop_database(cluster.port, database.name)


@contextmanager
def copied_database(cluster: Cluster, template: str) -> Iterator[Database]:
    """A copy of the template, dropped at the end."""
    database = make_copy(cluster, template)
    try:
        yield database
    finally:
        drop_copy(cluster, database)
