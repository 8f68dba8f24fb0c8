"""Presence on a topic: one entry per channel, grouped by the key that its client chose."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Hashable
from typing import Any

Meta = dict[str, Any]
State = dict[str, dict[str, list[Meta]]]
Diff = dict[str, State]


class Presence:
    """The entries of all topics. A topic is any hashable thing, and so is the owner of an entry."""

    def __init__(self) -> None:
        self._topics: dict[Hashable, dict[Hashable, tuple[str, Meta]]] = {}

    def state(self, topic: Hashable) -> State:
        """Everybody on the topic, as `presence_state` tells it."""
        state: State = {}
        for key, meta in self._topics.get(topic, {}).values():
            state.setdefault(key, {"metas": []})["metas"].append(meta)
        return state

    def track(self, topic: Hashable, owner: Hashable, key: str, payload: Meta) -> Diff | None:
        """Enter or replace the owner's entry; None when it says what it said before."""
        entries = self._topics.setdefault(topic, {})
        before = entries.get(owner)
        if before is None:
            meta = {**payload, "phx_ref": _new_ref()}
            entries[owner] = (key, meta)
            return {"joins": {key: {"metas": [meta]}}, "leaves": {}}
        old = before[1]
        if {k: v for k, v in old.items() if k not in ("phx_ref", "phx_ref_prev")} == payload:
            return None
        meta = {**payload, "phx_ref": _new_ref(), "phx_ref_prev": old["phx_ref"]}
        entries[owner] = (key, meta)
        return {"joins": {key: {"metas": [meta]}}, "leaves": {key: {"metas": [old]}}}

    def untrack(self, topic: Hashable, owner: Hashable) -> Diff | None:
        """Remove the owner's entry; None when there is none."""
        entries = self._topics.get(topic, {})
        entry = entries.pop(owner, None)
        if not entries:
            self._topics.pop(topic, None)
        if entry is None:
            return None
        key, meta = entry
        return {"joins": {}, "leaves": {key: {"metas": [meta]}}}


def _new_ref() -> str:
    return base64.b64encode(secrets.token_bytes(9)).decode()
