"""Row 9: login_cleanup of a user with a tenth of ten thousand messages expired."""

from __future__ import annotations

from functools import partial

from scripts.benchmarks.bench import Bench
from scripts.benchmarks.compare import Gate, Row, compare, interleave
from scripts.benchmarks.database import BenchmarkError, Connection, Side
from scripts.benchmarks.meters import Spent, metered_session
from scripts.benchmarks.world import make_id, run_sql

CLEANUP = "select public.login_cleanup()"
# Rewrites the rows that a cleanup flags, found without any search.
FLAG_BY_PLACE = (
    "update public.messages set is_expired = true, updated_at = now() where ctid = any(%s)"
)
FIND = "select array_agg(ctid) from public.messages where sender_id = %s and expires_at <= now()"
# A cleanup is one short call: so many a round, so that the median leaves out what else runs.
TIMES = 4
FLAGGED = "select count(*) from public.messages where sender_id = %s and is_expired"


def measure_cleanup(bench: Bench) -> list[Row]:
    """Row 9; its floor is an update of the same rows by their place in the table."""
    messages = bench.size.cleanup
    for side in bench.sides.values():
        with side.connect() as superuser:
            # The batch is for the patience of one user; the row is about the messages.
            superuser.execute(
                "update private.settings set value = to_jsonb(%s::integer)"
                " where key = 'cleanup_batch'",
                [messages],
            )
    variants = {name: partial(_clean, side, messages) for name, side in bench.sides.items()}
    variants["floor"] = partial(_flag, bench.new, messages)
    spent = interleave(variants, bench.size.rounds * TIMES)
    due = messages // 10
    what = f"login_cleanup of {due:,} of {messages:,} messages"
    return [compare("9", what, spent, Gate(cpu=0.65, wal=due * 1.01))]


def _clean(side: Side, messages: int) -> Spent:
    with side.connect() as superuser:
        user, idle = _user(superuser, messages), _user(superuser, 0)
    side.settle()
    with side.connect() as session:
        # The session's first call plans every statement, which is not the messages' cost.
        _sign_in(session, idle)
        session.execute(CLEANUP)
        _sign_in(session, user)
        with metered_session(session) as spent:
            session.execute(CLEANUP)
        spent.calls = 1
        session.execute("reset role")
        _check("login_cleanup", session, user, messages)
    return spent


def _flag(side: Side, messages: int) -> Spent:
    with side.connect() as superuser:
        user = _user(superuser, messages)
        side.settle()
        (places,) = superuser.execute(FIND, [make_id(user)]).fetchone() or ([],)
        with metered_session(superuser) as spent:
            superuser.execute(FLAG_BY_PLACE, [places])
        spent.calls = 1
        _check("The plain update", superuser, user, messages)
    return spent


def _check(what: str, superuser: Connection, user: int, messages: int) -> None:
    (flagged,) = superuser.execute(FLAGGED, [make_id(user)]).fetchone() or (0,)
    if flagged != messages // 10:
        raise BenchmarkError(f"{what} flagged {flagged} of {messages // 10} messages")


def _sign_in(session: Connection, user: int) -> None:
    session.execute("reset role")
    session.execute(
        "select set_config('request.jwt.claims',"
        " json_build_object('sub', %s::text, 'role', 'authenticated')::text, false)",
        [make_id(user)],
    )
    session.execute("set role authenticated")


def _user(superuser: Connection, messages: int) -> int:
    """A new user with one conversation and so many messages in it, a tenth of them expired."""
    (user,) = superuser.execute("select nextval('bench.cleanup_users')").fetchone() or (0,)
    run_sql(superuser, "expired.sql", user=user, messages=messages)
    return int(user)
