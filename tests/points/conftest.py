"""The scene that these tests start from."""

from __future__ import annotations

from tests.chat.conftest import talk

__all__ = ["talk"]
