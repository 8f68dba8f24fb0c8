"""start, stop, status and reset of the local stack."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg

from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.config import (
    DEMO_PUBLISHABLE_KEY,
    DEMO_SECRET_KEY,
    LOCK,
    STATE,
    Settings,
)
from scripts.dev.local_supabase.migrations import apply_migrations
from scripts.dev.local_supabase.ports import port_number, require_free
from scripts.dev.local_supabase.postgres import StackError

ROOT = Path(__file__).parents[3]
DEFAULT_DATA_DIR = ROOT / ".local" / "supabase"
API_START_TIMEOUT = 30.0
API_STOP_TIMEOUT = 10.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 1 with one sentence on stderr otherwise."""
    args = _parser().parse_args(argv)
    data_dir: Path = args.data_dir.resolve()
    try:
        return int(args.run(data_dir, args))
    except (StackError, psycopg.Error, OSError) as error:
        print(f"local-supabase: {error}", file=sys.stderr)  # noqa: T201
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="local-supabase",
        description="A Supabase for development and tests, without Docker. Loopback only.",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIR, help="where it lives")
    starting = argparse.ArgumentParser(add_help=False)
    starting.add_argument("--port", type=port_number, help="of the API (default 54321)")
    starting.add_argument("--db-port", type=port_number, help="of Postgres (default 54322)")
    starting.add_argument(
        "--postgres-bin", type=Path, help="folder of another PostgreSQL's binaries (15 or newer)"
    )
    starting.add_argument(
        "--no-migrations", action="store_true", help="an empty project, without our tables"
    )
    starting.add_argument(
        "--realtime-delays",
        type=float,
        nargs=2,
        metavar=("CONNECT", "JOIN"),
        help="seconds before a refused socket or join is answered (default 2 5, as the platform)",
    )
    starting.add_argument(
        "--realtime-events",
        type=int,
        metavar="N",
        help="Realtime's quota of events a second: 100 as on the free plan (default), 0 for none",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, parents, text in (
        ("start", start, [common, starting], "start it in the background and print its keys"),
        ("stop", stop, [common], "stop it and keep the data"),
        ("status", status, [common], "say whether it runs; exit status 3 when it does not"),
        ("reset", reset, [common, starting], "delete the data and start anew"),
    ):
        command = commands.add_parser(name, parents=parents, help=text, description=text)
        command.set_defaults(run=run)
        if name == "status":
            command.add_argument("--env", action="store_true", help="print NAME=value lines")
    return parser


def start(data_dir: Path, args: argparse.Namespace) -> int:
    """Bring up whatever of the stack is down, then print where it is and its keys."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with _only_one(data_dir):
        settings = _wanted(data_dir, args)
        binaries = Path(settings.postgres_bin)
        cluster = data_dir / "postgres"
        if not postgres.is_running(cluster):
            require_free(settings.db_port, "--db-port")
        if _api_pid(data_dir) is None:
            require_free(settings.port, "--port")
        if not cluster.exists():
            _say("Making a database cluster")
            fresh = data_dir / "postgres.new"
            postgres.forget_cluster(fresh)
            postgres.init_cluster(fresh, binaries)
            fresh.rename(cluster)
        settings.save()
        postgres.start_cluster(cluster, settings.db_port, binaries)
        if postgres.bootstrap(settings.db_port):
            _say("Made the database a Supabase project")
        if not args.no_migrations:
            for name in apply_migrations(settings.dsn()):
                _say(f"Applied {name}")
        if _api_pid(data_dir) is None:
            _launch_api(data_dir)
        _await_api(data_dir, settings)
    _print_environment(settings)
    return 0


def stop(data_dir: Path, _args: argparse.Namespace) -> int:
    """Stop the API, then Postgres."""
    settings = _load(data_dir)
    if settings is None:
        _say(f"No stack in {data_dir}")
        return 0
    with _only_one(data_dir):
        pid = _api_pid(data_dir)
        if pid is not None:
            _end(pid)
        postgres.stop_cluster(data_dir / "postgres", Path(settings.postgres_bin))
    _say("Stopped; the data stays")
    return 0


def status(data_dir: Path, args: argparse.Namespace) -> int:
    """Say what runs; with --env print the keys. Exit status 3 when something is down."""
    settings = _load(data_dir)
    if settings is None:
        raise StackError(f"There is no stack in {data_dir}: start one.")
    up = {
        "API": _api_pid(data_dir) is not None,
        "Postgres": postgres.is_running(data_dir / "postgres"),
    }
    for name, alive in up.items():
        _say(f"{name} is {'up' if alive else 'down'}")
    if args.env or all(up.values()):
        _print_environment(settings)
    return 0 if all(up.values()) else 3


def reset(data_dir: Path, args: argparse.Namespace) -> int:
    """Delete all data of the stack and start it anew."""
    stop(data_dir, args)
    postgres.forget_cluster(data_dir / "postgres")
    shutil.rmtree(data_dir / "storage", ignore_errors=True)
    return start(data_dir, args)


def environment(settings: Settings) -> dict[str, str]:
    """The names and values that `supabase status -o env` prints."""
    return {
        "API_URL": settings.api_url,
        "REALTIME_URL": f"{settings.api_url}/realtime/v1".replace("http", "ws", 1),
        "DB_URL": settings.dsn(),
        "JWT_SECRET": settings.jwt_secret,
        "ANON_KEY": settings.api_key("anon"),
        "SERVICE_ROLE_KEY": settings.api_key("service_role"),
        "PUBLISHABLE_KEY": DEMO_PUBLISHABLE_KEY,
        "SECRET_KEY": DEMO_SECRET_KEY,
    }


def _print_environment(settings: Settings) -> None:
    for name, value in environment(settings).items():
        print(f'{name}="{value}"')  # noqa: T201


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201


def _wanted(data_dir: Path, args: argparse.Namespace) -> Settings:
    """The stack that was asked for; what was not said stays as it was, or is the default."""
    known = _load(data_dir)
    base = known or Settings(data_dir, postgres_bin=str(postgres.embedded_binaries()))
    connect, join = args.realtime_delays or (None, None)
    asked = {
        "port": args.port,
        "db_port": args.db_port,
        "postgres_bin": args.postgres_bin and str(args.postgres_bin.resolve()),
        "realtime_connect_refusal": connect,
        "realtime_join_refusal": join,
        "realtime_events": args.realtime_events,
    }
    wanted = replace(base, **{name: value for name, value in asked.items() if value is not None})
    if not (Path(wanted.postgres_bin) / "pg_ctl").exists():
        raise StackError(
            f"There is no pg_ctl in {wanted.postgres_bin}: name PostgreSQL's bin folder."
        )
    if known and wanted != known and _is_up(data_dir):
        raise StackError(
            f"The stack in {data_dir} is up with other settings (API {known.port}, "
            f"Postgres {known.db_port}): stop it first."
        )
    return wanted


def _is_up(data_dir: Path) -> bool:
    return _api_pid(data_dir) is not None or postgres.is_running(data_dir / "postgres")


def _load(data_dir: Path) -> Settings | None:
    try:
        return Settings.load(data_dir)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise StackError(f"{data_dir / STATE} is damaged: delete it, the data stays.") from error


def _end(pid: int) -> None:
    """End the API's process; return when it is gone, not only its lock."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for how in (signal.SIGTERM, signal.SIGKILL):
            process.send_signal(how)
            with contextlib.suppress(StackError):
                postgres.wait_until(
                    lambda: not postgres.is_alive(process), API_STOP_TIMEOUT, "still there"
                )
                return


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """Let two commands on one data folder follow each other."""
    with (data_dir / "command.lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _api_pid(data_dir: Path) -> int | None:
    """The process that serves the API, or None. It holds a lock as long as it lives."""
    try:
        lock = (data_dir / LOCK).open("r", encoding="utf-8")
    except FileNotFoundError:
        return None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read() or 0) or None
    return None


def _launch_api(data_dir: Path) -> None:
    with (data_dir / "api.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "scripts.dev.local_supabase.server", data_dir],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    process.returncode = 0  # it outlives this command, which must not wait for it


def _await_api(data_dir: Path, settings: Settings) -> None:
    began = time.monotonic()

    def answers() -> bool:
        if _api_pid(data_dir) is None and time.monotonic() - began > API_START_TIMEOUT / 3:
            raise StackError(f"The API ended; its last words are in {data_dir / 'api.log'}.")
        try:
            with urllib.request.urlopen(f"{settings.api_url}/health", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    complaint = f"The API does not answer; its last words are in {data_dir / 'api.log'}."
    postgres.wait_until(answers, API_START_TIMEOUT, complaint)
