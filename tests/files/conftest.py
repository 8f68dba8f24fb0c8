"""The scene that the tests of files start from."""

from tests.chat.conftest import talk

__all__ = ["talk"]
