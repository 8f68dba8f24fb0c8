"""A push service on loopback with a certificate of its own, and browsers that subscribe to it."""

from __future__ import annotations

import ipaddress
import json
import os
import queue
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import http_ece  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from webhooks.push.web_push import encode_base64url, public_bytes

PATIENCE = 20.0


@dataclass(frozen=True)
class Pushed:
    """What the service was handed."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Browser:
    """A subscription: only its holder can read what is pushed to it."""

    private_key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def keys(self) -> dict[str, str]:
        """The keys of the PushSubscription, as the browser shows them to the page."""
        public_key = public_bytes(self.private_key.public_key())
        return {"p256dh": encode_base64url(public_key), "auth": encode_base64url(self.auth)}

    def read(self, pushed: Pushed) -> Any:
        """What the page's service worker gets."""
        plaintext = http_ece.decrypt(
            pushed.body,
            private_key=self.private_key,
            auth_secret=self.auth,
            version="aes128gcm",
        )
        return json.loads(plaintext)


class PushService:
    """Keeps what it is handed and answers `status`, as soon as `release` is set."""

    def __init__(self, port: int, certificate: Path) -> None:
        self.url = f"https://localhost:{port}"
        self.certificate = certificate
        self.release = threading.Event()
        self.reset()

    def reset(self) -> None:
        """Take what comes, and forget what came."""
        self.status = 201
        self.headers: dict[str, str] = {}
        self.trickles = False
        self.release.set()
        self.received: queue.Queue[Pushed] = queue.Queue()

    def next(self) -> Pushed:
        """The next push; waits for it."""
        return self.received.get(timeout=PATIENCE)


@contextmanager
def running_push_service(folder: Path) -> Iterator[PushService]:
    """The service on a free port; `certificate` is what its clients have to trust."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            service.received.put(Pushed(self.path, headers, body))
            try:
                self._answer()
            except OSError:  # the sender gave up, as some tests want it to
                self.close_connection = True

        def _answer(self) -> None:
            while service.trickles and not service.release.wait(0.05):
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            service.release.wait(PATIENCE)
            self.send_response(service.status)
            for name, value in service.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    certificate, key = _make_certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    service = PushService(server.server_port, certificate)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield service
    finally:
        service.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that is its own authority; its file and its key's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "push service of a test")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "push.pem", folder / "push.key"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files
