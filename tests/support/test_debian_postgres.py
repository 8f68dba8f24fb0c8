"""A machine without plpgsql_check fails loudly, unless it was told to do without."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import debian_postgres


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has no PostgreSQL of its own."""
    monkeypatch.setattr(debian_postgres, "CONTROL", tmp_path)
    monkeypatch.delenv("PARLEY_WITHOUT", raising=False)


def test_a_missing_extension_fails_and_says_what_to_install() -> None:
    with pytest.raises(pytest.fail.Exception, match="apt-get install postgresql-15-plpgsql-check"):
        debian_postgres.find_binaries()


def test_it_is_left_out_only_where_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_WITHOUT", "plpgsql_check")
    with pytest.raises(pytest.skip.Exception, match="LEFT OUT"):
        debian_postgres.find_binaries()
