"""Web Push: encrypts a payload for one browser and sends it to that browser's push service.

Standards: RFC 8030 (the request), RFC 8291 (its encryption), RFC 8292 (VAPID, the sender).
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import http_ece  # type: ignore[import-untyped]
import httpcore
import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from webhooks.config import WebPushConfig
from webhooks.logs import log_event
from webhooks.push.public_network import PublicBackend
from webhooks.push.pushes import Result

# For one push, from the connection to the answer.
TIMEOUT_SECONDS = 4.0
# How long a push service keeps a push for a device that is off. After a day it is old news, and an
# opened app loads everything anyway.
TTL_SECONDS = 24 * 60 * 60
# RFC 8292, section 2: at most a day, and clocks differ.
_VAPID_SECONDS = 12 * 60 * 60

_UNREACHABLE = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)


class WebPushSender:
    """Sends to the endpoint of a browser's PushSubscription. Safe to share between threads."""

    def __init__(self, config: WebPushConfig) -> None:
        self._config = config
        # Trusts the same authorities as the database's client (SSL_CERT_FILE, or certifi's).
        self._ssl_context = httpx.create_ssl_context()
        self._public_key = encode_base64url(public_bytes(config.private_key.public_key()))

    def send(self, token: str, keys: Mapping[str, str], payload: Mapping[str, Any]) -> Result:
        """Send one push.

        Args:
            token: the subscription's endpoint, which a client chose: see `public_network`.
            keys: its `p256dh` and `auth`, base64url.
            payload: for the page's service worker, as JSON; 3,993 bytes at most.

        Returns:
            "gone" when the push service says so, or when the subscription is not a valid one.
        """
        parts = urlsplit(token)
        if parts.scheme.lower() != "https":
            return "gone"
        try:
            body = encrypt(json.dumps(payload).encode(), keys)
        except ValueError:  # no point of the curve: no browser made these keys
            return "gone"
        headers: dict[bytes | str, bytes | str] = {
            "Authorization": self._vapid(f"https://{parts.netloc}"),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_SECONDS),
            "User-Agent": "Parley",
        }
        try:
            status = self._post(token, headers, body)
        except _UNREACHABLE as error:
            _log_failure(parts.hostname, reason=type(error).__name__)
            return "unreachable"
        if status in (404, 410):
            return "gone"
        if 200 <= status < 300:
            return "sent"
        _log_failure(parts.hostname, status=status)
        return "failed"

    def _vapid(self, origin: str) -> str:
        claims = {
            "aud": origin,
            "exp": int(time.time()) + _VAPID_SECONDS,
            "sub": self._config.subject,
        }
        token = jwt.encode(claims, self._config.private_key, algorithm="ES256")
        return f"vapid t={token}, k={self._public_key}"

    def _post(self, url: str, headers: Mapping[bytes | str, bytes | str], body: bytes) -> int:
        """The status of the answer; its body is not read, redirects are not followed."""
        network = PublicBackend(TIMEOUT_SECONDS, allow_loopback=self._config.allow_loopback)
        with (
            httpcore.ConnectionPool(self._ssl_context, network_backend=network) as pool,
            pool.stream("POST", url, headers=headers, content=body) as answer,
        ):
            return answer.status


def encrypt(plaintext: bytes, keys: Mapping[str, str]) -> bytes:
    """One encrypted record for a subscription.

    Raises:
        ValueError: when the keys are not valid.
    """
    return bytes(
        http_ece.encrypt(
            plaintext,
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=decode_base64url(keys["p256dh"]),
            auth_secret=decode_base64url(keys["auth"]),
            version="aes128gcm",
        )
    )


def public_bytes(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as 65 bytes, the form in which browsers and VAPID exchange it."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encode_base64url(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """The bytes of base64url, padded or not; ValueError for anything else."""
    text = text.rstrip("=")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _log_failure(host: str | None, **why: Any) -> None:
    log_event("push_failed", logging.WARNING, host=host, **why)
