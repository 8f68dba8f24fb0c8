"""People, and deals whose order Razorpay has."""

from __future__ import annotations

import pytest

from tests.flow.conftest import cast, open_stage, people, stage
from tests.flow.deals import Cast
from tests.payments.scenes import Scene, open_scene
from tests.support.databases import Database

__all__ = ["cast", "open_stage", "people", "scene", "stage"]


@pytest.fixture
def scene(db: Database, people: Cast) -> Scene:
    """A deal at the price of the fixtures that waits for its payment; Razorpay has its order."""
    return open_scene(db, people, razorpay_order_id="order_CnvPay00000001")
