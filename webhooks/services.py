"""What the routes of one app share: settings, token check, database, Razorpay, pushes, refunds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from webhooks.config import Config
from webhooks.database import Database
from webhooks.errors import payments_off
from webhooks.pushes import Pushes
from webhooks.razorpay import Gateway
from webhooks.refunds import Refunds
from webhooks.tokens import TokenCheck

EXTENSION = "parley"


@dataclass(frozen=True)
class Services:
    """The parts of one app, made once by `create_app`."""

    config: Config
    tokens: TokenCheck
    database: Database
    pushes: Pushes
    gateway: Gateway | None
    refunds: Refunds


def services() -> Services:
    """The parts of the app that is answering the present request."""
    return cast(Services, current_app.extensions[EXTENSION])


def gateway() -> Gateway:
    """Razorpay, for the present request.

    Raises:
        ApiError: 503 PAYMENTS_OFF when the app has no settings for it.
    """
    found = services().gateway
    if found is None:
        raise payments_off()
    return found
