"""The scene that most tests of the chat start from."""

from __future__ import annotations

import pytest

from tests.chat.scenes import Talk, open_talk
from tests.support.databases import Database


@pytest.fixture
def talk(db: Database) -> Talk:
    """Asha has opened a chat with Bharat; nobody has said anything yet."""
    asha, bharat, chitra = (db.create_user(name) for name in ("Asha", "Bharat", "Chitra"))
    return Talk(open_talk(db, asha, bharat), asha, bharat, chitra)
