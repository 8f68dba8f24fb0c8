"""`./scripts/run` starts everything, plays the demo and stops, also on a second start."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from scripts.dev.demo.__main__ import main
from tests.support.stacks import ROOT, free_port, run_cli, temporary_folder

PATIENCE = 120.0
PORTS = ("port", "db-port", "sandbox-port", "app-port", "web-port")


@pytest.fixture
def command() -> Iterator[list[str]]:
    """The command with a folder and ports of its own."""
    with temporary_folder() as folder:
        ports = [f"--{name}={free_port()}" for name in PORTS]
        yield [sys.executable, "-m", "scripts.dev.demo", f"--data-dir={folder}", *ports]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(  # noqa: S603
        command,
        cwd=ROOT,
        env={**os.environ, "SUPABASE_JWT_ISSUER": "https://of.another.project"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def folder_of(command: list[str]) -> Path:
    """The folder with the data and the logs."""
    return Path(command[3].partition("=")[2])


def url_of(command: list[str], port: str, path: str = "") -> str:
    """An address on the port that this option of the command chooses."""
    (value,) = (part for part in command if part.startswith(f"--{port}="))
    return f"http://127.0.0.1:{value.partition('=')[2]}/{path}"


@contextmanager
def serving(*command: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command once it serves, and what it has said."""
    with subprocess.Popen(  # noqa: S603
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as running:
        assert running.stdout is not None
        said = []
        for line in running.stdout:
            said.append(line)
            if "Serving until Ctrl-C" in line:
                break
        yield running, "".join(said)


def test_it_serves_until_it_is_told_to_stop_and_a_second_start_plays_the_demo(
    command: list[str],
) -> None:
    app_url = url_of(command, "app-port")
    with serving(*command, "--no-demo") as (running, said):
        assert running.stdout is not None
        try:
            assert "Making a database cluster" in said
            assert f"Open       {url_of(command, 'web-port').rstrip('/')} " in said
            assert httpx.get(f"{app_url}readyz", timeout=PATIENCE).status_code == 200
            page = httpx.get(url_of(command, "web-port"), timeout=PATIENCE)
            assert "<title>Parley</title>" in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
            settings = httpx.get(url_of(command, "web-port", "config.json")).json()
            assert f"{settings['appUrl']}/" == app_url
            other = run(command)
            assert other.returncode == 1
            (sentence,) = other.stderr.splitlines()
            assert sentence.endswith("choose another one with --app-port.")
        finally:
            running.send_signal(signal.SIGINT)
            rest = running.stdout.read()
            assert running.wait(PATIENCE) == 0
    assert "Stopped; the data stays." in rest
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{app_url}healthz")
    assert_stopped(command)

    played = run([*command, "--once"])
    assert played.returncode == 0, played.stdout + played.stderr
    assert "Making a database cluster" not in played.stderr
    assert "From start to the first delivered message" in played.stderr
    for line in (
        "hears    new_message        'Namaste Bharat!'",
        "each once and in order",
        "₹6,000 came in: ₹6,000 released to the influencer",
        "₹4,500 released to the influencer, ₹3,000 refunded to the brand owner",
        "Mallory changes  one byte of a webhook: 401 BAD_SIGNATURE",
        "CONVERSATION_NOT_FOUND",
    ):
        assert line in played.stdout, line
    assert_stopped(command)


@pytest.mark.long
def test_what_a_killed_run_left_behind_stands_in_no_way_and_the_demo_is_played_again(
    command: list[str],
) -> None:
    try:
        with serving(*command) as (running, _):
            running.kill()
        left = [
            url_of(command, "app-port", "healthz"),
            url_of(command, "sandbox-port", "sandbox/switches"),
        ]
        for url in left:
            assert httpx.get(url, timeout=PATIENCE).status_code == 200
        ran = run([*command, "--once"])
        assert ran.returncode == 0, ran.stdout + ran.stderr
        for url in left:
            with pytest.raises(httpx.ConnectError):
                httpx.get(url)
    finally:
        run_cli("stop", "--data-dir", folder_of(command) / "supabase")


@pytest.mark.parametrize("name", PORTS)
def test_a_number_that_is_no_port_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([f"--data-dir={tmp_path / 'data'}", f"--{name}=65536"])
    assert capsys.readouterr().err.endswith("65536 is no port: choose one from 1 to 65535\n")
    assert list(tmp_path.iterdir()) == []


def test_a_changed_requirement_is_installed_at_the_next_start(tmp_path: Path) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$*" >>asked\n')
    python.chmod(0o755)
    pages = sorted(page.name for page in ROOT.glob("requirements*.txt"))
    for page in pages:
        shutil.copy(ROOT / page, tmp_path)
    start = f"source {ROOT}/scripts/dev/lib/environment.sh; ensure_environment"
    installs = []
    for changed in [None, None, *pages]:
        if changed:
            (tmp_path / changed).write_text("changed")
        subprocess.run(["bash", "-euc", start], cwd=tmp_path, check=True)  # noqa: S603, S607
        installs.append((tmp_path / "asked").read_text().count("pip install"))
    assert (len(pages), installs) == (3, [1, 1, 2, 3, 4])


def assert_stopped(command: list[str]) -> None:
    """The database is down."""
    assert not (folder_of(command) / "supabase" / "postgres" / "postmaster.pid").exists()
