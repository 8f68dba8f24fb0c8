"""What the routes of one app share: settings, token check, the way to the database, pushes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from webhooks.config import Config
from webhooks.database import Database
from webhooks.pushes import Pushes
from webhooks.tokens import TokenCheck

EXTENSION = "parley"


@dataclass(frozen=True)
class Services:
    """The parts of one app, made once by `create_app`."""

    config: Config
    tokens: TokenCheck
    database: Database
    pushes: Pushes


def services() -> Services:
    """The parts of the app that is answering the present request."""
    return cast(Services, current_app.extensions[EXTENSION])
