"""`create_app`: the settings and the parts, put together."""

from __future__ import annotations

import os
from collections.abc import Mapping

from flask import Flask

from webhooks.config import Config, load_config
from webhooks.database import Database
from webhooks.files import Files
from webhooks.http import internal, session
from webhooks.http.cors import register_cors
from webhooks.http.errors import register_error_handlers
from webhooks.http.guards import require_guards
from webhooks.http.openapi import document
from webhooks.http.request_hooks import register_request_hooks
from webhooks.http.tokens import open_token_check
from webhooks.payments import ops, routes, webhook
from webhooks.payments.gateway import Gateway
from webhooks.payments.refunds import Refunds
from webhooks.payments.waiting import WaitingEvents
from webhooks.push.pushes import Pushes, Sender
from webhooks.push.web_push import WebPushSender
from webhooks.services import EXTENSION, Services

BLUEPRINTS = (
    internal.blueprint,
    ops.blueprint,
    routes.blueprint,
    webhook.blueprint,
    session.blueprint,
)


def create_app(config: Config | Mapping[str, str] | None = None) -> Flask:
    """The app, ready to serve. The caller configures logging.

    Args:
        config: ready settings, or the variables to read them from; the environment when left out.

    Raises:
        ConfigError: with one sentence for every setting that is missing or malformed.
        RuntimeError: when a route has no guard.
    """
    if not isinstance(config, Config):
        config = load_config(os.environ if config is None else config)
    app = Flask(__name__, static_folder=None)
    database = Database(config)
    pushes = Pushes(database, _senders(config))
    gateway = Gateway(config.razorpay) if config.razorpay else None
    app.extensions[EXTENSION] = Services(
        config,
        open_token_check(config),
        database,
        pushes,
        Files(database),
        gateway,
        Refunds(database, gateway),
        WaitingEvents(database, is_on=gateway is not None),
    )
    app.url_map.merge_slashes = False  # a doubled slash is a wrong address, not a redirect
    register_request_hooks(app)
    register_cors(app)
    register_error_handlers(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    require_guards(app)
    with app.app_context():
        document()  # before two requests at once could write it together
    return app


def _senders(config: Config) -> dict[str, Sender]:
    """The senders that the settings allow for, by the kind of `register_push_token`."""
    return {"web_push": WebPushSender(config.web_push)} if config.web_push else {}
