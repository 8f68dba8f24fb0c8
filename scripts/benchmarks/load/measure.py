"""The load as rows of the table: on a local Supabase, or after a question on another one."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

import httpx
import psycopg
import uvloop

from scripts.benchmarks.compare import Row
from scripts.benchmarks.database import BenchmarkError
from scripts.benchmarks.load.crowd import Plan, Result, run_crowd
from scripts.benchmarks.stack import Memory, Stack, running_stack, stack_of_environment

# On a stack of our own nobody meets a limit: the load is about servers, not about quotas.
LIFT = """
update private.settings
set value = case key when 'daily_free_limit' then '1000000' else 'null' end::jsonb
where key in ('daily_free_limit', 'stranger_messages') or key like 'rate\\_%'
"""
# What a server's largest process may hold at the end of a soak, in parts of what the largest held
# after a third.
FLAT = 1.1


def measure_load(plan: Plan, *, is_agreed: bool = False) -> list[Row]:
    """Run the plan; one row about delivery, one for each local server's memory.

    Args:
        plan: how much, for how long.
        is_agreed: do not ask before somebody's Supabase is loaded.

    Raises:
        BenchmarkError: the plan is none, a server failed, or the answer was no.
    """
    plan.check()
    given = stack_of_environment()
    try:
        if given is not None:
            _ask(given, plan, is_agreed=is_agreed)
            return _rows(uvloop.run(run_crowd(given, plan)))
        # The quota of events is the platform's; without it the machine itself is measured.
        with running_stack("--realtime-events", "0", "--realtime-delays", "0.1", "0.1") as stack:
            with psycopg.connect(stack.superuser_dsn) as connection:
                connection.execute(LIFT)
            return _rows(uvloop.run(run_crowd(stack, plan)))
    except httpx.HTTPStatusError as error:
        said = error.response.text[:200]
        raise BenchmarkError(f"{error.request.url} answered {said}") from error
    except httpx.HTTPError as error:
        raise BenchmarkError(f"The Supabase does not answer: {error!r}") from error


def _ask(stack: Stack, plan: Plan, *, is_agreed: bool) -> None:
    host = urlsplit(stack.url).netloc
    question = (
        f"This makes {plan.clients} users on {host}, lets them talk for {plan.minutes:g} minutes"
        " within that project's limits and quotas, and deletes their logins; their messages stay."
        f"\nType {host} to go on: "
    )
    if is_agreed:
        return
    if not sys.stdin.isatty() or input(question).strip() != host:
        raise BenchmarkError("Nothing was loaded: it was not agreed to (--yes does without asking)")


def _rows(result: Result) -> list[Row]:
    plan = result.plan
    what = f"{plan.clients:,} clients, {plan.rate:g} messages a minute each, {plan.minutes:g} min"
    delays = ", ".join(f"p{part} {result.delay(part / 100):,.0f} ms" for part in (50, 95, 99))
    events = ", ".join(f"{count:,} {name}" for name, count in sorted(result.events.items()))
    rows = [
        Row(
            "load",
            what,
            gate="0 lost after sync, all back",
            met=result.lost == 0 < result.accepted and result.back == plan.clients,
            more=f"{result.sent:,} sent, {result.accepted:,} accepted, {result.lost} lost;"
            f" {result.heard / result.seconds:,.1f} heard a second, {delays} from send to heard;"
            f" {result.back:,} of {plan.clients:,} were back {result.storm:,.1f} s after all had"
            f" lost their connection at once; {events}",
        )
    ]
    for server in sorted({name for _, held in result.memory for name in held}):
        samples = [held[server] for _, held in result.memory if server in held]
        third = max(1, len(samples) // 3)
        first, last = samples[third - 1], samples[-1]
        most = max(samples)
        rows.append(
            Row(
                "load",
                f"memory of {server}: {what}",
                gate="flat" if plan.minutes >= 10 else "",
                # Of the largest process: Postgres opens and closes connections as they are needed.
                met=last.largest <= first.largest * FLAT if plan.minutes >= 10 else None,
                more=f"{_held(samples[0])} at first, {_held(first)} after a third,"
                f" {_held(most)} at most, {_held(last)} at the end",
            )
        )
    return rows


def _held(memory: Memory) -> str:
    processes = f" in {memory.processes} processes, the largest {memory.largest:,.1f}"
    return f"{memory.mb:,.0f} MB{processes if memory.processes > 1 else ''}"
