"""The stand-in for Supabase and Razorpay, and one gunicorn in front of it, for all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.stacks import free_port
from tests.webhooks.events import APPLIED, STORED, WEBHOOK_SECRETS
from tests.webhooks.support import (
    RAZORPAY,
    FakeSupabase,
    Gunicorn,
    running_fake_supabase,
    running_gunicorn,
    settings,
)

NOTHING_WAITS = {"event_row_id": None, "outcome": None, "conversation_id": None}
ORIGIN = "https://app.example.com"


@pytest.fixture(scope="session")
def _shared_fake() -> Iterator[FakeSupabase]:
    with running_fake_supabase() as running:
        yield running


@pytest.fixture
def fake(_shared_fake: FakeSupabase) -> FakeSupabase:
    """The stand-in, without answers yet but for a touch: no refund and no file is due."""
    _shared_fake.forget()
    _shared_fake.on_rpc("take_refund_requests", body=[])
    _shared_fake.on_rpc("apply_waiting_event", body=NOTHING_WAITS)
    _shared_fake.on_rpc("take_file_deletions", body=[])
    return _shared_fake


@pytest.fixture
def supabase(fake: FakeSupabase) -> FakeSupabase:
    """A Supabase that stores and applies every event."""
    fake.on_rpc("record_payment_event", body=STORED)
    fake.on_rpc("process_payment_event", body=APPLIED)
    return fake


@pytest.fixture(scope="session")
def server(_shared_fake: FakeSupabase) -> Iterator[Gunicorn]:
    """The app under gunicorn, with the stand-in for Supabase and Razorpay; it logs all it can."""
    environment = settings(
        _shared_fake.url,
        CORS_ORIGIN=f"https://other.example.com, {ORIGIN}",
        LOG_LEVEL="DEBUG",
        RAZORPAY_BASE_URL=_shared_fake.url,
    )
    with running_gunicorn(environment | RAZORPAY | WEBHOOK_SECRETS, free_port()) as running:
        yield running


@pytest.fixture
def http(server: Gunicorn) -> Iterator[httpx.Client]:
    """A client of the app."""
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client
