"""The dashboard and the alert rules ask for numbers that the app really has."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.stacks import ROOT
from tests.support.tools import miss
from tests.webhooks.support import FakeSupabase, settings
from tests.webhooks.test_metrics import TOLD
from webhooks.config import load_config
from webhooks.database import Database
from webhooks.gauges import gauges
from webhooks.metrics import exposition

FOLDER = ROOT / "docs" / "monitoring"
RULES = FOLDER / "alerts.yml"
NAME = re.compile(r"\b(?:parley|webhook|rzp|orders|reconcile)_\w+")
# scripts/test takes it out of Debian's package `prometheus` and puts it beside Python.
PROMTOOL = shutil.which(
    "promtool", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
)


def expressions() -> list[str]:
    """Every query of the dashboard and the rules."""
    panels = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))["panels"]
    of_rules = re.findall(r'^ +expr: (".*")$', RULES.read_text("utf-8"), re.MULTILINE)
    return [
        *(target["expr"] for panel in panels for target in panel["targets"]),
        *(json.loads(expression) for expression in of_rules),
    ]


def test_every_number_that_is_asked_for_is_one_of_ours(
    fake: FakeSupabase, database: Database
) -> None:
    fake.on_rpc("get_metrics", body=TOLD)
    # Without the pid files of several processes: what this process has.
    text = exposition().decode() + gauges(database).decode()
    known = {family.name for family in text_string_to_metric_families(text)}
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(asked) > 20
    assert {re.sub("_(?:total|bucket|count|sum)$", "", name) for name in asked} - known == set()


@pytest.fixture
def database(fake: FakeSupabase) -> Iterator[Database]:
    """The app's way to the stand-in."""
    opened = Database(load_config(settings(fake.url)))
    yield opened
    opened.close()


def test_every_rule_says_how_bad_it_is_and_what_happened() -> None:
    rules = RULES.read_text("utf-8").split("      - alert: ")[1:]
    assert len(rules) > 10
    for rule in rules:
        assert re.search(r"^ +labels: {severity: (?:warning|critical)}$", rule, re.MULTILINE), rule
        assert re.search(r'^ +summary: "[A-Z1%{].+"$', rule, re.MULTILINE), rule


def promtool(*arguments: str) -> None:
    """Run Prometheus' checker, which must have no complaint."""
    if PROMTOOL is None:
        miss("promtool", "`apt-get install prometheus` (Debian 12)")
    done = subprocess.run(  # noqa: S603
        [PROMTOOL, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_rules_and_every_query_of_the_dashboard(tmp_path: Path) -> None:
    queries = [
        {"record": f"query:{number}", "expr": query} for number, query in enumerate(expressions())
    ]
    as_rules = tmp_path / "dashboard.yml"
    # JSON is YAML.
    as_rules.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": queries}]}), "utf-8")
    promtool("check", "rules", str(RULES), str(as_rules))


@pytest.mark.parametrize(
    ("alert", "series", "every", "values", "firing"),
    [
        pytest.param(
            *("ParleyWebhookUnsigned", 'webhook_requests_total{result="bad_signature"}'),
            *("1m", "1x30 2x60", {"25m": 0, "40m": 1, "60m": 1}),
            id="one event with a wrong signature, and Razorpay's next try half an hour later",
        ),
        pytest.param(
            *("ParleyCleanupLate", 'parley_cleanup_due{what="messages"}'),
            *("1h", "60+60x23 " * 6, {"3d": 0, "4d": 0, "5d": 0}),
            id="messages come to be due, and a sweep a day",
        ),
        pytest.param(
            *("ParleyCleanupLate", 'parley_cleanup_due{what="messages"}'),
            *("1h", "60+60x144", {"1d": 0, "5d": 1}),
            id="messages come to be due, and no sweep",
        ),
        pytest.param(
            *("ParleyCleanupLate", 'parley_cleanup_due{what="messages"}'),
            *("1h", "1x144", {"1d": 0, "3d": 1}),
            id="one message is due, and no sweep",
        ),
    ],
)
def test_a_rule_fires_when_it_should(
    tmp_path: Path, alert: str, series: str, every: str, values: str, firing: dict[str, int]
) -> None:
    alerts = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) or vector(0)'
    test = {
        "interval": every,
        "input_series": [{"series": series, "values": values.strip()}],
        "promql_expr_test": [
            {"eval_time": moment, "expr": alerts, "exp_samples": [{"labels": "{}", "value": count}]}
            for moment, count in firing.items()
        ],
    }
    rules = tmp_path / "test.yml"
    rules.write_text(
        json.dumps({"rule_files": [str(RULES)], "evaluation_interval": every, "tests": [test]}),
        "utf-8",
    )
    promtool("test", "rules", str(rules))
