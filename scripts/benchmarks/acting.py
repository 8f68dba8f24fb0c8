"""Goal 12: what an action costs beside the same rules written out as a CASE.

One cycle is two actions of a deal whose work has begun: its influencer asks to cancel, with a
reason, and takes that back. sql/acting.sql has both written out; before anything is measured the
two ways must leave the same messages, history, broadcasts, notifications and answers.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from scripts.benchmarks.cluster import Server
from scripts.benchmarks.meters import Spent
from scripts.benchmarks.pgbench import BenchmarkError, Script, run_script
from scripts.benchmarks.report import Row, middle, ratio
from scripts.benchmarks.world import SQL, Connection, Size, make_id, settle

CLIENTS = 8
# Cycles of one deal in a run: more would make the list of what is unread a part of the cost.
CYCLES = 15
MOST = 1.15

INFLUENCER = 600_000
BRAND_OWNER = 650_000

CYCLE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("request_cancellation", {"reason": "I fell ill.", "refund_amount": 250}),
    ("withdraw_cancellation", {}),
)
# What an action message says of itself, beside what clients draw.
BY_ENGINE = ("flow_state", "message_type", "visible_to", "allowed_for", "action_id", "expires_at")

TABLE = "public.take_action"
CASE = "bench.take_action"

# What one cycle adds: four messages, two events, two notifications, two answers that are kept, two
# versions; for each action two messages, two changes of state, a notification and the user's own
# event are told.
COUNTS = """
select
  (select count(*) from public.messages as m join bench.deals as d on d.id = m.conversation_id),
  (select count(*) from public.conversation_events),
  (select count(*) from private.notifications where type in ('action_required', 'work')),
  (select count(*) from private.action_results),
  (select sum(c.version) from public.conversations as c join bench.deals as d on d.id = c.id),
  (select count(*) from realtime.messages),
  (select last_value from private.broadcast_failures where is_called)
