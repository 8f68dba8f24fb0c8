"""One JSON line on stdout for each request and each event. Never a token, a body or a secret."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import Any

from flask import g, has_request_context, request
from pythonjsonlogger.json import JsonFormatter as BaseJsonFormatter

SERVICE = "parley_webhooks"

_logger = logging.getLogger("parley")

# Gunicorn repeats the bytes of a request that is no HTTP, which may be a token or a text.
_REPEATED = re.compile(
    r"(Invalid request from ip=\S+: [^:]*|Ignored premature client disconnection).*", re.DOTALL
)

# At DEBUG these log the headers of answers, and several lines for every call.
_TALKATIVE = ("httpx", "httpcore", "urllib3")


def log_event(
    event: str, level: int = logging.INFO, error: BaseException | None = None, **fields: Any
) -> None:
    """Write one line about something that happened; `fields` become its keys.

    Args:
        event: what happened, in snake_case.
        level: a level of the logging module.
        error: the exception whose stack the line shows.
        fields: more keys; ids, codes and numbers only.
    """
    _logger.log(level, "%s", event, exc_info=error, extra={"parley_fields": fields})


class JsonFormatter(BaseJsonFormatter):
    """Every record as one JSON object, with the same first keys for every logger."""

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The keys of a line in their order; another library's text is under `message`."""
        fields: dict[str, Any] | None = log_data.pop("parley_fields", None)
        line: dict[str, Any] = {
            "timestamp": _timestamp(log_data.pop("created")),
            "level": log_data.pop("levelname").lower(),
            "service": SERVICE,
            "event": log_data.pop("name"),
            "conversation_id": None,
            "user_id": None,
            "message_type": None,
            "flow_state": None,
        }
        line |= _request_fields()
        if fields is None:
            line["message"] = _REPEATED.sub(r"\1", log_data.pop("message"))
        else:
            line |= {"event": log_data.pop("message"), **fields}
        if "exc_info" in log_data:
            line["stack"] = log_data["exc_info"]
        return line


def logging_config(level: str) -> dict[str, Any]:
    """The logging of a whole process, in the shape of `logging.config.dictConfig`."""
    quiet = {name: {"level": "WARNING", "propagate": True} for name in _TALKATIVE}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": "webhooks.logs.JsonFormatter",
                "fmt": "{created}{levelname}{name}{message}",
                "style": "{",
            }
        },
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "stream": "ext://sys.stdout",
            }
        },
        "root": {"level": level, "handlers": ["stdout"]},
        "loggers": {
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            # Each request has our own line already, and this one would hold query strings.
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": True},
            **quiet,
        },
    }


def _timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _request_fields() -> dict[str, Any]:
    if not has_request_context():
        return {}
    user = g.get("user")
    return {
        "request_id": g.get("request_id"),
        "user_id": user.id if user else None,
        "conversation_id": (request.view_args or {}).get("conversation_id"),
    }
