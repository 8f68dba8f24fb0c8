"""Counters for Prometheus, over all worker processes."""

from __future__ import annotations

import os

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

# prometheus-client's own name: https://prometheus.github.io/client_python/multiprocess/
MULTIPROCESS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"

# 5 s is how long Razorpay waits for an answer.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter(
    "parley_http_requests", "Requests answered, by route and status.", ["endpoint", "status"]
)
REQUEST_SECONDS = Histogram(
    "parley_http_request_seconds", "Time to answer, by route.", ["endpoint"], buckets=_SECONDS
)
RPC_ERRORS = Counter(
    "parley_rpc_errors", "Database calls that failed, by function and code.", ["function", "code"]
)
PUSHES = Counter("parley_pushes", "Pushes tried, by kind and result.", ["kind", "result"])
FILES = Counter(
    "parley_files", "Files that Storage was told to delete, by result: deleted, failed.", ["result"]
)
CLEANUPS = Counter(
    "parley_cleanups", "Cleanups at sign-in that went through the app: done, throttled.", ["result"]
)
CLEANED = Counter(
    "parley_cleaned",
    "Their work: messages flagged as expired, messages emptied (scrubbed), deadlines_run.",
    ["what"],
)

WEBHOOKS = Counter(
    "webhook_requests",
    "Webhook calls, by the result of their check: verified_current, verified_previous, "
    "bad_signature, no_signature, too_large.",
    ["result"],
)
WEBHOOK_OUTCOMES = Counter(
    "webhook_outcome",
    "Authentic webhook calls, by outcome; db_down: not stored, db_busy: stored, not processed.",
    ["outcome"],
)
WEBHOOK_SECONDS = Histogram("webhook_seconds", "Time to answer a webhook call.", buckets=_SECONDS)
RAZORPAY_SECONDS = Histogram(
    "rzp_call_seconds",
    "Time of a call to Razorpay, by operation and result (ok, refused, unavailable, unauthorized).",
    ["op", "result"],
    buckets=_SECONDS,
)
ORDERS = Counter(
    "orders",
    "Orders requested, by result: created, reused, adopted, refused, unavailable, unauthorized.",
    ["result"],
)
RECONCILES = Counter("reconcile", "Payments asked about at Razorpay, by result.", ["result"])


def exposition() -> bytes:
    """The present numbers in Prometheus' text format, of all workers where there are several."""
    if MULTIPROCESS_DIRECTORY not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
