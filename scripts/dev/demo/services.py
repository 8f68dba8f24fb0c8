"""Brings up the local stack, the Flask app and the sandbox, and takes down what it brought up."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shlex
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

import httpx

ROOT = Path(__file__).parents[3]
LOOPBACK = "127.0.0.1"
# Seconds until a service must answer; then how long it may take to finish its requests.
START_TIMEOUT = 60.0
STOP_TIMEOUT = 25.0


class ServiceError(Exception):
    """A service cannot be had: one sentence that says what to do, or none if it was said."""


async def run_stack(command: str, data_dir: Path, *options: str) -> tuple[int, str]:
    """Run one command of the local stack; a start shows its progress. Returns status, stdout."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scripts.dev.local_supabase", command),
        *("--data-dir", str(data_dir), *options),
        cwd=ROOT,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL if command in ("status", "stop") else None,
        start_new_session=True,  # so that Ctrl-C reaches this process only
    )
    try:
        said, _ = await process.communicate()
    except asyncio.CancelledError:
        await _end(process, signal.SIGTERM)
        raise
    return process.returncode or 0, said.decode()


@asynccontextmanager
async def open_stack(
    data_dir: Path, options: Sequence[str], *, reset: bool
) -> AsyncIterator[dict[str, str]]:
    """The running local stack, as the names and values it prints; stopped if it was not up before.

    Raises:
        ServiceError: it did not start; it has said why.
    """
    status, _ = await run_stack("status", data_dir)
    was_up = status == 0
    try:
        status, said = await run_stack("reset" if reset else "start", data_dir, *options)
        if status != 0:
            raise ServiceError
        yield dict(part.split("=", 1) for line in said.splitlines() for part in shlex.split(line))
    finally:
        if not was_up:
            await asyncio.shield(run_stack("stop", data_dir))


async def end_orphan(lock: Path) -> None:
    """End what a run that was killed could not end. Such a service holds its lock still.

    Raises:
        ServiceError: it does not end.
    """
    deadline = time.monotonic() + STOP_TIMEOUT
    with lock.open("a+", encoding="utf-8") as file:
        while not _take(file):
            file.seek(0)
            pids = [int(pid) for pid in file.read().split()]
            if not pids or _is_alive(pids[0]):
                return  # its run is at work
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"What an earlier run left behind does not end: end process {pids[1]}."
                )
            with suppress(ProcessLookupError):
                os.kill(pids[1], signal.SIGTERM)
            await asyncio.sleep(0.1)


def _take(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, so it is there
        return True
    return True


@asynccontextmanager
async def open_service(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, lock: Path
) -> AsyncIterator[Process]:
    """A Python program of ours, started and not awaited; what it says goes to the log.

    The lock stays taken as long as any process of it lives, whatever becomes of this one, and holds
    the ids of this process and its own.

    Args:
        arguments: of Python.
        environment: beside that of this process.
        log: what it says is added to this file.
        lock: the file that says that it runs.
    """
    with log.open("ab") as output, lock.open("a+", encoding="utf-8") as held:
        _take(held)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *arguments),
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=(held.fileno(),),
        )
        held.truncate(0)
        held.write(f"{os.getpid()} {process.pid}")
    try:
        yield process
    finally:
        await asyncio.shield(_end(process, signal.SIGTERM))


async def await_service(process: Process, name: str, url: str, log: Path) -> None:
    """Wait until a service answers at this URL with 200.

    Raises:
        ServiceError: it ended, or does not answer.
    """
    deadline = time.monotonic() + START_TIMEOUT
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
        while time.monotonic() < deadline:
            if process.returncode is not None:
                raise ServiceError(f"The {name} ended; its last words are in {log}.")
            with suppress(httpx.TransportError):
                if (await http.get(url)).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(0.1)
    raise ServiceError(f"The {name} does not answer; its last words are in {log}.")


async def _end(process: Process, how: signal.Signals) -> None:
    """Ask the process to end and wait; after a while insist."""
    with suppress(ProcessLookupError):
        process.send_signal(how)
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT)
    except TimeoutError:
        process.kill()
        await process.wait()
