"""A TCP proxy that lets every byte wait, as a network between an app and its database does.

`python -m scripts.benchmarks.delay TARGET_PORT MILLISECONDS` prints the port where it listens.
"""

from __future__ import annotations

import queue
import socket
import sys
import threading
import time
from collections.abc import Sequence

from scripts.dev.local_supabase.config import LOOPBACK

Late = queue.SimpleQueue[tuple[float, bytes]]


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until the process ends."""
    target, millis = (argv or sys.argv[1:])[:2]
    with socket.create_server((LOOPBACK, 0)) as server:
        print(server.getsockname()[1], flush=True)  # noqa: T201
        while True:
            client, _ = server.accept()
            database = socket.create_connection((LOOPBACK, int(target)))
            for one in (client, database):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Half of a round trip each way.
            _carry(client, database, float(millis) / 2000)
            _carry(database, client, float(millis) / 2000)


def _carry(source: socket.socket, sink: socket.socket, seconds: float) -> None:
    late: Late = queue.SimpleQueue()
    threading.Thread(target=_read, args=(source, late), daemon=True).start()
    threading.Thread(target=_write, args=(sink, late, seconds), daemon=True).start()


def _read(source: socket.socket, late: Late) -> None:
    part = b"-"
    while part:
        try:
            part = source.recv(65_536)
        except OSError:
            part = b""
        late.put((time.monotonic(), part))


def _write(sink: socket.socket, late: Late, seconds: float) -> None:
    while True:
        came, part = late.get()
        time.sleep(max(0.0, came + seconds - time.monotonic()))
        try:
            if not part:
                sink.shutdown(socket.SHUT_WR)
                return
            sink.sendall(part)
        except OSError:
            return


if __name__ == "__main__":
    sys.exit(main())
