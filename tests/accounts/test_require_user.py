"""Every RPC needs a user."""

from __future__ import annotations

import uuid
from typing import Any

from tests.support.databases import Database

SOMETHING = str(uuid.uuid4())
CALLS: dict[str, dict[str, Any]] = {
    "complete_profile": {"role": "influencer", "display_name": "Asha"},
    "direct_connect": {"target_user_id": SOMETHING},
    "get_conversation_context": {"conversation_id": SOMETHING},
    "get_conversations": {},
    "get_messages": {"conversation_id": SOMETHING},
    "login_cleanup": {},
    "mark_delivered": {"conversation_id": SOMETHING},
    "mark_read": {"conversation_id": SOMETHING},
    "send_message": {"conversation_id": SOMETHING, "message": "hi"},
    "sync": {},
}


def test_a_token_without_a_user_is_refused_by_every_call(db: Database) -> None:
    asha = db.create_user("Asha")
    for function, arguments in CALLS.items():
        with db.signed_in_as(asha, sub=None), db.refused("AUTH_REQUIRED", 401) as refusal:
            db.call(function, **arguments)
        assert refusal.hint
