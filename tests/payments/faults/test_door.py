"""What comes to the webhook's door: only what is signed gets in, and whatever is signed does."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator

import httpx

from tests.payments.faults.running import app_here
from tests.payments.faults.world import PATIENCE, World, outcome_of, sample
from tests.webhooks.events import CURRENT, PATH, sign
from webhooks.http.request_hooks import MAX_BODY_BYTES

REQUESTS = "webhook_requests_total"
BODY, SIGNATURE = sample("order.paid.card")
HASH = f"sha256:{hashlib.sha256(BODY).hexdigest()}"


def in_chunks(body: bytes, size: int = 65536) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def assert_refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["error_code"]) == (401, "BAD_SIGNATURE")


def test_a_body_with_one_other_byte_is_refused(world: World) -> None:
    scene = world.scene()
    places = range(0, len(BODY), 97)
    with world.counts(REQUESTS, len(places), result="bad_signature"):
        for place in places:
            forged = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
            assert_refused(world.send(forged, signature=SIGNATURE))
    world.assert_nothing_happened(scene)


def test_the_wrong_secret_takes_nothing_in_until_it_is_mended(world: World) -> None:
    scene = world.scene()
    wrong = {
        "RAZORPAY_WEBHOOK_SECRET": "not-the-secret-of-the-dashboard",
        "RAZORPAY_WEBHOOK_SECRET_PREVIOUS": "",
    }
    with app_here(world, **wrong) as app:
        with world.counts(REQUESTS, 3, http=app, result="bad_signature"):
            for _ in range(3):  # Razorpay goes on for 24 hours
                answer = world.send(BODY, "KfYSHMpjAGzrkx", signature=SIGNATURE, http=app)
                assert_refused(answer)
        world.assert_nothing_happened(scene)
    assert outcome_of(world.send(BODY, "KfYSHMpjAGzrkx", signature=SIGNATURE)) == "applied"
    world.assert_paid_once(scene)


def test_an_event_of_before_the_secret_was_changed_is_taken(world: World) -> None:
    scene = world.scene()
    with world.counts(REQUESTS, result="verified_previous"):
        assert world.tell_sample("order.paid.card", "previous") == "applied"
    assert scene.rows("payment_events", "secret_slot outcome", "id") == [("previous", "applied")]
    world.assert_paid_once(scene)
    assert world.alerts() == []


def test_without_a_signature_nothing_gets_in(world: World) -> None:
    scene = world.scene()
    with world.counts(REQUESTS, result="no_signature"):
        answer = world.http.post(PATH, content=BODY)
    assert_refused(answer)
    world.assert_nothing_happened(scene)


def test_a_signature_that_is_not_exactly_right_is_refused(world: World) -> None:
    scene = world.scene()
    wrong = (
        SIGNATURE[:63].encode(),
        SIGNATURE.upper().encode(),
        b"0" * 64,
        b"\xc3\xa9" * 32,
        b"\xff" * 64,
        f"sha256={SIGNATURE}".encode(),
    )
    with (
        world.counts(REQUESTS, len(wrong), result="bad_signature"),
        world.counts(REQUESTS, result="no_signature"),
    ):
        for signature in (b"", *wrong):
            assert_refused(world.send(BODY, signature=signature))
    world.assert_nothing_happened(scene)


def test_an_event_id_that_is_missing_or_odd_is_replaced_by_the_bodys_hash(world: World) -> None:
    scene = world.scene()
    odd = ("'; drop table private.payments; --", "x" * 5000, "two words", "sha256:00", "a,b")
    assert world.tell(BODY, "") == "applied"
    for event_id in odd:
        assert world.tell(BODY, event_id) == "duplicate"
    assert scene.rows("payment_events", "event_id deliveries", "id") == [(HASH, 1 + len(odd))]
    world.assert_paid_once(scene)
    assert world.alerts() == []


def test_nothing_at_all_is_refused_unsigned_and_set_aside_signed(world: World) -> None:
    scene = world.scene()
    for signature in ("", "0" * 64):
        assert world.send(b"", signature=signature).status_code == 401
    world.assert_nothing_happened(scene)
    assert world.tell(b"") == "malformed"
    assert scene.rows("payment_events", "status body", "id") == [("parked", b"")]
    assert world.alerts() == [("critical", "malformed")]
    assert world.state(scene) == "payment_pending"


def test_a_body_over_the_limit_is_refused_though_it_is_signed(world: World) -> None:
    scene = world.scene()
    bodies = [BODY.ljust(size) for size in (MAX_BODY_BYTES + 1, 2**20)]
    with world.counts(REQUESTS, 4, result="too_large"):
        for body in bodies:
            headers = {"X-Razorpay-Signature": sign(body)}
            for content in (body, in_chunks(body)):
                answer = httpx.post(f"{world.app.url}{PATH}", content=content, headers=headers)
                assert (answer.status_code, answer.json()["error_code"]) == (413, "BODY_TOO_LARGE")
    world.assert_nothing_happened(scene)


def test_what_is_cut_at_the_limit_is_not_taken_for_the_whole(world: World) -> None:
    scene = world.scene()
    body = BODY.ljust(2**20)
    headers = {"X-Razorpay-Signature": sign(body[:MAX_BODY_BYTES])}
    answer = httpx.post(f"{world.app.url}{PATH}", content=in_chunks(body), headers=headers)
    assert answer.status_code == 413
    world.assert_nothing_happened(scene)


def test_a_test_event_at_the_live_app_is_refused(world: World) -> None:
    scene = world.scene()
    secrets = {
        "RAZORPAY_KEY_ID": "rzp_live_LiveParley0000",
        "RAZORPAY_WEBHOOK_SECRET": "the-live-secret-of-this-test",
        "RAZORPAY_WEBHOOK_SECRET_PREVIOUS": "the-live-secret-before-this-one",
    }
    with (
        app_here(world, **secrets) as live,
        world.counts(REQUESTS, http=live, result="bad_signature"),
    ):
        answer = world.send(BODY, signature=SIGNATURE, http=live)
    assert_refused(answer)
    world.assert_nothing_happened(scene)


def test_a_live_app_with_the_secrets_of_test_mode_still_books_nothing(world: World) -> None:
    scene = world.scene()
    with app_here(world, RAZORPAY_KEY_ID="rzp_live_LiveParley0000") as live:
        assert outcome_of(world.send(BODY, signature=SIGNATURE, http=live)) == "mode_mismatch"
    assert world.events() == [("parked", "mode_mismatch")]
    assert world.alerts() == [("critical", "mode_mismatch")]
    assert world.state(scene) == "payment_pending"
    assert scene.rows("payments", "payment_id", "payment_id") == []


def test_senders_of_half_a_body_do_not_keep_others_waiting(world: World) -> None:
    scene = world.scene()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n"
        f"X-Razorpay-Signature: {sign(BODY, CURRENT)}\r\n\r\n"
    ).encode()
    address = ("127.0.0.1", world.app.port)
    slow = [socket.create_connection(address, timeout=PATIENCE) for _ in range(4)]
    try:
        for sender in slow:
            sender.sendall(head + BODY[: len(BODY) // 2])
        for _ in range(20):
            assert world.http.get("/healthz").status_code == 200
        assert world.tell_sample("payment.authorized.card") == "noop"
        for sender in slow:
            sender.shutdown(socket.SHUT_WR)
        answers = [sender.makefile("rb").read() for sender in slow]
    finally:
        for sender in slow:
            sender.close()
    assert [answer for answer in answers if answer.startswith(b"HTTP/1.1 2")] == []
    assert world.events() == [("processed", "noop")]
    assert world.state(scene) == "payment_pending"
