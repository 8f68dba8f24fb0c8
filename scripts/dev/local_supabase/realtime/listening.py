"""Types that the parts of Realtime share: topics, listeners and outlets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from scripts.dev.local_supabase.realtime.authorization import Policies
from scripts.dev.local_supabase.realtime.frames import Encoded, Fanout

TOPIC_PREFIX = "realtime:"


@dataclass(frozen=True, slots=True)
class Topic:
    """The topic of channels. A private and a public one of one name are different topics."""

    name: str
    private: bool

    @property
    def full_name(self) -> str:
        """The topic as it stands in frames."""
        return TOPIC_PREFIX + self.name


class Listener(Protocol):
    """A channel, as the hub and postgres_changes see it."""

    topic: Topic
    policies: Policies
    stopped: bool

    @property
    def vsn(self) -> str:
        """The protocol that its socket speaks."""

    def __hash__(self) -> int:
        """Listeners are told apart by who they are."""

    def is_new(self, message_id: str | None) -> bool:
        """Whether the channel has not replayed this message."""

    def post_fanout(self, message: Fanout) -> None:
        """Queue what everybody on the topic gets."""

    def shut_down(self, message: str) -> None:
        """End the channel and say why."""


class Outlet(Protocol):
    """A websocket, as its channels see it."""

    vsn: str
    api_key: str
    headers: dict[str, str]

    def post(self, frame: Encoded) -> None:
        """Queue a frame."""

    def forget(self, listener: Listener) -> None:
        """Drop an ended channel."""
