"""People, and deals whose order Razorpay has."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator

import pytest

from tests.flow.conftest import cast, open_stage, people, stage
from tests.flow.deals import Cast, gather_cast
from tests.flow.stages import Stage, copied_stage
from tests.payments.scenes import Scene, open_scene
from tests.support.databases import Database
from tests.support.stacks import Cluster

__all__ = ["cast", "open_stage", "people", "scene", "stage"]


@pytest.fixture(scope="package")
def kept_scene(cluster: Cluster, template: str) -> Iterator[tuple[Stage, Scene]]:
    """The one deal of a database that tests may share, because none leaves anything in it."""
    with copied_stage(cluster, template) as stage:
        yield stage, open_scene(stage, gather_cast(stage), razorpay_order_id="order_CnvPay00000001")


@pytest.fixture
def scene(kept_scene: tuple[Stage, Scene]) -> Iterator[Scene]:
    """A deal at the price of the fixtures that waits for its payment; Razorpay has its order.

    It is on a stage: nothing is committed, and time stands still.
    """
    stage, kept = kept_scene
    with stage.rolled_back():
        play = dataclasses.replace(kept.play, model=copy.deepcopy(kept.play.model))
        yield dataclasses.replace(kept, play=play)


@pytest.fixture
def lasting_scene(db: Database, people: Cast) -> Scene:
    """The same in a database of the test's own, for what must be committed."""
    return open_scene(db, people, razorpay_order_id="order_CnvPay00000001")
