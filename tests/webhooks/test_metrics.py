"""What Prometheus is told about payments: counted by the app, and asked of the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from tests.webhooks.events import APPLIED, BODY, PATH, PREVIOUS, signed
from tests.webhooks.support import FakeSupabase, settings, user_token
from tests.webhooks.test_internal import counted
from webhooks import gauges as gauges_module
from webhooks.config import load_config
from webhooks.database import Database
from webhooks.gauges import gauges
from webhooks.http.request_hooks import MAX_BODY_BYTES

TOLD = {
    "open_alerts": {"info": 1, "warning": 0, "critical": 2},
    "events": {"received": 3, "processed": 40, "ignored": 5, "parked": 6},
    "events_stuck": 1,
    "refunds_requested": 2,
    "refunds_oldest_seconds": 61.5,
    "pending_payments": 4,
    "oldest_pending_payment_seconds": 90,
    "payouts_owed": 8,
    "payouts_owed_minor": 1500000,
    "ledger_balance_minor": 0,
    "broadcasts_last_minute": 11,
    "broadcasts_lost": 12,
    "payment_mode": "test",
    "window_seconds": 300,
    "messages": {"user_input": 20, "system": 3},
    "delivery": {"sent": 20, "delivered": 18, "read": 9, "lag_seconds": None},
    "steps": [
        {
            "from_state": "payment_pending",
            "to_state": "payment_completed",
            "action": "payment_captured",
            "role": "system",
            "count": 2,
        }
    ],
    "closed": {"refunded": 1},
    "outcomes": {"completed": 5},
    "states": [{"state": "real_time", "deals": 4, "average_seconds": 60, "oldest_seconds": 100}],
    "notifications": {"payment": 2},
    "push_queue": {"waiting": 7, "oldest_seconds": 30, "resting_hosts": 1},
    "cleanup_due": {"messages": 13, "steps": 14},
}
RUNS = ("done", "throttled")
SAMPLES = {
    'parley_open_alerts{severity="info"}': 1,
    'parley_open_alerts{severity="warning"}': 0,
    'parley_open_alerts{severity="critical"}': 2,
    'parley_events{status="received"}': 3,
    'parley_events{status="processed"}': 40,
    'parley_events{status="ignored"}': 5,
    'parley_events{status="parked"}': 6,
    "parley_events_stuck": 1,
    "parley_refunds_requested": 2,
    "parley_refunds_oldest_seconds": 61.5,
    "parley_pending_payments": 4,
    "parley_oldest_pending_payment_seconds": 90,
    "parley_payouts_owed": 8,
    "parley_payouts_owed_minor": 1500000,
    "parley_ledger_balance_minor": 0,
    "parley_broadcasts_last_minute": 11,
    "parley_broadcasts_lost": 12,
    'parley_payment_mode{mode="test"}': 1,
    'parley_messages{type="user_input"}': 20,
    'parley_messages{type="system"}': 3,
    'parley_delivery{stage="sent"}': 20,
    'parley_delivery{stage="delivered"}': 18,
    'parley_delivery{stage="read"}': 9,
    'parley_steps{action="payment_captured",from_state="payment_pending",role="system",'
    'to_state="payment_completed"}': 2,
    'parley_closed{reason="refunded"}': 1,
    'parley_outcomes{outcome="completed"}': 5,
    'parley_cleanup_due{what="messages"}': 13,
    'parley_cleanup_due{what="steps"}': 14,
    'parley_deals{state="real_time"}': 4,
    'parley_state_seconds{state="real_time"}': 60,
    'parley_state_oldest_seconds{state="real_time"}': 100,
    'parley_notifications{type="payment"}': 2,
    'parley_push_queue{what="waiting"}': 7,
    'parley_push_queue{what="oldest_seconds"}': 30,
    'parley_push_queue{what="resting_hosts"}': 1,
}


@pytest.fixture
def database(fake: FakeSupabase) -> Iterator[Database]:
    opened = Database(load_config(settings(fake.url)))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("result", "body", "headers"),
    [
        ("verified_current", BODY, signed(BODY)),
        ("verified_previous", BODY, signed(BODY, PREVIOUS)),
        ("bad_signature", BODY, signed(b"other")),
        ("no_signature", BODY, {}),
        ("too_large", BODY.ljust(MAX_BODY_BYTES + 1), signed(BODY)),
    ],
)
def test_each_call_of_the_webhook_is_counted_once(
    supabase: FakeSupabase, http: httpx.Client, result: str, body: bytes, headers: dict[str, str]
) -> None:
    every = ("verified_current", "verified_previous", "bad_signature", "no_signature", "too_large")
    before = {name: counted(http, "webhook_requests_total", result=name) for name in every}
    timed = counted(http, "webhook_seconds_count")
    http.post(PATH, content=body, headers=headers)
    after = {name: counted(http, "webhook_requests_total", result=name) for name in every}
    assert after == before | {result: before[result] + 1}
    assert counted(http, "webhook_seconds_count") == timed + 1


def test_a_large_body_elsewhere_is_not_the_webhooks(http: httpx.Client) -> None:
    before = counted(http, "webhook_requests_total", result="too_large")
    assert http.post("/v1/session/cleanup", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413
    assert counted(http, "webhook_requests_total", result="too_large") == before


@pytest.mark.parametrize(
    ("function", "status", "said", "outcome"),
    [
        ("process_payment_event", 200, APPLIED, "applied"),
        (
            "process_payment_event",
            200,
            {**APPLIED, "outcome": "amount_mismatch"},
            "amount_mismatch",
        ),
        ("process_payment_event", 200, {**APPLIED, "outcome": "try_again"}, "try_again"),
        ("process_payment_event", 503, {"code": "PGRST001", "message": "x"}, "db_busy"),
        ("record_payment_event", 503, {"code": "PGRST001", "message": "x"}, "db_down"),
    ],
)
def test_each_outcome_of_an_event_is_counted_once(
    supabase: FakeSupabase,
    http: httpx.Client,
    function: str,
    status: int,
    said: dict[str, object],
    outcome: str,
) -> None:
    supabase.on_rpc(function, status, said)
    before = outcomes(http)
    http.post(PATH, content=BODY, headers=signed(BODY))
    assert outcomes(http) == before | {outcome: before.get(outcome, 0) + 1}


def outcomes(http: httpx.Client) -> dict[str, float]:
    return {
        sample.labels["outcome"]: sample.value
        for family in text_string_to_metric_families(http.get("/metrics").text)
        for sample in family.samples
        if sample.name == "webhook_outcome_total"
    }


def test_what_cleanups_did_is_counted(fake: FakeSupabase, http: httpx.Client) -> None:
    did = {"expired": 3, "scrubbed": 2, "deadlines_run": 1}

    def counts() -> list[float]:
        runs = [counted(http, "parley_cleanups_total", result=name) for name in RUNS]
        return runs + [counted(http, "parley_cleaned_total", what=what) for what in did]

    before = counts()
    headers = {"Authorization": f"Bearer {user_token(fake.url)}"}
    fake.on_rpc("login_cleanup", body={**did, "throttled": False})
    assert http.post("/v1/session/cleanup", headers=headers).status_code == 200
    fake.on_rpc("login_cleanup", body={**dict.fromkeys(did, 0), "throttled": True})
    assert http.post("/v1/session/cleanup", headers=headers).status_code == 200
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 1, 3, 2, 1]


def test_the_time_of_an_answer_can_be_held_against_razorpays_five_seconds(
    supabase: FakeSupabase, http: httpx.Client
) -> None:
    http.post(PATH, content=BODY, headers=signed(BODY))
    assert counted(http, "webhook_seconds_bucket", le="5.0") > 0


def test_every_number_has_its_name_and_says_what_it_is() -> None:
    families = {family.name: family for family in REGISTRY.collect()}
    for name in (
        *("webhook_requests", "webhook_outcome", "webhook_seconds"),
        *("rzp_call_seconds", "orders", "reconcile"),
    ):
        assert families[name].documentation.endswith("."), name


def test_how_things_stand_is_asked_of_the_database(fake: FakeSupabase, http: httpx.Client) -> None:
    fake.on_rpc("get_metrics", body=TOLD)
    answer = http.get("/metrics")
    assert answer.status_code == 200
    families = list(text_string_to_metric_families(answer.text))
    lines = dict(
        line.rsplit(" ", 1)
        for line in answer.text.splitlines()
        if line.startswith("parley_") and line.rsplit(" ", 1)[0] in SAMPLES
    )
    assert {name: float(value) for name, value in lines.items()} == SAMPLES
    assert {family.type for family in families if family.name == "parley_events"} == {"gauge"}


def test_of_nothing_there_is_no_age(fake: FakeSupabase, database: Database) -> None:
    fake.on_rpc("get_metrics", body={**TOLD, "oldest_pending_payment_seconds": None})
    text = gauges(database).decode()
    assert "parley_oldest_pending_payment_seconds" not in text
    assert "parley_events_stuck 1.0" in text


def test_the_numbers_of_the_app_do_not_need_the_database(
    fake: FakeSupabase, http: httpx.Client
) -> None:
    fake.on_rpc("get_metrics", 503, {"code": "PGRST001", "message": "no connection"})
    answer = http.get("/metrics")
    assert answer.status_code == 200
    assert "parley_http_requests_total" in answer.text
    assert "parley_open_alerts" not in answer.text


def test_a_slow_database_does_not_hold_prometheus_up(
    fake: FakeSupabase, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gauges_module, "TIMEOUT_SECONDS", 0.2)
    release = threading.Event()
    fake.on_rpc("get_metrics", body=TOLD, release=release)
    started_at = time.monotonic()
    try:
        assert gauges(database) == b""
        assert time.monotonic() - started_at < 2
    finally:
        release.set()
