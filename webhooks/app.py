"""`create_app`: the settings and the parts, put together."""

from __future__ import annotations

import os
from collections.abc import Mapping

from flask import Flask

from webhooks.config import Config, load_config
from webhooks.cors import register_cors
from webhooks.database import Database
from webhooks.errors import register_error_handlers
from webhooks.guards import require_guards
from webhooks.pushes import Pushes, Sender
from webhooks.razorpay import Gateway
from webhooks.refunds import Refunds
from webhooks.request_hooks import register_request_hooks
from webhooks.routes import BLUEPRINTS
from webhooks.services import EXTENSION, Services
from webhooks.tokens import open_token_check
from webhooks.web_push import WebPushSender


def create_app(config: Config | Mapping[str, str] | None = None) -> Flask:
    """The app, ready to serve. Logging is left to whoever runs the process.

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
        config, open_token_check(config), database, pushes, gateway, Refunds(database, gateway)
    )
    app.url_map.merge_slashes = False  # a doubled slash is a wrong address, not a redirect
    register_request_hooks(app)
    register_cors(app)
    register_error_handlers(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    require_guards(app)
    return app


def _senders(config: Config) -> dict[str, Sender]:
    """The senders that the settings allow for, by the kind of `register_push_token`."""
    return {"web_push": WebPushSender(config.web_push)} if config.web_push else {}
