"""The lock notices every edit of a migration that others may have applied."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.build import lock_migrations

OLD = "20260101000000_create_users.sql"
NEW = "20260201000000_create_talks.sql"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one migration, locked."""
    (tmp_path / OLD).write_text("create table users ();\n")
    assert write(tmp_path) == ""
    return tmp_path


def check(folder: Path) -> str:
    return "\n".join(lock_migrations.check(folder, folder / "lock"))


def write(folder: Path) -> str:
    return "\n".join(lock_migrations.write(folder, folder / "lock"))


def test_an_untouched_migration_passes(folder: Path) -> None:
    assert (folder / "lock").read_text().endswith(f"  {OLD}\n")
    assert check(folder) == ""


def test_an_edited_migration_is_named_and_never_locked_again(folder: Path) -> None:
    (folder / OLD).write_text("create table people ();\n")
    for _ in range(2):
        assert f"{OLD} was changed" in check(folder)
        assert f"{OLD} was changed" in write(folder)


def test_a_removed_migration_is_named(folder: Path) -> None:
    (folder / OLD).unlink()
    assert f"{OLD} is locked but gone" in check(folder)


def test_a_new_migration_must_be_locked(folder: Path) -> None:
    (folder / NEW).write_text("create table talks ();\n")
    assert f"{NEW} is not locked" in check(folder)
    assert write(folder) == ""
    assert check(folder) == ""


def test_a_migration_older_than_a_locked_one_is_refused(folder: Path) -> None:
    (folder / "20250101000000_too_late.sql").write_text("select 1;\n")
    assert "is older than" in check(folder)
