"""What the routes of one app share: settings, token check, database, Razorpay, outboxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from webhooks.config import Config
from webhooks.database import Database
from webhooks.files import Files
from webhooks.http.errors import payments_off
from webhooks.http.tokens import TokenCheck
from webhooks.payments.gateway import Gateway
from webhooks.payments.refunds import Refunds
from webhooks.payments.waiting import WaitingEvents
from webhooks.push.pushes import Pushes

EXTENSION = "parley"


@dataclass(frozen=True)
class Services:
    """The parts of one app, made once by `create_app`."""

    config: Config
    tokens: TokenCheck
    database: Database
    pushes: Pushes
    files: Files
    gateway: Gateway | None
    refunds: Refunds
    waiting: WaitingEvents

    def touch(self) -> None:
        """Start a round of every outbox in the background."""
        self.waiting.touch()
        self.refunds.touch()
        self.pushes.touch()
        self.files.touch()


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
