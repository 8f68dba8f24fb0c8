"""Hooks around every request: its id, its size limit, its log line and its numbers."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

from flask import Flask, Response, g, request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from webhooks import metrics
from webhooks.logs import log_event

# Razorpay's events have a few kB, and clients' bodies less.
MAX_BODY_BYTES = 256 * 1024

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def register_request_hooks(app: Flask) -> None:
    """Put the hooks around every request of the app."""
    # Werkzeug silently cuts a chunked body at its limit. So its limit is one byte more than ours,
    # and `_read_body` checks the length.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1
    app.before_request(_begin)
    app.before_request(_read_body)
    app.after_request(_finish)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _SANE_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    g.started_at = time.perf_counter()


def _read_body() -> None:
    try:
        body = request.get_data()
    except (ParseException, OSError) as error:  # what gunicorn raises for broken chunks
        raise BadRequest from error
    if len(body) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge


def add_log_fields(**fields: Any) -> None:
    """Give the present request's line more keys; ids, codes and numbers only."""
    g.log_fields = {**g.get("log_fields", {}), **fields}


def _finish(response: Response) -> Response:
    seconds = time.perf_counter() - g.started_at
    route = request.url_rule.rule if request.url_rule else "unmatched"
    response.headers["X-Request-Id"] = g.request_id
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    metrics.REQUESTS.labels(endpoint=route, status=response.status_code).inc()
    metrics.REQUEST_SECONDS.labels(endpoint=route).observe(seconds)
    log_event(
        "request_finished",
        method=request.method,
        route=route,
        status=response.status_code,
        duration_ms=round(seconds * 1000, 1),
        **g.get("log_fields", {}),
    )
    return response
