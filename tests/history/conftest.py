"""The scene that these tests start from."""

from __future__ import annotations

import pytest

from tests.history.steps import Story, open_chat, take_step
from tests.support.databases import Database


@pytest.fixture
def story(db: Database) -> Story:
    """Asha and Bharat opened a chat and closed and reopened it, in six steps."""
    asha, bharat, chitra = (db.create_user(name) for name in ("Asha", "Bharat", "Chitra"))
    story = Story(open_chat(db, asha, bharat), asha, bharat, chitra)
    take_step(db, story.id, "direct_connect", "real_time", asha, from_state="initial")
    take_step(
        db, story.id, "close_chat", "chat_closed", asha, details={"reason": "Quetzal at noon"}
    )
    take_step(db, story.id, "reopen_chat", "real_time", bharat, details={"note": "sorry"})
    take_step(db, story.id, "close_chat", "chat_closed", role="system")
    take_step(db, story.id, "reopen_chat", "real_time", role="admin")
    take_step(db, story.id, "close_chat", "chat_closed", bharat, details={"reason": "enough"})
    return story
