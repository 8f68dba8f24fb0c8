"""The scene that these tests start from."""

from __future__ import annotations

import pytest

from tests.market.scenes import BID, CAMPAIGN, Market, Ware, open_market
from tests.support.databases import Database


@pytest.fixture
def market(db: Database) -> Market:
    """Two influencers and two brand owners, each with a profile."""
    return open_market(db)


@pytest.fixture(params=(BID, CAMPAIGN), ids=lambda ware: str(ware.kind))
def ware(request: pytest.FixtureRequest) -> Ware:
    """A bid, and the same again for a campaign."""
    wanted: Ware = request.param
    return wanted
