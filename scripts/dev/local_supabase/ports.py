"""TCP ports of this machine: a free one, and whether a given one is free."""

from __future__ import annotations

import socket
from argparse import ArgumentTypeError
from contextlib import closing

from scripts.dev.local_supabase.config import LOOPBACK
from scripts.dev.local_supabase.postgres import wait_until

# A passing outgoing connection may hold a number for a moment.
PATIENCE = 1.0


def free_port() -> int:
    """A port that nobody has at this moment."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def port_number(text: str) -> int:
    """The type of a command line option that chooses a port."""
    port = int(text)
    if not 0 < port < 65536:
        raise ArgumentTypeError(f"{port} is no port: choose one from 1 to 65535")
    return port


def require_free(port: int, option: str) -> None:
    """Return when the port can be listened on.

    Args:
        port: the port that is wanted.
        option: the command line option that chooses another one, for the complaint.

    Raises:
        StackError: somebody has it.
    """
    complaint = (
        f"Port {port} is taken by another program: free it, or choose another one with {option}."
    )
    wait_until(lambda: _is_free(port), PATIENCE, complaint)


def _is_free(port: int) -> bool:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
