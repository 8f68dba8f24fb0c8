"""The database's numbers for Prometheus, read at each scrape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from webhooks.database import Database
from webhooks.http.errors import ApiError

# A scrape must not hang on the database; Prometheus itself waits for ten seconds.
TIMEOUT_SECONDS = 2.0

# The keys of `get_metrics` that are one number each.
_NUMBERS = {
    "events_stuck": "Events of Razorpay that are stored and unprocessed for more than 5 minutes.",
    "refunds_requested": "Refunds that are requested and not yet processed.",
    "refunds_oldest_seconds": "Age of the oldest of them.",
    "pending_payments": "Conversations that wait for a payment somebody has tried to make.",
    "oldest_pending_payment_seconds": "Age of the oldest such wait.",
    "payouts_owed": "Payouts to influencers that nobody has paid yet.",
    "payouts_owed_minor": "Their sum, in paise.",
    "broadcasts_last_minute": "Broadcast rows that the database wrote in the last minute.",
    "broadcasts_lost": "Broadcast rows that could not be written, in all.",
    "ledger_balance_minor": "Difference of deals' books and ledger, in paise; not 0 is a fault.",
}

# The keys of `get_metrics` that are a number for each value of a label, and that label.
_GROUPS = {
    "open_alerts": ("severity", "Alerts that nobody has resolved, by severity."),
    "events": ("status", "Events of Razorpay that are stored, by status."),
    "messages": ("type", "Messages of the last 5 minutes, by type."),
    "notifications": ("type", "Notifications of the last 5 minutes, by type."),
    "closed": ("reason", "Conversations that ended in the last 5 minutes, by reason."),
    "outcomes": (
        "outcome",
        "Deals that were settled in the last 5 minutes: completed, or why they closed.",
    ),
    "delivery": (
        "stage",
        "Messages between people of the last 5 minutes: sent, delivered, read; lag_seconds is the "
        "mean time to delivery.",
    ),
    "push_queue": ("what", "Pushes that wait, the age of the oldest, hosts that rest."),
    "cleanup_due": (
        "what",
        "Messages that the next cleanup empties (counted up to 10,000), steps that it writes.",
    ),
}
# The keys of `get_metrics` that are rows: their labels, and their numbers.
_ROWS = {
    "steps": (
        ("from_state", "to_state", "action", "role"),
        {"count": ("steps", "Steps of deals in the last 5 minutes.")},
    ),
    "states": (
        ("state",),
        {
            "deals": ("deals", "Open deals by state."),
            "average_seconds": ("state_seconds", "Mean time of open deals in their state."),
            "oldest_seconds": ("state_oldest_seconds", "Longest time in a state."),
        },
    ),
}


def gauges(database: Database) -> bytes:
    """The gauges in Prometheus' text format; nothing when the database does not answer."""
    try:
        said = database.call_as_service("get_metrics", within=TIMEOUT_SECONDS)
    except ApiError:  # the database's own line says more, and counters go on without gauges
        return b""
    registry = CollectorRegistry()
    registry.register(_Told(said))
    return generate_latest(registry)


class _Told(Collector):
    """What the database has told, as prometheus-client wants to have it."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self._said = said

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, meaning in _NUMBERS.items():
            value = self._said[name]
            if value is not None:  # of nothing there is no oldest
                yield GaugeMetricFamily(f"parley_{name}", meaning, value=value)
        for name, (label, meaning) in _GROUPS.items():
            family = GaugeMetricFamily(f"parley_{name}", meaning, labels=[label])
            for word, count in self._said[name].items():
                if count is not None:
                    family.add_metric([word], count)
            yield family
        for name, (labels, numbers) in _ROWS.items():
            for key, (metric, meaning) in numbers.items():
                family = GaugeMetricFamily(f"parley_{metric}", meaning, labels=labels)
                for row in self._said[name]:
                    family.add_metric([row[label] for label in labels], row[key])
                yield family
        mode = GaugeMetricFamily(
            "parley_payment_mode", "1 for the mode that the database is in.", labels=["mode"]
        )
        mode.add_metric([self._said["payment_mode"]], 1)
        yield mode
