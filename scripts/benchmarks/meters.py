"""Meters of a server: processor time of its processes and records of its write-ahead log."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from scripts.benchmarks.database import Connection, Side
from scripts.dev.local_supabase import postgres

PATIENCE = 30.0


@dataclass
class Spent:
    """The whole cost of some work for the server; `per` divides it by the calls."""

    calls: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    wal_records: float = 0.0
    wal_bytes: float = 0.0

    @property
    def cpu_us(self) -> float:
        """Processor time of one call, in microseconds."""
        return self.cpu_seconds / self.calls * 1e6

    @property
    def cpu_ms(self) -> float:
        """Processor time of one call, in milliseconds."""
        return self.cpu_us / 1000

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.calls / self.seconds

    @property
    def wal_per_call(self) -> float:
        """Records of the write-ahead log that one call wrote."""
        return self.wal_records / self.calls

    @property
    def wal_bytes_per_call(self) -> float:
        """Bytes of the write-ahead log that one call wrote, page images included."""
        return self.wal_bytes / self.calls

    def __add__(self, other: Spent) -> Spent:
        """The sum of both."""
        return Spent(
            self.calls + other.calls,
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
            self.wal_records + other.wal_records,
            self.wal_bytes + other.wal_bytes,
        )

    def __sub__(self, other: Spent) -> Spent:
        """The cost of a longer run beyond a shorter one: of later calls, which have their plans."""
        return Spent(
            self.calls - other.calls,
            self.seconds - other.seconds,
            self.cpu_seconds - other.cpu_seconds,
            self.wal_records - other.wal_records,
            self.wal_bytes - other.wal_bytes,
        )


@contextmanager
def metered_clients(side: Side) -> Iterator[Spent]:
    """Meter work whose connections are opened and closed inside the block.

    The kernel books a process's time to its parent when it ends; the difference at the parent is
    what the block's connections used, exact to a hundredth of a second. The caller sets `calls`
    and `seconds`.
    """
    parent = psutil.Process(side.server.postmaster)
    with side.connect() as watcher:
        before_children = {child.pid for child in parent.children()}
        wal_before, cpu_before = _wal(watcher), _cpu_of_ended(parent)
        spent = Spent()
        yield spent
        postgres.wait_until(
            lambda: {child.pid for child in parent.children()} <= before_children,
            PATIENCE,
            "Connections of a benchmark stayed open",
        )
        spent.cpu_seconds = _cpu_of_ended(parent) - cpu_before
        wal_after = _wal(watcher)
        spent.wal_records = wal_after[0] - wal_before[0]
        spent.wal_bytes = wal_after[1] - wal_before[1]


@contextmanager
def metered_session(connection: Connection) -> Iterator[Spent]:
    """Meter what one open connection does in the block; the caller sets `calls`."""
    clock = cpu_clock(connection.info.backend_pid)
    wal_before = _wal(connection)
    spent = Spent()
    started, cpu_before = time.perf_counter(), time.clock_gettime(clock)
    yield spent
    spent.seconds = time.perf_counter() - started
    spent.cpu_seconds = time.clock_gettime(clock) - cpu_before
    wal_after = _wal(connection)
    spent.wal_records = wal_after[0] - wal_before[0]
    spent.wal_bytes = wal_after[1] - wal_before[1]


def cpu_clock(pid: int) -> int:
    """The id of the clock that counts a process's processor time, in nanoseconds (Linux only).

    Source: `MAKE_PROCESS_CPUCLOCK` in the kernel's include/linux/posix-timers.h, which glibc's
    clock_getcpuclockid(3) uses.
    """
    return (~pid << 3) | 2


def _cpu_of_ended(parent: psutil.Process) -> float:
    times = parent.cpu_times()
    return float(times.children_user + times.children_system)


def _wal(connection: Connection) -> tuple[float, float]:
    """Records and bytes of the whole server so far, this session's own included."""
    connection.execute("select pg_stat_force_next_flush()")
    connection.execute("select pg_stat_clear_snapshot()")
    row = connection.execute("select wal_records, wal_bytes from pg_stat_wal").fetchone()
    records, size = row or (0, 0)
    return float(records), float(size)


def is_supported() -> bool:
    """Whether this system has the clocks that `metered_session` reads."""
    try:
        return time.clock_gettime(cpu_clock(os.getpid())) > 0
    except OSError:
        return False
