"""What the tests of pushes arrange and look at."""

from __future__ import annotations

import uuid
from typing import Any

from tests.support.databases import Database

# The sizes of a real PushSubscription: a P-256 point and 16 random bytes, in base64url.
KEYS = {"p256dh": "p" * 87, "auth": "a" * 22}


def endpoint(name: str) -> str:
    """The address of a browser's push service for one device."""
    return f"https://push.example.com/send/{name}"


def register(db: Database, user: uuid.UUID, name: str, **more: Any) -> Any:
    """Register a device of the user."""
    arguments = {"kind": "web_push", "token": endpoint(name), "keys": KEYS, **more}
    with db.signed_in_as(user):
        return db.call("register_push_token", **arguments)


def take(db: Database, **arguments: Any) -> list[Any]:
    """What the sender gets to push now."""
    with db.as_service():
        pushes: list[Any] = db.call("take_pushes", **arguments)
    return pushes


def record(db: Database, push: Any, result: Any) -> Any:
    """Say how a push went."""
    with db.as_service():
        return db.call("record_push_result", push_id=push, result=result)


def waiting(db: Database) -> list[dict[str, Any]]:
    """The outbox, oldest first, with whose device each push is for."""
    return db.query(
        """
        select o.id, o.payload, o.attempts, o.due_at, t.user_id, t.token
        from private.push_outbox as o join private.push_tokens as t on t.id = o.push_token_id
        order by o.id
        """
    )


def let_pass(db: Database, minutes: float) -> None:
    """Let time pass for what waits in the outbox."""
    db.query("update private.push_outbox set due_at = due_at - %s * interval '1 minute'", minutes)
