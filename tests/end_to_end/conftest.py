"""Fixtures of the end-to-end tests; async tests run by anyio's pytest plugin."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The SDKs know asyncio only."""
    return "asyncio"
