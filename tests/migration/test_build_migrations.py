"""The build writes what changed, whole, and says what it cannot do by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.build import build_migrations
from scripts.build.build_migrations import BuildError, build, check, next_version, read_sources


class Project:
    """A folder of sources and one of migrations."""

    def __init__(self, root: Path) -> None:
        self.sources = root / "functions_sql"
        self.migrations = root / "migrations"
        self.migrations.mkdir()

    def write(self, path: str, text: str) -> None:
        """Write a source."""
        file = self.sources / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def build(self, name: str = "some_change") -> str:
        """Build; the text of the new migration, empty when there is none."""
        path = build(name, self.sources, self.migrations)
        return path.read_text() if path else ""

    def check(self) -> list[str]:
        """The complaints."""
        return check(self.sources, self.migrations)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two sources that were built."""
    project = Project(tmp_path)
    project.write("10_private/helper.sql", "select 'helper';\n")
    project.write("30_chat/send.sql", "select 'send';\n")
    project.build()
    return project


def test_sources_are_applied_by_folder_then_by_name(project: Project) -> None:
    project.write("30_chat/answer.sql", "")
    project.write("20_flow/zebra.sql", "")
    assert [source.path for source in read_sources(project.sources)] == [
        "10_private/helper.sql",
        "20_flow/zebra.sql",
        "30_chat/answer.sql",
        "30_chat/send.sql",
    ]


def test_a_second_build_has_nothing_to_write(project: Project) -> None:
    assert project.check() == []
    assert project.build() == ""


def test_a_changed_source_is_named_and_then_written_whole(project: Project) -> None:
    project.write("30_chat/send.sql", "select 'send better';\n")
    assert project.check() == ["30_chat/send.sql differs from its newest migration."]
    text = project.build()
    assert "select 'send better';" in text
    assert "helper" not in text
    assert project.check() == []


def test_rows_that_are_published_together_are_written_together(project: Project) -> None:
    project.write("80_data/10_begin.sql", "select 'begin';\n")
    project.write("80_data/90_publish.sql", "select 'publish';\n")
    project.build("add_rows")
    project.write("30_chat/send.sql", "select 'send better';\n")
    assert "80_data" not in project.build("send_better")
    project.write("80_data/10_begin.sql", "select 'begin better';\n")
    assert project.check() == ["80_data/10_begin.sql differs from its newest migration."]
    text = project.build("begin_better")
    assert text.index("select 'begin better';") < text.index("select 'publish';")
    assert "send" not in text
    assert project.check() == []


def test_a_source_that_returns_to_an_earlier_text_is_written_again(project: Project) -> None:
    project.write("30_chat/send.sql", "select 'send better';\n")
    project.build()
    project.write("30_chat/send.sql", "select 'send';\n")
    assert "select 'send';" in project.build("undo")


def test_a_moved_source_is_only_noted(project: Project) -> None:
    (project.sources / "30_chat/send.sql").unlink()
    project.write("40_talk/send.sql", "select 'send';\n")
    assert project.check() == ["40_talk/send.sql was moved from 30_chat/send.sql."]
    text = project.build("move_send")
    assert "-- moved: 30_chat/send.sql 40_talk/send.sql" in text
    assert "select" not in text
    assert project.check() == []


def test_a_vanished_source_needs_a_drop_by_hand(project: Project) -> None:
    (project.sources / "30_chat/send.sql").unlink()
    (complaint,) = project.check()
    assert complaint.startswith("30_chat/send.sql is gone")
    with pytest.raises(BuildError, match="-- dropped: 30_chat/send"):
        project.build()
    version = next_version(project.migrations, datetime.now(UTC))
    (project.migrations / f"{version}_drop_send.sql").write_text(
        "-- dropped: 30_chat/send.sql\ndrop function send();\n"
    )
    assert project.check() == []


def test_a_version_is_later_than_every_other(project: Project) -> None:
    (project.migrations / "20991231235959_far_away.sql").write_text("select 1;\n")
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert next_version(project.migrations, now) == "21000101000000"
    assert next_version(project.sources, now) == "20260102030405"


def test_a_name_is_snake_case(project: Project) -> None:
    with pytest.raises(BuildError, match="lowercase words"):
        project.build("Not A Name")


def test_an_unknown_source_fails_the_command(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("30_chat/answer.sql", "select 'answer';\n")
    complaints = project.check()
    monkeypatch.setattr(build_migrations, "check", lambda: complaints)
    assert build_migrations.main(["--check"]) == 1
    assert "30_chat/answer.sql differs" in capsys.readouterr().err
