"""The channels and the presence of every topic."""

from __future__ import annotations

import asyncio
import datetime
import logging
from dataclasses import dataclass, field

from scripts.dev.local_supabase.config import Settings
from scripts.dev.local_supabase.realtime.authorization import Pool
from scripts.dev.local_supabase.realtime.changes import Changes
from scripts.dev.local_supabase.realtime.frames import Fanout, fan_out, user_broadcast
from scripts.dev.local_supabase.realtime.listening import Listener, Topic
from scripts.dev.local_supabase.realtime.pgoutput import Change
from scripts.dev.local_supabase.realtime.presence import Diff, Presence
from scripts.dev.local_supabase.realtime.rate import EventRate

# Tenant default, 3000 kB, and the margin the server adds (transcript 16a).
MAX_PAYLOAD = 3_000 * 1000 + 500

log = logging.getLogger(__name__)


@dataclass
class Hub:
    """The state that all sockets of one server share."""

    settings: Settings
    pool: Pool
    changes: Changes
    replication_ready: asyncio.Event = field(default_factory=asyncio.Event)
    presence: Presence = field(default_factory=Presence)
    rate: EventRate = field(init=False)
    _channels: dict[Topic, dict[Listener, None]] = field(default_factory=dict)
    _partitions_made_on: datetime.date | None = None

    def __post_init__(self) -> None:
        self.rate = EventRate(self.settings.realtime_events)

    def add(self, channel: Listener) -> None:
        """Let a channel hear its topic."""
        self._channels.setdefault(channel.topic, {})[channel] = None

    def remove(self, channel: Listener) -> None:
        """Let a channel hear nothing more, and tell the others that it left."""
        listeners = self._channels.get(channel.topic, {})
        listeners.pop(channel, None)
        if not listeners:
            self._channels.pop(channel.topic, None)
        self.changes.unsubscribe(channel)
        self.send_diff(channel.topic, self.presence.untrack(channel.topic, channel))

    def listeners(self, topic: Topic) -> list[Listener]:
        """The channels of a topic, oldest first."""
        return list(self._channels.get(topic, ()))

    def broadcast(
        self,
        topic: Topic,
        message: Fanout,
        *,
        but: Listener | None = None,
        message_id: str | None = None,
    ) -> None:
        """Hand a message to every channel of the topic that may read broadcasts.

        While the project is over its quota each of them is told so and closed.
        """
        is_over = self.rate.is_over
        for channel in self.listeners(topic):
            if channel is not but and channel.policies.broadcast and channel.is_new(message_id):
                channel.post_fanout(message)
                self.rate.count(1)
                if is_over:
                    channel.shut_down("Too many messages per second")

    def send_diff(self, topic: Topic, diff: Diff | None) -> None:
        """Tell a change of presence to every channel that may hear of it."""
        if diff is None:
            return
        message = fan_out(topic.full_name, "presence_diff", diff)
        for channel in self.listeners(topic):
            if channel.policies.presence:
                channel.post_fanout(message)

    def handle(self, change: Change) -> None:
        """Take one committed change: a broadcast, or a row that somebody may listen to."""
        relation = change.relation
        if relation.schema == "realtime" and relation.name.startswith("messages_"):
            if change.kind == "INSERT":
                self._broadcast_row(change)
        else:
            self.changes.handle(change)

    def _broadcast_row(self, change: Change) -> None:
        row = {k: v if isinstance(v, str) else None for k, v in change.new.items()}
        topic, event, message_id = row["topic"], row["event"], row["id"]
        text, binary = row["payload"], row["binary_payload"]
        if topic is None or event is None or message_id is None or (text or binary) is None:
            log.warning("a row of realtime.messages is no broadcast: %s", message_id)
            return
        data = text.encode() if text is not None else bytes.fromhex((binary or "")[2:])
        if len(data) > MAX_PAYLOAD:
            log.warning("a broadcast is too large: %s", message_id)
            return
        address = Topic(topic, row["private"] == "t")
        if not self.listeners(address):
            return
        if self.rate.is_over:
            log.warning("UnableToBroadcastChanges: :too_many_requests: %s", message_id)
            return
        message = user_broadcast(
            address.full_name, event, data, is_json=text is not None, meta={"id": message_id}
        )
        self.broadcast(address, message, message_id=message_id)

    async def maintain_partitions(self) -> None:
        """See that realtime.messages has its partitions; does its work once a day."""
        today = datetime.datetime.now(datetime.UTC).date()
        if self._partitions_made_on != today:
            async with self.pool.connection() as connection:
                await connection.execute("select realtime.maintain_message_partitions()")
            self._partitions_made_on = today
