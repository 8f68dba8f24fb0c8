"""The routes: one module and one blueprint for each area or provider."""

from __future__ import annotations

from webhooks.guards import GuardedBlueprint
from webhooks.routes import internal, session

BLUEPRINTS: tuple[GuardedBlueprint, ...] = (internal.blueprint, session.blueprint)
