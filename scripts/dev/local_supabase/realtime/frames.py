"""The two forms in which frames travel: vsn 1.0.0 (JSON objects) and 2.0.0 (arrays and binary).

Source: phoenix's V1 and V2 serializers and supabase/realtime's
lib/realtime_web/socket/user_broadcast.ex; the lengths in a binary frame are one byte each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

JSON = Any
Encoded = str | bytes

VSN_1 = "1.0.0"
VSN_2 = "2.0.0"

KIND_USER_BROADCAST_PUSH = 3
KIND_USER_BROADCAST = 4
LONGEST_FIELD = 255
# Half of what Python's JSON can do: what was read with a shallow stack is written with a deep one.
MAX_DEPTH = 500


class BadFrameError(Exception):
    """A frame that is no frame; the server ignores it and keeps the socket."""


@dataclass(frozen=True, slots=True)
class RawBroadcast:
    """A binary frame of a client: the event and the payload's bytes."""

    event: str
    data: bytes
    is_json: bool


@dataclass(frozen=True, slots=True)
class Push:
    """One frame from a client."""

    join_ref: JSON
    ref: JSON
    topic: str
    event: str
    payload: JSON


@dataclass(frozen=True, slots=True)
class Fanout:
    """One message for many receivers, in both forms; None where a form cannot carry it."""

    vsn_1: Encoded | None
    vsn_2: Encoded | None

    def encoded(self, vsn: str) -> Encoded | None:
        """The form that a receiver of this version gets."""
        return self.vsn_2 if vsn == VSN_2 else self.vsn_1


def dumps(value: JSON) -> str:
    """JSON without spaces, the way the server writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def encode(vsn: str, join_ref: JSON, ref: JSON, topic: str, event: str, payload: JSON) -> str:
    """One text frame to one client; vsn 1 has no join_ref."""
    if vsn == VSN_2:
        return dumps([join_ref, ref, topic, event, payload])
    return dumps({"ref": ref, "event": event, "topic": topic, "payload": payload})


def fan_out(topic: str, event: str, payload: JSON) -> Fanout:
    """A JSON message to everybody on a topic."""
    return Fanout(
        encode(VSN_1, None, None, topic, event, payload),
        encode(VSN_2, None, None, topic, event, payload),
    )


def user_broadcast(
    topic: str, event: str, data: bytes, *, is_json: bool, meta: dict[str, JSON] | None = None
) -> Fanout:
    """A broadcast whose payload is passed on byte by byte: binary for vsn 2, text for vsn 1.

    A payload that is not JSON never reaches vsn 1, and a topic or event of more than 255 bytes
    never reaches vsn 2.
    """
    text = None
    if is_json:
        head = {"type": "broadcast", "event": event, **({"meta": meta} if meta else {})}
        body = f'{dumps(head)[:-1]},"payload":{data.decode()}}}'
        text = f'{{"ref":null,"event":"broadcast","topic":{dumps(topic)},"payload":{body}}}'
    return Fanout(text, _kind_4(topic, event, data, is_json=is_json, meta=meta))


def _kind_4(
    topic: str, event: str, data: bytes, *, is_json: bool, meta: dict[str, JSON] | None
) -> bytes | None:
    fields = [topic.encode(), event.encode(), dumps(meta).encode() if meta else b""]
    if any(len(field) > LONGEST_FIELD for field in fields):
        return None
    head = bytes([KIND_USER_BROADCAST, *(len(field) for field in fields), int(is_json)])
    return head + b"".join(fields) + data


def decode(vsn: str, frame: Encoded) -> Push:
    """Read one frame of a client.

    Raises:
        BadFrameError: it is not JSON, too deep, or has another shape than the version's.
    """
    if isinstance(frame, bytes):
        if vsn != VSN_2:
            raise BadFrameError
        return _decode_kind_3(frame)
    try:
        value = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise BadFrameError from error
    if _is_too_deep(value):
        raise BadFrameError
    if vsn == VSN_2:
        if not isinstance(value, list) or len(value) != 5:
            raise BadFrameError
        push = Push(*value)
    else:
        if not isinstance(value, dict) or not value.keys() >= {"topic", "event", "payload", "ref"}:
            raise BadFrameError
        push = Push(
            value.get("join_ref"), value["ref"], value["topic"], value["event"], value["payload"]
        )
    if not isinstance(push.topic, str) or not isinstance(push.event, str):
        raise BadFrameError
    return push


def _is_too_deep(value: JSON) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _decode_kind_3(frame: bytes) -> Push:
    if len(frame) < 7 or frame[0] != KIND_USER_BROADCAST_PUSH:
        raise BadFrameError
    at = 7
    fields = []
    for length in frame[1:6]:
        fields.append(frame[at : at + length])
        at += length
    if at > len(frame):
        raise BadFrameError
    is_json = frame[6] == 1
    try:
        if is_json:
            json.loads(frame[at:].decode())
        join_ref, ref, topic, event, _meta = (field.decode() for field in fields)
    except (ValueError, RecursionError) as error:
        raise BadFrameError from error
    payload = RawBroadcast(event, frame[at:], is_json)
    return Push(join_ref or None, ref or None, topic, "broadcast", payload)
