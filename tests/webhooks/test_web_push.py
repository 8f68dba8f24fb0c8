"""Web Push against a push service that speaks TLS: encrypted, signed, bounded, never redirected."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.webhooks.push_service import Browser, PushService, running_push_service
from webhooks.config import WebPushConfig
from webhooks.push import web_push
from webhooks.push.web_push import WebPushSender, decode_base64url

PAYLOAD = {"type": "message", "data": {"message_id": "4f9c2a5e-7d11-4f0b-9f53-0c9d2d1f6a10"}}
KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PushService]:
    """A push service that this process trusts."""
    with running_push_service(tmp_path) as running:
        monkeypatch.setenv("SSL_CERT_FILE", str(running.certificate))
        yield running


def sender(*, allow_loopback: bool = True) -> WebPushSender:
    return WebPushSender(
        WebPushConfig.model_construct(
            private_key=KEY, subject="mailto:ops@example.com", allow_loopback=allow_loopback
        )
    )


def test_only_the_browser_reads_what_is_pushed_to_it(service: PushService) -> None:
    browser = Browser()
    assert sender().send(f"{service.url}/abc", browser.keys, PAYLOAD) == "sent"
    pushed = service.next()
    assert browser.read(pushed) == PAYLOAD
    assert b"message" not in pushed.body
    with pytest.raises(Exception, match=r"^(?!.*message_id)"):
        Browser().read(pushed)


def test_the_request_is_what_the_standards_ask_for(service: PushService) -> None:
    sender().send(f"{service.url}/abc?d=1", Browser().keys, PAYLOAD)
    pushed = service.next()
    assert pushed.path == "/abc?d=1"
    assert pushed.headers["content-encoding"] == "aes128gcm"
    assert pushed.headers["ttl"] == "86400"
    assert f"https://{pushed.headers['host']}" == service.url


def test_the_push_service_can_check_who_is_sending(service: PushService) -> None:
    sender().send(f"{service.url}/abc", Browser().keys, PAYLOAD)
    scheme, _, parts = service.next().headers["authorization"].partition(" ")
    given = dict(part.strip().split("=", 1) for part in parts.split(","))
    public_key = ec.EllipticCurvePublicKey.from_encoded_point(
        ec.SECP256R1(), decode_base64url(given["k"])
    )
    claims = jwt.decode(given["t"], public_key, algorithms=["ES256"], audience=service.url)
    assert (scheme, claims["sub"]) == ("vapid", "mailto:ops@example.com")
    assert public_key == KEY.public_key()
    assert 0 < claims["exp"] - time.time() <= 24 * 60 * 60


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (200, "sent"),
        (201, "sent"),
        (202, "sent"),
        (404, "gone"),
        (410, "gone"),
        (400, "failed"),
        (401, "failed"),
        (413, "failed"),
        (429, "failed"),
        (500, "failed"),
        (503, "failed"),
    ],
)
def test_the_answer_decides(service: PushService, status: int, result: str) -> None:
    service.status = status
    assert sender().send(f"{service.url}/abc", Browser().keys, PAYLOAD) == result


def test_a_redirect_is_not_followed(service: PushService) -> None:
    service.status, service.headers = 307, {"Location": f"{service.url}/elsewhere"}
    assert sender().send(f"{service.url}/abc", Browser().keys, PAYLOAD) == "failed"
    assert (service.next().path, service.received.qsize()) == ("/abc", 0)


def test_this_machine_is_no_push_service_unless_it_is_allowed(service: PushService) -> None:
    closed = sender(allow_loopback=False)
    for url in (service.url, service.url.replace("localhost", "127.0.0.1")):
        assert closed.send(f"{url}/abc", Browser().keys, PAYLOAD) == "unreachable"
    assert sender().send(f"{service.url}/last", Browser().keys, PAYLOAD) == "sent"
    assert (service.next().path, service.received.qsize()) == ("/last", 0)


@pytest.mark.parametrize("trickles", [False, True], ids=["silent", "trickling"])
def test_a_service_that_never_answers_is_given_up_on_in_time(
    service: PushService, monkeypatch: pytest.MonkeyPatch, trickles: bool
) -> None:
    monkeypatch.setattr(web_push, "TIMEOUT_SECONDS", 1.0)
    service.trickles = trickles
    service.release.clear()
    began = time.monotonic()
    assert sender().send(f"{service.url}/abc", Browser().keys, PAYLOAD) == "unreachable"
    assert time.monotonic() - began < 3
    assert service.received.qsize() == 1


def test_a_service_with_a_certificate_that_nobody_vouches_for_gets_nothing(
    service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    assert sender().send(f"{service.url}/abc", Browser().keys, PAYLOAD) == "unreachable"
    assert service.received.empty()


def test_a_service_that_is_not_there_is_a_failure(service: PushService) -> None:
    assert sender().send("https://localhost:1/abc", Browser().keys, PAYLOAD) == "unreachable"
    assert sender().send("https://no.such.invalid/abc", Browser().keys, PAYLOAD) == "unreachable"


@pytest.mark.parametrize("p256dh", ["A" * 87, "BAAA", "AAAAA"])
def test_keys_that_no_browser_made_are_gone(service: PushService, p256dh: str) -> None:
    keys = {**Browser().keys, "p256dh": p256dh}
    assert sender().send(f"{service.url}/abc", keys, PAYLOAD) == "gone"
    assert service.received.empty()


def test_nothing_goes_out_in_the_clear(service: PushService) -> None:
    url = service.url.replace("https:", "http:")
    assert sender().send(f"{url}/abc", Browser().keys, PAYLOAD) == "gone"
    assert service.received.empty()
