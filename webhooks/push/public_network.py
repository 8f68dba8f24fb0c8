"""Connections to public addresses only, in bounded time: for URLs that a client named.

It resolves a name once, checks the address and connects to it. So a host name cannot give one
address to the check and another to the connection.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

import httpcore

Address = IPv4Address | IPv6Address

# The only part of IPv6 that is handed out: https://www.iana.org/assignments/ipv6-address-space
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# RFC 6052: the last 32 bits are the IPv4 address that a translator connects to.
_NAT64 = IPv6Network("64:ff9b::/96")


class PublicBackend(httpcore.NetworkBackend):
    """Opens connections until a deadline; a host without a public address is a ConnectError."""

    def __init__(self, seconds: float, *, allow_loopback: bool = False) -> None:
        """Start the clock.

        Args:
            seconds: how long everything together may take, except for the resolver, whose time
                limits cannot be set here.
            allow_loopback: whether this machine counts as public.
        """
        self._deadline = time.monotonic() + seconds
        self._allow_loopback = allow_loopback
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's public addresses that answers.

        Raises:
            httpcore.ConnectError: when there is none, or none answers.
            httpcore.ConnectTimeout: when time is up.
        """
        problem: Exception = httpcore.ConnectError("The host has no public address.")
        for address in _resolve(host, port):
            if not (is_public(address) or (self._allow_loopback and address.is_loopback)):
                continue
            try:
                left = _time_left(self._deadline, timeout)
                stream = self._sockets.connect_tcp(
                    str(address), port, left, local_address, socket_options
                )
                return _TimedStream(stream, self._deadline)
            except httpcore.ConnectError as error:
                problem = error
        raise problem


class _TimedStream(httpcore.NetworkStream):
    """A connection that ends at its deadline, also while the other side sends byte by byte."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _time_left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _time_left(self._deadline, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _time_left(self._deadline, timeout)
        return _TimedStream(
            self._stream.start_tls(ssl_context, server_hostname, left), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def is_public(address: Address) -> bool:
    """Whether an address is public; the IPv4 address inside an IPv6 address decides."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    inner = address.ipv4_mapped or address.sixtofour
    if address in _NAT64:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        return is_public(inner)
    return address in _GLOBAL_UNICAST and address.is_global


def _resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host, in the order in which the system would try them.

    Raises:
        httpcore.ConnectError: when there is no such name.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError("The host name cannot be resolved.") from error
    return [ip_address(where[0]) for *_, where in found]


def _time_left(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ConnectTimeout("The time for this connection is up.")
    return left if timeout is None else min(left, timeout)
