"""Goal 9: login_cleanup with nothing to do, and with a tenth of a user's messages due."""

from __future__ import annotations

import json
from collections.abc import Sequence

from scripts.benchmarks.cluster import Server
from scripts.benchmarks.meters import Spent, metered_session
from scripts.benchmarks.pgbench import BenchmarkError
from scripts.benchmarks.report import Row, middle, ratio
from scripts.benchmarks.world import SQL, Connection, Size, make_id, settle

IDLE_USER = 20
IDLE_CALLS = 50

CLEANUP = "select public.login_cleanup()"
# Rewrites the rows that a cleanup flags, found without any search.
FLAG_BY_CTID = "update {table} set is_expired = true, updated_at = now() where ctid = any(%s)"
FIND = "select array_agg(ctid) from {table} where sender_id = %s and expires_at <= now()"
COUNT = "select count(*) from public.messages where sender_id = %s and is_expired"


def measure_cleanup(server: Server, size: Size) -> list[Row]:
    """Goal 9, against an update of the same rows in this table and in a plainer one."""
    with server.connect() as superuser:
        # The batch is for the patience of one user; the goal is about the rows.
        superuser.execute(
            "update private.settings set value = to_jsonb(%s::integer) where key = 'cleanup_batch'",
            [size.cleanup],
        )
        idle = _idle(server, superuser)
        due = size.cleanup // 10
        cleaned, here, plain = [], [], []
        for _ in range(size.rounds):
            cleaner, same, other = (_user(superuser) for _ in range(3))
            for user, table in (
                (cleaner, "public.messages"),
                (same, "public.messages"),
                (other, "bench.plain_messages"),
            ):
                _expire(superuser, user, table, size.cleanup)
            settle(superuser)
            plain.append(_flag(superuser, other, "bench.plain_messages", due))
            here.append(_flag(superuser, same, "public.messages", due))
            cleaned.append(_clean(server, superuser, cleaner, due))
    what = f"login_cleanup of {due:,} of {size.cleanup:,} messages"
    return [
        Row(
            "9",
            "login_cleanup with nothing to do",
            f"{idle.seconds_per_call * 1000:.2f} ms",
            "<= 0.4 ms",
            idle.seconds_per_call <= 0.4e-3,
            None,
            idle.cpu_us,
        ),
        _compare(f"{what} against an update with the flag in an index", cleaned, plain, 0.3),
        _compare(f"{what} against the same update of this table", cleaned, here, None),
    ]


def _compare(what: str, ours: Sequence[Spent], floor: Sequence[Spent], most: float | None) -> Row:
    elapsed, cpu = ratio(ours, floor, "seconds"), ratio(ours, floor, "cpu_us")
    return Row(
        "9",
        what,
        f"{elapsed:.2f}x ({middle(ours, 'seconds') * 1000:.1f} ms)",
        "-" if most is None else f"<= {most}x",
        None if most is None else cpu <= most,
        cpu,
        middle(ours, "cpu_us"),
        middle(ours, "wal_records"),
        floor_us=middle(floor, "cpu_us"),
    )


def _idle(server: Server, superuser: Connection) -> Spent:
    """Calls by a user who has nothing to flag, each as the first one after a pause."""
    calls = []
    with server.connect() as session:
        _sign_in(session, IDLE_USER)
        for _ in range(IDLE_CALLS):
            _forget_cleanup(superuser)
            with metered_session(session) as spent:
                answer = session.execute(CLEANUP, prepare=True).fetchone()
            if answer is None or answer[0]["throttled"]:
                raise BenchmarkError("login_cleanup was throttled, so nothing was measured")
            spent.calls = 1
            calls.append(spent)
    # The first ones prepare their plans.
    calls = sorted(calls[IDLE_CALLS // 5 :], key=lambda call: call.seconds)
    return calls[len(calls) // 2]


def _clean(server: Server, superuser: Connection, user: int, due: int) -> Spent:
    with server.connect() as session:
        # The session's first call plans every statement, which is not the rows' cost.
        _forget_cleanup(superuser)
        _sign_in(session, IDLE_USER)
        session.execute(CLEANUP)
        _sign_in(session, user)
        with metered_session(session) as spent:
            session.execute(CLEANUP)
    spent.calls = 1
    row = superuser.execute(COUNT, [make_id(user)]).fetchone()
    if row != (due,):
        raise BenchmarkError(f"login_cleanup flagged {row}, not {due} messages")
    return spent


def _forget_cleanup(superuser: Connection) -> None:
    superuser.execute(
        "update private.accounts set cleaned_at = '-infinity' where user_id = %s",
        [make_id(IDLE_USER)],
    )


def _flag(superuser: Connection, user: int, table: str, due: int) -> Spent:
    row = superuser.execute(FIND.format(table=table).encode(), [make_id(user)]).fetchone()
    places = row[0] if row else []
    with metered_session(superuser) as spent:
        flagged = superuser.execute(FLAG_BY_CTID.format(table=table).encode(), [places])
    spent.calls = 1
    if flagged.rowcount != due:
        raise BenchmarkError(f"The plain update flagged {flagged.rowcount}, not {due} messages")
    return spent


def _user(superuser: Connection) -> int:
    """A new user with an account and no message."""
    row = superuser.execute("select nextval('bench.cleanup_users')").fetchone()
    number = int(row[0]) if row else 0
    superuser.execute("insert into auth.users (id) values (%s)", [make_id(number)])
    return number


def _expire(superuser: Connection, user: int, table: str, messages: int) -> None:
    text = (SQL / "expired.sql").read_text(encoding="utf-8").format(table=table)
    superuser.execute(text.encode(), {"user_id": make_id(user), "messages": messages})


def _sign_in(session: Connection, user: int) -> None:
    """Let the connection call as this user, through the API's role."""
    claims = json.dumps({"sub": make_id(user), "role": "authenticated"})
    session.execute("select set_config('request.jwt.claims', %s, false)", [claims])
    session.execute("set role authenticated")