"""
ADDED = (4, 2, 2, 2, 2, 12, 0)

READ_ALL = """
update private.participants as p
set read_seq = c.last_seq, delivered_seq = c.last_seq
from public.conversations as c join bench.deals as d on d.id = c.id
where c.id = p.conversation_id
"""

# What a cycle leaves, beside hashes and salts, which are random.
LEFT = (
    "select to_jsonb(m) from public.messages as m where m.conversation_id = %(id)s order by m.seq",
    "select to_jsonb(c) from public.conversations as c where c.id = %(id)s",
    "select to_jsonb(e) - array['hash', 'commitment'] from public.conversation_events as e"
    " where e.conversation_id = %(id)s order by e.version",
    "select jsonb_build_array(n.user_id, n.type, n.data) from private.notifications as n"
    " where n.conversation_id = %(id)s order by n.user_id, n.type",
    "select jsonb_build_array(r.request_hash, r.result) from private.action_results as r"
    " where r.conversation_id = %(id)s and r.created_at = now() order by r.request_hash",
    "select jsonb_build_array(b.topic, b.event, b.payload) from realtime.messages as b"
    " where b.inserted_at = now() order by b.topic, b.event, b.payload #>> '{message,seq}',"
    " b.payload ->> 'type', b.payload ->> 'reason'",
)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(\+00:00)?")


def measure_actions(server: Server, size: Size) -> list[Row]:
    """Goal 12."""
    # A cycle is two calls, where a transaction of the other benchmarks is one.
    size = replace(size, transactions=max(1, size.transactions // 2))
    each = max(1, size.transactions // CYCLES)
    spent: dict[str, list[Spent]] = {TABLE: [], CASE: []}
    with server.connect() as superuser:
        _make_deals(superuser, CLIENTS * each)
        _check_equal(superuser)
        for turn in range(size.rounds):
            settle(superuser)
            for function in (TABLE, CASE) if turn % 2 else (CASE, TABLE):
                superuser.execute(READ_ALL)
                before = _count(superuser)
                run = run_script(
                    server, _script(function), size, CLIENTS, each=each, stride=CLIENTS
                )
                _check_cycles(function, before, _count(superuser), run.calls)
                run.calls *= 2
                spent[function].append(run)
    ours, floor = spent[TABLE], spent[CASE]
    cpu = ratio(ours, floor, "cpu_us")
    return [
        Row(
            "12",
            "take_action against the same rules as a CASE",
            f"{cpu:.2f}x ({middle(ours, 'rate'):,.0f} of {middle(floor, 'rate'):,.0f} actions/s)",
            f"<= {MOST}x CPU",
            cpu <= MOST,
            cpu,
            middle(ours, "cpu_us"),
            middle(ours, "wal_per_call"),
            middle(ours, "wal_bytes") / ours[0].calls,
            middle(floor, "cpu_us"),
            middle(ours, "rate"),
        )
    ]


def _make_deals(superuser: Connection, deals: int) -> None:
    """Make the deals, once; a second size finds them there."""
    (table,) = superuser.execute("select to_regclass('bench.deals')").fetchone() or (None,)
    if table is not None:
        return
    superuser.execute((SQL / "deals.sql").read_text(encoding="utf-8").encode())
    for d in range(1, deals + 1):
        people = (INFLUENCER + d, BRAND_OWNER + d)
        superuser.execute("select bench.make_deal(%s, %s, %s)", [d, *people])
    text = (SQL / "acting.sql").read_text(encoding="utf-8")
    for name, drawn in _drawings(superuser).items():
        text = text.replace(f":{name}", sql.Literal(Jsonb(drawn)).as_string(superuser))
    superuser.execute(text.encode())


def _script(function: str) -> Script:
    text = (SQL / "act.pgbench").read_text(encoding="utf-8")
    return Script(function, "authenticated", text.replace("FUNCTION", function))


def _count(superuser: Connection) -> tuple[int, ...]:
    row = superuser.execute(COUNTS.encode()).fetchone()
    return tuple(int(value or 0) for value in row or ())


def _check_cycles(name: str, before: tuple[int, ...], after: tuple[int, ...], cycles: int) -> None:
    grown = tuple(b - a for a, b in zip(before, after, strict=True))
    wanted = tuple(cycles * added for added in ADDED)
    if grown != wanted:
        raise BenchmarkError(
            f"{name}: messages, events, notifications, answers, versions, broadcasts and lost"
            f" broadcasts grew by {grown}, not by {wanted}"
        )


def _check_equal(superuser: Connection) -> None:
    """Refuse to compare two ways that do not do the same."""
    table, case = (_leave(superuser, function) for function in (TABLE, CASE))
    for query, ours, floor in zip(("the answers", *LEFT), table, case, strict=True):
        if ours != floor:
            raise BenchmarkError(f"{TABLE} and {CASE} differ in {query}")


def _drawings(superuser: Connection) -> dict[str, Any]:
    """What clients draw after each of the actions, as the flow says it, without ids and times."""
    with superuser.transaction(force_rollback=True):
        asked, resumed = _take_cycle(superuser, TABLE, _first_deal(superuser))
        (shown,) = superuser.execute(
            "select action_data from public.messages where action_data ->> 'title' = %s",
            ["Cancellation?"],
        ).fetchone() or ({},)
    return {
        "drawn_asked": _without(shown, *BY_ENGINE, "completed_by", "completed_action"),
        "drawn_resumed": _without(resumed["messages"][-1]["action_data"], *BY_ENGINE),
        "offered_asked": [_without(action, "deadline_at") for action in asked["actions"]],
        "offered_resumed": [_without(action, "deadline_at") for action in resumed["actions"]],
    }


def _without(drawn: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in drawn.items() if name not in names}


def _first_deal(superuser: Connection) -> str:
    (deal,) = superuser.execute("select id::text from bench.deals where d = 1").fetchone() or ("",)
    return str(deal)


def _take_cycle(superuser: Connection, function: str, deal: str) -> list[Any]:
    superuser.execute("select bench.sign_in(%s)", [INFLUENCER + 1])
    answers = []
    for action, given in CYCLE:
        call = f"select {function}(%s, %s, %s, gen_random_uuid())".encode()
        (answer,) = superuser.execute(call, [deal, action, Jsonb(given)]).fetchone() or (None,)
        answers.append(answer)
    return answers


def _leave(superuser: Connection, function: str) -> list[str]:
    """What one cycle answers and leaves, without its ids and times; it is undone."""
    with superuser.transaction(force_rollback=True):
        deal = _first_deal(superuser)
        left = _take_cycle(superuser, function, deal)
        found = [superuser.execute(q.encode(), {"id": deal}).fetchall() for q in LEFT]
    known = {deal, make_id(INFLUENCER + 1), make_id(BRAND_OWNER + 1)}
    return [_masked(part, known) for part in (left, *found)]


def _masked(found: Any, known: set[str]) -> str:
    text = TIME.sub("a time", json.dumps(found, sort_keys=True))
    return UUID.sub(lambda match: match[0] if match[0] in known else "an id", text)
