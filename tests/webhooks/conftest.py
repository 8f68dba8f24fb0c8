"""The stand-in Supabase and one gunicorn in front of it, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.stacks import free_port
from tests.webhooks.support import (
    RAZORPAY,
    FakeSupabase,
    Gunicorn,
    running_fake_supabase,
    running_gunicorn,
    settings,
)

ORIGIN = "https://app.example.com"


@pytest.fixture(scope="session")
def _shared_fake() -> Iterator[FakeSupabase]:
    with running_fake_supabase() as running:
        yield running


@pytest.fixture
def fake(_shared_fake: FakeSupabase) -> FakeSupabase:
    """The stand-in Supabase, without answers yet."""
    _shared_fake.forget()
    return _shared_fake


@pytest.fixture(scope="session")
def server(_shared_fake: FakeSupabase) -> Iterator[Gunicorn]:
    """The app under gunicorn, which takes the stand-in for its Supabase, and logs all it can."""
    environment = settings(
        _shared_fake.url, CORS_ORIGIN=f"https://other.example.com, {ORIGIN}", LOG_LEVEL="DEBUG"
    )
    with running_gunicorn(environment | RAZORPAY, free_port()) as running:
        yield running


@pytest.fixture
def http(server: Gunicorn) -> Iterator[httpx.Client]:
    """A client of the app."""
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client
