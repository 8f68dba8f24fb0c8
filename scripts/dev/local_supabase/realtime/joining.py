"""Reads the request of a join, and refuses it for a reason."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import psycopg

from scripts.dev.local_supabase.realtime import authorization
from scripts.dev.local_supabase.realtime.authorization import (
    Claims,
    Context,
    MissingPartitionError,
    Policies,
    TokenError,
)
from scripts.dev.local_supabase.realtime.frames import JSON, dumps
from scripts.dev.local_supabase.realtime.hub import Hub
from scripts.dev.local_supabase.realtime.listening import Topic
from scripts.dev.local_supabase.realtime.phash import phash2

MAX_REPLAYED = 25


class JoinRefusedError(Exception):
    """A join that is answered with an error; the text is the reason that the client reads."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Which broadcasts of the past to send: since a time (ms since 1970), the newest `limit`."""

    since: int
    limit: int


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """The payload of phx_join, read leniently: what is malformed counts as not given."""

    token: str
    private: bool
    own_broadcasts: bool
    acknowledge: bool
    presence_key: str
    presence_enabled: bool
    replay: JSON
    bindings: list[dict[str, Any]]


def read_request(name: str, payload: JSON, api_key: str) -> JoinRequest:
    """Read the payload of a join of the topic `realtime:<name>`.

    Raises:
        JoinRefusedError: its shape makes the real server stumble.
    """
    if not isinstance(payload, dict):
        said = f"expected params to be a :map, got: `{dumps(payload)}`"
        raise JoinRefusedError(f"UnknownErrorOnChannel: {said}")
    config = payload.get("config") or {}
    broadcast = config.get("broadcast") or {} if isinstance(config, dict) else None
    if not isinstance(broadcast, dict):
        raise JoinRefusedError("UnknownErrorOnChannel: no function clause matching in Access.get/3")
    presence = config.get("presence")
    presence = presence if isinstance(presence, dict) else {}
    if "config" in payload:
        asked = config.get("postgres_changes")
        bindings = [item for item in asked if isinstance(item, dict)] if asked else []
    else:
        # The protocol before 2022: the topic's name itself says what to listen to.
        bindings = [dict(zip(("schema", "table", "filter"), name.split(":", 2), strict=False))]
    key = presence.get("key")
    return JoinRequest(
        token=_token(payload, api_key),
        private=_flag(config.get("private")),
        own_broadcasts=_flag(broadcast.get("self")),
        acknowledge=_flag(broadcast.get("ack")),
        presence_key=str(uuid.uuid1()) if key in (None, "") else str(key),
        presence_enabled=_flag(presence.get("enabled")),
        replay=broadcast.get("replay"),
        bindings=[{**binding, "id": phash2(binding)} for binding in bindings],
    )


async def admit(
    hub: Hub, topic: Topic, request: JoinRequest, headers: dict[str, str]
) -> tuple[Claims, Policies, Replay | None]:
    """Check token, policies and replay of a join.

    Raises:
        JoinRefusedError: one of them does not allow it.
    """
    try:
        claims = authorization.verify(request.token, hub.settings.jwt_secret)
    except TokenError as error:
        raise JoinRefusedError(str(error)) from error
    policies = Policies(broadcast=True, presence=True)
    if topic.private:
        policies = await read_private(
            hub, Context(topic.name, claims, headers), presence=request.presence_enabled
        )
    return claims, policies, _replay(topic, request.replay)


async def read_private(hub: Hub, context: Context, *, presence: bool) -> Policies:
    """The user's rights to read a private topic.

    Raises:
        JoinRefusedError: nothing, or the database cannot say.
    """
    try:
        await hub.maintain_partitions()
        policies = await authorization.read_policies(hub.pool, context, presence=presence)
    except MissingPartitionError as error:
        said = "Realtime was unable to find the expected messages partition"
        raise JoinRefusedError(f"MissingPartition: {said}") from error
    except psycopg.Error as error:
        said = "Realtime was unable to connect to the project database"
        raise JoinRefusedError(f"UnableToConnectToProject: {said}") from error
    if not policies.broadcast and not policies.presence:
        raise JoinRefusedError(f"Unauthorized: {denied(context.topic)}")
    return policies


def denied(name: str) -> str:
    """The server's sentence for a topic that the user may not read."""
    return f"You do not have permissions to read from this Channel topic: {name}"


def _token(payload: dict[str, Any], api_key: str) -> str:
    token = payload.get("user_token") or payload.get("access_token")
    if isinstance(token, str) and not token.startswith("sb_"):
        return token
    return api_key


def _flag(value: JSON) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _replay(topic: Topic, asked: JSON) -> Replay | None:
    if asked is None:
        return None
    if not topic.private:
        raise JoinRefusedError("UnableToReplayMessages: Replay is not allowed for public channels")
    since = asked.get("since") if isinstance(asked, dict) else None
    limit = asked.get("limit", MAX_REPLAYED) if isinstance(asked, dict) else None
    if type(since) is not int or type(limit) is not int or limit < 1:
        raise JoinRefusedError("UnableToReplayMessages: Replay params are not valid")
    return Replay(since, min(limit, MAX_REPLAYED))
