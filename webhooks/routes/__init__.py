"""The routes: one module and one blueprint for each area or provider."""

from __future__ import annotations

from webhooks.guards import GuardedBlueprint
from webhooks.routes import internal, ops, payments, razorpay, session

BLUEPRINTS: tuple[GuardedBlueprint, ...] = (
    internal.blueprint,
    ops.blueprint,
    payments.blueprint,
    razorpay.blueprint,
    session.blueprint,
)
