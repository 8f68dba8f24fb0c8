"""The local stack's commands: start, stop, status, reset, and what each says when it cannot."""

from __future__ import annotations

import json
import os
import select
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg
import pytest

from scripts.dev.local_supabase.config import LOOPBACK
from tests.support.stacks import ROOT, free_port, run_cli, temporary_folder


class Project(NamedTuple):
    """A stack that every test leaves up, and the environment that its start printed."""

    folder: Path
    printed: dict[str, str]

    def run(self, command: str, *options: str) -> int:
        """Run a command on it; its exit status."""
        return run_cli(command, "--data-dir", self.folder, *options)

    def answer(self, path: str) -> httpx.Response:
        """What the API says to a client with the publishable key."""
        return httpx.get(
            self.printed["API_URL"] + path, headers={"apikey": self.printed["ANON_KEY"]}
        )


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    """A stack without our tables, which the command starts in a process, as people start it."""
    with temporary_folder() as folder:
        try:
            ports = ("--port", str(free_port()), "--db-port", str(free_port()))
            said = subprocess.run(  # noqa: S603
                [
                    *(sys.executable, "-m", "scripts.dev.local_supabase", "start"),
                    *("--data-dir", folder, "--no-migrations", *ports),
                ],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            yield Project(folder, parse_environment(said.stdout))
        finally:
            run_cli("stop", "--data-dir", folder)


def parse_environment(text: str) -> dict[str, str]:
    """Read the NAME="value" lines that start and status print."""
    return dict(part.split("=", 1) for line in text.splitlines() for part in shlex.split(line))


def refused(said: pytest.CaptureFixture[str], *arguments: str | int | Path) -> str:
    """The one sentence with which a command refuses."""
    said.readouterr()
    assert run_cli(*arguments) == 1
    (line,) = said.readouterr().err.splitlines()
    assert line.startswith("local-supabase: ")
    return line


@contextmanager
def taken_port() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        yield other.getsockname()[1]


def test_it_keeps_the_data_between_starts_and_reset_makes_an_empty_project(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(project.printed["DB_URL"]) as connection:
        connection.execute("create table public.kept as select 1 as n")
    file = project.folder / "storage" / "objects" / "kept"
    file.parent.mkdir(parents=True)
    file.touch()
    assert project.run("stop") == 0
    capsys.readouterr()
    assert project.run("start", "--no-migrations") == 0
    assert parse_environment(capsys.readouterr().out) == project.printed
    with psycopg.connect(project.printed["DB_URL"]) as connection:
        assert connection.execute("select n from public.kept").fetchall() == [(1,)]
    assert file.exists()

    assert project.run("reset", "--no-migrations") == 0
    assert not file.exists()
    for table in ("kept", "messages"):
        answer = project.answer(f"/rest/v1/{table}")
        assert (answer.status_code, answer.json()["code"]) == (404, "PGRST205")

    assert project.run("start") == 0
    answer = project.answer("/rest/v1/messages")
    assert (answer.status_code, answer.json()["code"]) == (401, "42501")


def test_a_second_start_changes_nothing(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    serving = (project.folder / "api.lock").read_text("utf-8")
    assert project.run("start", "--no-migrations") == 0
    assert parse_environment(capsys.readouterr().out) == project.printed
    assert (project.folder / "api.lock").read_text("utf-8") == serving
    assert project.answer("/health").json() == {"status": "ok"}
    assert project.run("status", "--env") == 0
    assert parse_environment(capsys.readouterr().out) == project.printed


def test_a_stopped_stack_leaves_nothing(project: Project) -> None:
    process = os.pidfd_open(int((project.folder / "api.lock").read_text("utf-8")))
    try:
        assert project.run("stop") == 0
        assert select.select([process], [], [], 0)[0] == [process], "the API process is still there"
        assert not (project.folder / "postgres" / "postmaster.pid").exists()
        state = json.loads((project.folder / "state.json").read_text("utf-8"))
        for port in (state["port"], state["db_port"]):
            with socket.socket() as probe:
                assert probe.connect_ex((LOOPBACK, port)) != 0
        assert project.run("status") == 3
        assert project.run("stop") == 0
    finally:
        os.close(process)
        project.run("start", "--no-migrations")


def test_a_taken_port_is_named_with_the_option_that_chooses_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ("start", "--data-dir", tmp_path)
    with taken_port() as port:
        free = free_port()
        said = refused(capsys, *start, "--port", port, "--db-port", free)
        assert f"Port {port} is taken" in said
        assert said.endswith("--port.")
        said = refused(capsys, *start, "--port", free, "--db-port", port)
        assert f"Port {port} is taken" in said
        assert said.endswith("--db-port.")


def test_it_says_what_is_wrong_with_its_options(
    tmp_path: Path, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ("start", "--data-dir", tmp_path)
    assert "There is no stack" in refused(capsys, "status", "--data-dir", tmp_path)
    assert "pg_ctl" in refused(capsys, *start, "--postgres-bin", tmp_path)
    assert "File exists" in refused(capsys, "start", "--data-dir", __file__)
    port = free_port()
    assert "stop it first" in refused(capsys, "start", "--data-dir", project.folder, "--port", port)


@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_a_number_that_is_no_port_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run_cli("start", "--data-dir", tmp_path / "new", f"--port={port}")
    assert capsys.readouterr().err.endswith(f"{port} is no port: choose one from 1 to 65535\n")
    assert not (tmp_path / "new").exists()


def test_a_state_that_was_lost_in_a_power_cut_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state.json").touch()
    assert "state.json is damaged" in refused(capsys, "start", "--data-dir", tmp_path)


@pytest.mark.parametrize("path", ["/functions/v1/hello", "/graphql/v1"])
def test_what_it_does_not_do_answers_501_with_a_sentence(project: Project, path: str) -> None:
    answer = project.answer(path)
    assert answer.status_code == 501
    assert "not part of the local stack" in answer.json()["message"]
