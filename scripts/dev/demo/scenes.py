"""The scenes of the demo, in order. A scene raises when what it shows is not so."""

from __future__ import annotations

from scripts.dev.demo.bid_deal import BID_DEAL
from scripts.dev.demo.campaign_deal import CAMPAIGN_DEAL
from scripts.dev.demo.chat import CHAT
from scripts.dev.demo.market import MARKET
from scripts.dev.demo.stage import Scene
from scripts.dev.demo.unpaid_deal import UNPAID_DEAL

SCENES: tuple[tuple[str, Scene], ...] = (
    *CHAT,
    *BID_DEAL,
    *CAMPAIGN_DEAL,
    *UNPAID_DEAL,
    *MARKET,
)
