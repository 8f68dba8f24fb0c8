"""What counts as public, and that the address that was checked is the one connected to."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address
from typing import Any

import httpcore
import pytest

from webhooks.push.public_network import PublicBackend, is_public


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Something on loopback that would take a connection."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(20)
        yield server


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"],
)
def test_public_addresses_are(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104
        "10.0.0.7",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.7",
        "64:ff9b::10.0.0.7",
        "64:ff9b:1::1",
        "2001:db8::1",
        "2002:a00:7::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_addresses_of_inside_are_not(address: str) -> None:
    assert not is_public(ip_address(address))


def resolving_to(*addresses: str) -> Any:
    """A resolver that says this to the first who asks, and fails whoever asks a second time."""
    answers = iter([addresses])

    def getaddrinfo(_host: str, port: int, **_options: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, port)) for address in next(answers)]

    return getaddrinfo


def test_a_name_with_a_private_address_is_not_connected_to(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving_to("127.0.0.1", "10.0.0.7"))
    with pytest.raises(httpcore.ConnectError, match="no public address"):
        PublicBackend(5).connect_tcp("push.example.com", listener.getsockname()[1])


def test_private_addresses_beside_an_allowed_one_are_passed_over_and_a_name_is_asked_once(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    connect = httpcore.SyncBackend.connect_tcp

    def watched(self: Any, host: str, *arguments: Any) -> httpcore.NetworkStream:
        tried.append(host)
        monkeypatch.undo()  # create_connection resolves too, an address to itself
        return connect(self, host, *arguments)

    monkeypatch.setattr(socket, "getaddrinfo", resolving_to("10.0.0.7", "127.0.0.1"))
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", watched)
    network = PublicBackend(5, allow_loopback=True)
    stream = network.connect_tcp("push.example.com", listener.getsockname()[1])
    with closing(listener.accept()[0]):
        stream.close()
    assert tried == ["127.0.0.1"]


def test_allowing_loopback_allows_no_other_private_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving_to("10.0.0.7", "169.254.169.254"))
    with pytest.raises(httpcore.ConnectError, match="no public address"):
        PublicBackend(5, allow_loopback=True).connect_tcp("push.example.com", 443)


def test_the_clock_runs_from_the_start(listener: socket.socket) -> None:
    network = PublicBackend(0, allow_loopback=True)
    with pytest.raises(httpcore.ConnectTimeout):
        network.connect_tcp("127.0.0.1", listener.getsockname()[1])
