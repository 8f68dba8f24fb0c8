"""The local stack's commands: start, stop, status, reset, and what each says when it cannot."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from scripts.dev.local_supabase.config import LOOPBACK
from tests.support.stacks import free_port, parse_environment, run_cli, temporary_folder

Said = subprocess.CompletedProcess[str]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder whose stack is stopped at the end."""
    with temporary_folder() as data_dir:
        try:
            yield data_dir
        finally:
            run_cli("stop", "--data-dir", data_dir)


def start(folder: Path, *options: str | Path) -> dict[str, str]:
    """Start a stack on free ports without our tables; what it printed."""
    ports = ("--port", str(free_port()), "--db-port", str(free_port()))
    known = (folder / "state.json").exists()
    said = run_cli(
        *("start", "--data-dir", folder, "--no-migrations"), *(() if known else ports), *options
    )
    return parse_environment(said.stdout)


def refused(*arguments: str | Path) -> str:
    """The one sentence with which a command refuses."""
    said = run_cli(*arguments, check=False)
    assert said.returncode == 1
    (line,) = said.stderr.splitlines()
    assert line.startswith("local-supabase: ")
    return line


@contextmanager
def taken_port() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        yield other.getsockname()[1]


def test_it_keeps_the_data_between_starts_and_reset_deletes_it(folder: Path) -> None:
    first = start(folder)
    with psycopg.connect(first["DB_URL"]) as connection:
        connection.execute("create table public.kept as select 1 as n")
    file = folder / "storage" / "objects" / "kept"
    file.parent.mkdir(parents=True)
    file.touch()
    run_cli("stop", "--data-dir", folder)

    assert start(folder) == first
    with psycopg.connect(first["DB_URL"]) as connection:
        assert connection.execute("select n from public.kept").fetchall() == [(1,)]
    assert file.exists()

    run_cli("reset", "--data-dir", folder, "--no-migrations")
    assert not file.exists()
    with psycopg.connect(first["DB_URL"]) as connection:
        assert connection.execute("select to_regclass('public.kept')").fetchall() == [(None,)]


def test_a_second_start_changes_nothing_and_a_stopped_stack_leaves_nothing(folder: Path) -> None:
    said = start(folder)
    serving = (folder / "api.lock").read_text("utf-8")
    assert start(folder) == said
    assert (folder / "api.lock").read_text("utf-8") == serving
    assert httpx.get(f"{said['API_URL']}/health").json() == {"status": "ok"}
    status = run_cli("status", "--data-dir", folder, "--env")
    assert parse_environment(status.stdout) == said

    process = os.pidfd_open(int(serving))
    run_cli("stop", "--data-dir", folder)
    assert select.select([process], [], [], 0)[0] == [process], "the API process is still there"
    os.close(process)
    assert not (folder / "postgres" / "postmaster.pid").exists()
    state = json.loads((folder / "state.json").read_text("utf-8"))
    for port in (state["port"], state["db_port"]):
        with socket.socket() as probe:
            assert probe.connect_ex((LOOPBACK, port)) != 0
    assert run_cli("status", "--data-dir", folder, check=False).returncode == 3
    assert run_cli("stop", "--data-dir", folder).returncode == 0


def test_a_taken_port_is_named_with_the_option_that_chooses_another(folder: Path) -> None:
    with taken_port() as port:
        free = str(free_port())
        said = refused("start", "--data-dir", folder, "--port", str(port), "--db-port", free)
        assert f"Port {port} is taken" in said
        assert said.endswith("--port.")
        said = refused("start", "--data-dir", folder, "--port", free, "--db-port", str(port))
        assert f"Port {port} is taken" in said
        assert said.endswith("--db-port.")


def test_it_says_what_is_wrong_with_its_options(folder: Path) -> None:
    assert "There is no stack" in refused("status", "--data-dir", folder)
    assert "pg_ctl" in refused("start", "--data-dir", folder, "--postgres-bin", folder)
    assert "File exists" in refused("start", "--data-dir", __file__)
    start(folder)
    assert "stop it first" in refused("start", "--data-dir", folder, "--port", str(free_port()))


def test_a_number_that_is_no_port_is_refused_before_anything_is_made(folder: Path) -> None:
    for port in ("0", "65536", "-1"):
        said = run_cli("start", "--data-dir", folder / "new", f"--port={port}", check=False)
        assert said.returncode == 2
        assert said.stderr.endswith(f"{port} is no port: choose one from 1 to 65535\n")
    assert not (folder / "new").exists()


def test_a_state_that_was_lost_in_a_power_cut_is_one_sentence(folder: Path) -> None:
    (folder / "state.json").touch()
    assert "state.json is damaged" in refused("start", "--data-dir", folder)
    (folder / "state.json").unlink()


def test_without_migrations_it_is_an_empty_project(folder: Path) -> None:
    said = start(folder)
    headers = {"apikey": said["ANON_KEY"]}
    answer = httpx.get(f"{said['API_URL']}/rest/v1/messages", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "PGRST205")
    run_cli("start", "--data-dir", folder)
    answer = httpx.get(f"{said['API_URL']}/rest/v1/messages", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "42501")


def test_what_it_does_not_do_answers_501_with_a_sentence(folder: Path) -> None:
    said = start(folder)
    for path in ("/functions/v1/hello", "/graphql/v1"):
        answer = httpx.get(said["API_URL"] + path)
        assert answer.status_code == 501
        assert "not part of the local stack" in answer.json()["message"]
