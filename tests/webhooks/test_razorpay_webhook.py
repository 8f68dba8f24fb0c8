"""POST /v1/webhooks/razorpay: what is let in, and what of it is handed on."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.webhooks.events import (
    APPLIED,
    BODY,
    CURRENT,
    EVENT_ID,
    FIXTURES,
    PATH,
    PREVIOUS,
    SIGNATURES,
    STORED,
    assert_let_in,
    sign,
    signed,
)
from tests.webhooks.support import FakeSupabase, Gunicorn
from webhooks.http.request_hooks import MAX_BODY_BYTES

exhaustive = hypothesis_settings(
    derandomize=True,
    deadline=None,
    max_examples=150,
    # The server and its stand-ins are the same for all examples; each test says what it needs.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def in_chunks(body: bytes, size: int = 65536) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def stored_body(supabase: FakeSupabase) -> bytes:
    """The bytes of the one event that was stored."""
    (asked,) = supabase.asked("record_payment_event")
    return base64.b64decode(asked["body_base64"], validate=True)


def assert_refused(answer: httpx.Response, supabase: FakeSupabase) -> None:
    assert (answer.status_code, answer.json()["error_code"]) == (401, "BAD_SIGNATURE")
    assert touched_by_events(supabase) == []


def touched_by_events(supabase: FakeSupabase) -> list[str]:
    """The calls that only an authentic event may cause."""
    functions = ("record_payment_event", "process_payment_event")
    return [name for name in functions if supabase.asked(name)]


@pytest.mark.parametrize("slot", ["current", "previous"])
@pytest.mark.parametrize("name", SIGNATURES["files"])
def test_each_published_sample_is_stored_byte_by_byte(
    supabase: FakeSupabase, http: httpx.Client, name: str, slot: str
) -> None:
    body = (FIXTURES / name).read_bytes()
    headers = {"X-Razorpay-Signature": SIGNATURES["files"][name][slot]}
    assert_let_in(http.post(PATH, content=body, headers=headers))
    assert stored_body(supabase) == body
    (asked,) = supabase.asked("record_payment_event")
    assert asked["secret_slot"] == slot


def test_an_event_is_stored_then_processed_by_the_service(
    supabase: FakeSupabase, http: httpx.Client
) -> None:
    headers = signed(BODY, Content_Type="application/json", User_Agent="Razorpay-Webhook/v1")
    assert_let_in(http.post(PATH, content=BODY, headers=headers))
    (asked,) = supabase.asked("record_payment_event")
    assert {name: value for name, value in asked.items() if name != "body_base64"} == {
        "event_id": EVENT_ID,
        "headers": {
            "x-razorpay-event-id": EVENT_ID,
            "content-type": "application/json",
            "user-agent": "Razorpay-Webhook/v1",
        },
        "secret_slot": "current",
        "mode": "test",
        "account_id": None,
    }
    assert supabase.asked("process_payment_event") == [{"event_row_id": 7}]
    called = [asked.path.rpartition("/")[2] for asked in supabase.received]
    # The loop of refunds may call in between: it starts with the app.
    assert [name for name in called if name.endswith("_payment_event")] == [
        "record_payment_event",
        "process_payment_event",
    ]


@pytest.mark.parametrize(
    "outcome", ["noop", "duplicate", "ignored_event_type", "malformed", "unknown_order"]
)
def test_all_that_is_stored_is_answered_200_also_what_is_of_no_use(
    supabase: FakeSupabase, http: httpx.Client, outcome: str
) -> None:
    supabase.on_rpc("process_payment_event", body={**APPLIED, "outcome": outcome})
    assert_let_in(http.post(PATH, content=BODY, headers=signed(BODY)), outcome)


def test_an_event_that_was_stored_before_is_processed_all_the_same(
    supabase: FakeSupabase, http: httpx.Client
) -> None:
    supabase.on_rpc("record_payment_event", body={**STORED, "duplicate": True})
    assert_let_in(http.post(PATH, content=BODY, headers=signed(BODY)))
    assert len(supabase.asked("process_payment_event")) == 1


def test_what_cannot_be_read_is_stored_too(supabase: FakeSupabase, http: httpx.Client) -> None:
    nothing = {"event_row_id": 8, "duplicate": False, "event_type": None, "razorpay_order_id": None}
    supabase.on_rpc("record_payment_event", body=nothing)
    unread = dict.fromkeys(APPLIED) | {"outcome": "malformed", "status": "parked"}
    supabase.on_rpc("process_payment_event", body=unread)
    for body in (b"", b"\xff\xfe", b"[1]", b'{"a": "\\u0000"}', b"[" * 100_000):
        supabase.received.clear()
        assert_let_in(http.post(PATH, content=body, headers=signed(body)), "malformed")
        assert stored_body(supabase) == body


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        sign(BODY)[:63].encode(),
        sign(BODY).upper().encode(),
        b"sha256=" + sign(BODY).encode(),
        b"0" * 64,
        b"\xc3\xa9" * 32,
        b"\xff" * 64,
        f"{sign(BODY, 'not-our-secret-at-all')}".encode(),
        f"{sign(BODY)},{sign(BODY)}".encode(),
        f"{sign(BODY)}, {sign(BODY, PREVIOUS)}".encode(),
        sign(BODY + b"\n").encode(),
    ],
)
def test_a_signature_that_is_not_exactly_right_is_refused(
    supabase: FakeSupabase, http: httpx.Client, signature: bytes
) -> None:
    headers = [(b"X-Razorpay-Signature", signature)]
    assert_refused(http.post(PATH, content=BODY, headers=headers), supabase)


def test_no_signature_is_refused_and_so_are_two(supabase: FakeSupabase, http: httpx.Client) -> None:
    assert_refused(http.post(PATH, content=BODY), supabase)
    twice = [("X-Razorpay-Signature", sign(BODY)), ("X-Razorpay-Signature", sign(BODY, PREVIOUS))]
    assert_refused(http.post(PATH, content=BODY, headers=twice), supabase)


def test_a_body_that_was_changed_on_the_way_is_refused(
    supabase: FakeSupabase, http: httpx.Client
) -> None:
    forged = BODY.replace(b"500000", b"500001", 1)
    for body in (forged, BODY[:-1], BODY + b" ", b"", json.dumps(json.loads(BODY)).encode()):
        assert body != BODY
        headers = {"X-Razorpay-Signature": sign(BODY)}
        assert_refused(http.post(PATH, content=body, headers=headers), supabase)


def test_a_users_token_is_no_signature(supabase: FakeSupabase, http: httpx.Client) -> None:
    assert_refused(http.post(PATH, content=BODY, headers={"Authorization": "Bearer x"}), supabase)


def test_the_signature_counts_wherever_the_body_is_put(
    supabase: FakeSupabase, http: httpx.Client
) -> None:
    headers = signed(BODY, Content_Type="application/x-www-form-urlencoded")
    assert_let_in(http.post(PATH, content=BODY, headers=headers))
    assert stored_body(supabase) == BODY


def test_a_body_in_chunks_is_the_same_body(supabase: FakeSupabase, http: httpx.Client) -> None:
    assert_let_in(http.post(PATH, content=in_chunks(BODY, 100), headers=signed(BODY)))
    assert stored_body(supabase) == BODY


def test_a_body_of_the_very_limit_is_stored_whole(
    supabase: FakeSupabase, http: httpx.Client
) -> None:
    body = BODY.ljust(MAX_BODY_BYTES)
    for content in (body, in_chunks(body)):
        supabase.received.clear()
        assert_let_in(http.post(PATH, content=content, headers=signed(body)))
        assert stored_body(supabase) == body


def test_a_larger_one_is_refused_even_if_it_is_signed(
    supabase: FakeSupabase, http: httpx.Client
) -> None:
    body = BODY.ljust(MAX_BODY_BYTES + 1)
    for content, headers in (
        (body, signed(body)),
        (in_chunks(body), signed(body)),
        (in_chunks(body), signed(body[:MAX_BODY_BYTES])),
    ):
        answer = http.post(PATH, content=content, headers=headers)
        assert (answer.status_code, answer.json()["error_code"]) == (413, "BODY_TOO_LARGE")
    assert touched_by_events(supabase) == []


def test_half_a_body_reaches_nobody_and_holds_nobody_else_up(
    supabase: FakeSupabase, server: Gunicorn, http: httpx.Client
) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n"
    head += f"X-Razorpay-Signature: {sign(BODY)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as slow:
        slow.sendall(head.encode() + BODY[: len(BODY) // 2])
        assert http.get("/healthz").status_code == 200
        assert touched_by_events(supabase) == []
        slow.shutdown(socket.SHUT_WR)
        answer = slow.makefile("rb").read()
    assert not answer.startswith(b"HTTP/1.1 2")
    assert touched_by_events(supabase) == []


@pytest.mark.parametrize("event_id", ["KfYSHMpjAGzrkx", "a", "A-b_9", "x" * 100])
def test_an_event_id_is_handed_on(
    supabase: FakeSupabase, http: httpx.Client, event_id: str
) -> None:
    headers = signed(BODY) | {"X-Razorpay-Event-Id": event_id}
    assert_let_in(http.post(PATH, content=BODY, headers=headers))
    assert supabase.asked("record_payment_event")[0]["event_id"] == event_id


@pytest.mark.parametrize(
    "event_id",
    [
        b"",
        b"two words",
        b"'; drop table payments; --",
        b"x" * 101,
        b"x" * 5000,
        b"sha256:00",
        b"a,b",
        b"\xff\xfe",
        "évènement".encode(),
    ],
)
def test_an_odd_event_id_is_left_to_the_database(
    supabase: FakeSupabase, http: httpx.Client, event_id: bytes
) -> None:
    headers = [
        (b"X-Razorpay-Signature", sign(BODY).encode()),
        (b"X-Razorpay-Event-Id", event_id),
    ]
    assert_let_in(http.post(PATH, content=BODY, headers=headers))
    (asked,) = supabase.asked("record_payment_event")
    assert asked["event_id"] is None
    assert len(asked["headers"].get("x-razorpay-event-id", "")) <= 200


def test_a_missing_event_id_is_left_to_the_database(
    supabase: FakeSupabase, http: httpx.Client
) -> None:
    headers = {"X-Razorpay-Signature": sign(BODY)}
    assert_let_in(http.post(PATH, content=BODY, headers=headers))
    (asked,) = supabase.asked("record_payment_event")
    assert asked["event_id"] is None
    assert "x-razorpay-event-id" not in asked["headers"]


def test_of_the_headers_three_are_kept_and_each_is_cut(
    supabase: FakeSupabase, http: httpx.Client
) -> None:
    headers = signed(BODY, User_Agent="x" * 300, Authorization="Bearer secret", Cookie="a=b")
    assert_let_in(http.post(PATH, content=BODY, headers=headers))
    (asked,) = supabase.asked("record_payment_event")
    assert asked["headers"] == {"x-razorpay-event-id": EVENT_ID, "user-agent": "x" * 200}


# What gunicorn lets through in a header: visible letters of Latin-1, and spaces between them.
header_values = st.text(
    st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=["Cc"]), max_size=80
).map(lambda text: text.encode("latin-1"))


@exhaustive
@given(
    body=st.one_of(st.binary(max_size=300), st.just(BODY)),
    signature=st.one_of(st.none(), header_values),
    event_id=header_values,
)
def test_whatever_is_not_signed_is_401_and_reaches_nobody(
    supabase: FakeSupabase,
    http: httpx.Client,
    body: bytes,
    signature: bytes | None,
    event_id: bytes,
) -> None:
    headers = [(b"X-Razorpay-Event-Id", event_id)]
    if signature is not None:
        headers.append((b"X-Razorpay-Signature", signature))
    assert_refused(http.post(PATH, content=body, headers=headers), supabase)


@exhaustive
@given(
    body=st.binary(max_size=300),
    event_id=header_values,
    secret=st.sampled_from([CURRENT, PREVIOUS]),
)
def test_whatever_is_signed_is_stored_as_it_is(
    supabase: FakeSupabase, http: httpx.Client, body: bytes, event_id: bytes, secret: str
) -> None:
    supabase.received.clear()
    headers = [
        (b"X-Razorpay-Event-Id", event_id),
        (b"X-Razorpay-Signature", sign(body, secret).encode()),
    ]
    assert_let_in(http.post(PATH, content=body, headers=headers))
    assert stored_body(supabase) == body
