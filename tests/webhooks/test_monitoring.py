"""The dashboard and the alert rules ask for numbers that the app really has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.stacks import ROOT
from tests.webhooks.support import FakeSupabase
from tests.webhooks.test_metrics import TOLD
from webhooks.config import load_config
from webhooks.database import Database
from webhooks.gauges import gauges
from webhooks.metrics import exposition

FOLDER = ROOT / "docs" / "monitoring"
RULES = FOLDER / "alerts.yml"
NAME = re.compile(r"\b(?:parley|webhook|rzp|orders|reconcile)_\w+")
# Debian's package `prometheus` has it; without it the rules' form alone is checked.
PROMTOOL = shutil.which("promtool")


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
    from tests.webhooks.support import settings

    opened = Database(load_config(settings(fake.url)))
    yield opened
    opened.close()


def test_the_rules_are_rules() -> None:
    rules = RULES.read_text("utf-8").split("      - alert: ")[1:]
    assert len(rules) == len(expressions()) - sum(
        len(panel["targets"])
        for panel in json.loads((FOLDER / "dashboard.json").read_text("utf-8"))["panels"]
    )
    for rule in rules:
        assert re.search(r"^ +labels: {severity: (?:warning|critical)}$", rule, re.MULTILINE), rule
        assert re.search(r'^ +summary: "[A-Z1%{].+"$', rule, re.MULTILINE), rule
    if PROMTOOL is not None:
        checked = [PROMTOOL, "check", "rules", str(RULES)]
        done = subprocess.run(checked, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, done.stderr
