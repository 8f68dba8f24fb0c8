"""A machine without an older PostgreSQL fails loudly, unless it was told to do without."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from tests.support import older_postgres


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has no PostgreSQL of its own."""
    monkeypatch.setattr(older_postgres, "CONTROL", tmp_path)
    monkeypatch.setattr(older_postgres, "FROM_NPM", tmp_path)
    monkeypatch.delenv("PARLEY_WITHOUT", raising=False)


def test_a_missing_extension_fails_and_says_what_to_install() -> None:
    with pytest.raises(pytest.fail.Exception, match="apt-get install postgresql-15-plpgsql-check"):
        older_postgres.find_checked_binaries()


def test_it_is_left_out_only_where_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_WITHOUT", "plpgsql_check")
    with pytest.raises(pytest.skip.Exception, match="LEFT OUT"):
        older_postgres.find_checked_binaries()


def test_a_missing_postgres_of_npm_fails_where_npm_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    with pytest.raises(pytest.fail.Exception, match="it installs tests/node"):
        older_postgres.find_npm_binaries()
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(pytest.skip.Exception, match="x86-64 only"):
        older_postgres.find_npm_binaries()
