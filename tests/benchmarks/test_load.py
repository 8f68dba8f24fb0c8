"""A small load with real websockets: everything arrives, through lost connections and a storm."""

from __future__ import annotations

import asyncio

import pytest

from scripts.benchmarks.database import BenchmarkError
from scripts.benchmarks.load import crowd
from scripts.benchmarks.load.crowd import Plan, count_lost, run_crowd
from scripts.benchmarks.load.measure import measure_load
from scripts.benchmarks.stack import Stack
from tests.support import stacks


def test_a_small_crowd_loses_nothing(stack: stacks.Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "QUIET_SECONDS", 0.5)  # the last sync brings what is late
    ours = Stack(stack.api_url, stack.anon_key, stack.service_role_key)
    result = asyncio.run(run_crowd(ours, Plan(clients=4, minutes=0.05, rate=120, reconnect=1.5)))
    assert result.lost == 0
    assert result.accepted == result.sent > 0
    assert 0 < result.heard <= result.accepted
    assert result.storm is not None
    assert result.events["dropped"] >= 4, "the storm drops everybody"
    assert result.delay(0.5) <= result.delay(0.99)


def test_a_message_that_nobody_has_is_lost() -> None:
    accepted = {"one": "asha", "two": "asha", "three": "bharat"}
    assert count_lost(accepted, {"asha": {"one", "two"}, "bharat": {"three"}}) == 0
    assert count_lost(accepted, {"asha": {"one", "three"}, "bharat": {"one"}}) == 2


@pytest.mark.parametrize(
    "plan", [Plan(clients=3), Plan(clients=0), Plan(clients=10_000), Plan(minutes=0)]
)
def test_a_plan_is_bounded(plan: Plan) -> None:
    with pytest.raises(BenchmarkError, match="--"):
        plan.check()


def test_a_crowd_that_needs_too_many_open_files_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, 1024))
    with pytest.raises(BenchmarkError, match=r"ulimit -n 1256"):
        Plan(clients=1000).check()


def test_a_foreign_supabase_is_not_loaded_without_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SUPABASE_URL", "SUPABASE_ANON_KEY", "SUPABASE_SERVICE_ROLE_KEY"):
        monkeypatch.setenv(name, "https://example.com")
    with pytest.raises(BenchmarkError, match="not agreed"):
        measure_load(Plan(clients=2))
