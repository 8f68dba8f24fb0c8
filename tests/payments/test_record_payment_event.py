"""record_payment_event: the bytes are kept before anything is done with them, each event once."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import psycopg
import pytest

from tests.payments.scenes import Scene, alerts, fixture, rows
from tests.support.crowds import OK, play_at_once
from tests.support.databases import PATIENCE, Database
from tests.support.payments import event_body, payment_entity

CROWD = 6
BODY = fixture("order.paid.card")
KNOWN = {
    "event_type": "order.paid",
    "razorpay_order_id": "order_CnvPay00000001",
}


def record(db: Database, body: bytes = BODY, event_id: Any = "evt_1", **more: Any) -> Any:
    """The app stores what came."""
    with db.as_service():
        return db.call(
            "record_payment_event",
            event_id=event_id,
            body_base64=base64.b64encode(body).decode(),
            **more,
        )


def stored(db: Database) -> list[tuple[Any, ...]]:
    return rows(db, "payment_events", "event_id status deliveries", "id")


def hash_id(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def test_an_event_is_stored_to_the_byte_and_not_acted_on(scene: Scene) -> None:
    db = scene.db
    headers = {"x-razorpay-event-id": "evt_1", "content-type": "application/json"}
    answer = record(
        db, headers=headers, secret_slot="previous", mode="test", account_id="acc_T3stStudio0001"
    )
    (row,) = db.query("select * from private.payment_events")
    assert answer == {"event_row_id": row["id"], "duplicate": False, **KNOWN}
    assert bytes(row["body"]) == BODY
    assert bytes(row["sha256"]) == hashlib.sha256(BODY).digest()
    kept = {
        "event_id": "evt_1",
        "headers": headers,
        "secret_slot": "previous",
        "mode": "test",
        "account_id": "acc_T3stStudio0001",
        "status": "received",
        "outcome": None,
        "attempts": 0,
        "deliveries": 1,
        "processed_at": None,
        **KNOWN,
    }
    assert {key: row[key] for key in kept} == kept
    assert scene.state() == "payment_pending"


def test_the_same_event_again_is_a_delivery_more(db: Database) -> None:
    first = record(db)
    for _ in range(2):
        assert record(db) == {**first, "duplicate": True}
    assert stored(db) == [("evt_1", "received", 3)]
    assert alerts(db) == []


def test_storing_does_not_wait_for_the_disk_and_processing_does(db: Database) -> None:
    with psycopg.connect(db.dsn()) as app:
        app.execute("set synchronous_commit = on")
        app.commit()
        waits = []
        for call in (
            "select public.record_payment_event('evt_1', encode('{}', 'base64'))",
            "select public.process_payment_event(id) from private.payment_events",
        ):
            app.execute(call.encode())
            waits.append(app.execute("show synchronous_commit").fetchone())
            app.commit()
        assert waits == [("off",), ("on",)]
    assert stored(db) == [("evt_1", "parked", 1)]


def test_many_deliveries_at_once_are_one_event(db: Database) -> None:
    ends = play_at_once(db, CROWD, CROWD, lambda session, number: record(session))
    assert ends == {OK: CROWD}
    assert stored(db) == [("evt_1", "received", CROWD)]


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "",
        " ",
        "a b",
        "'; drop table x; --",
        "a" * 101,
        "evt\n",
        "sha256:00",
        "\u00e9",
        "a\tb",
    ],
)
def test_an_odd_id_is_replaced_by_the_hash_of_the_body(db: Database, odd: str | None) -> None:
    first = record(db, event_id=odd)
    assert stored(db) == [(hash_id(BODY), "received", 1)]
    assert record(db, event_id=None) == {**first, "duplicate": True}
    assert alerts(db) == []


@pytest.mark.parametrize("usual", ["evt_1", "A-z_9", "a" * 100])
def test_a_usual_id_is_kept(db: Database, usual: str) -> None:
    record(db, event_id=usual)
    assert stored(db) == [(usual, "received", 1)]


def test_a_known_id_on_another_body_is_another_event_and_is_told(db: Database) -> None:
    first = record(db)
    other = fixture("order.paid.wallet")
    second = record(db, other)
    assert second["duplicate"] is False
    assert second["event_row_id"] != first["event_row_id"]
    assert stored(db) == [("evt_1", "received", 1), (hash_id(other), "received", 1)]
    assert alerts(db) == [("critical", "event_id_reused:evt_1", 1)]
    assert record(db, other) == {**second, "duplicate": True}
    assert alerts(db) == [("critical", "event_id_reused:evt_1", 2)]
    assert record(db) == {**first, "duplicate": True}


def test_two_bodies_with_one_id_at_once_are_both_kept(db: Database) -> None:
    other = db.session()
    with db.transaction():
        record(db)
        with other.as_service():
            waiting = other.start(
                "record_payment_event",
                event_id="evt_1",
                body_base64=base64.b64encode(fixture("order.paid.wallet")).decode(),
            )
            db.wait_until_blocked(other)
    assert waiting.result(PATIENCE)["duplicate"] is False
    assert stored(db) == [
        ("evt_1", "received", 1),
        (hash_id(fixture("order.paid.wallet")), "received", 1),
    ]
    assert alerts(db) == [("critical", "event_id_reused:evt_1", 1)]


def test_a_lock_that_stays_is_not_waited_for(db: Database) -> None:
    other = db.session()
    with db.transaction():
        record(db)
        with db.refused("55P03"):
            record(other)
    assert record(other)["duplicate"] is True


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b"\xff\xfe",
        b'{"event": {"a": 1}, "payload": []}'[:-1],
        b'{"a": "\\u0000"}',
        b"1e999999",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"event":' * 30_000 + b"1" + b"}" * 30_000,
        fixture("fault.not_json"),
        fixture("fault.truncated"),
        fixture("fault.array_top"),
        fixture("fault.nul_in_notes"),
    ],
    ids=range(15),
)
def test_bytes_that_nobody_can_read_are_kept_too(db: Database, body: bytes) -> None:
    answer = record(db, body)
    assert (answer["event_type"], answer["razorpay_order_id"]) == (None, None)
    assert bytes(db.value("select body from private.payment_events")) == body


def test_a_long_body_is_kept_whole(scene: Scene) -> None:
    notes = {"long": "x" * (256 * 1024)}
    body = event_body("payment.captured", payment=payment_entity(scene.order, notes=notes))
    answer = record(scene.db, body)
    assert answer["razorpay_order_id"] == scene.order.razorpay_order_id
    assert scene.db.value("select length(body) from private.payment_events") == len(body)


def test_what_an_event_says_of_itself_is_cut(db: Database) -> None:
    event = {"event": "e" * 5000, "payload": {"order": {"entity": {"id": "o" * 5000}}}}
    answer = record(db, json.dumps(event).encode())
    assert answer["event_type"] == "e" * 100
    assert answer["razorpay_order_id"] == "o" * 100


@pytest.mark.parametrize("text", [None, "%%%", "YQ", "YQ=", "é"])
def test_what_is_no_base64_is_refused(db: Database, text: str | None) -> None:
    with (
        db.as_service(),
        db.refused("INPUT_INVALID", 422, details={"field": "body_base64", "rule": "base64"}),
    ):
        db.call("record_payment_event", event_id="evt_1", body_base64=text)
    assert stored(db) == []


@pytest.mark.parametrize(
    "given", [{"secret_slot": "next"}, {"secret_slot": None}, {"mode": "x"}, {"mode": None}]
)
def test_what_is_none_of_the_choices_is_refused(db: Database, given: dict[str, Any]) -> None:
    (field,) = given
    with db.refused("INPUT_INVALID", 422, details={"field": field, "rule": "one_of"}):
        record(db, **given)
    assert stored(db) == []


def test_only_the_service_stores_events(scene: Scene) -> None:
    given = {"event_id": "evt_1", "body_base64": "e30="}
    for user in (scene.people.bharat, scene.people.omkar):
        with scene.db.signed_in_as(user), scene.db.refused("42501"):
            scene.db.call("record_payment_event", **given)
    with scene.db.as_anon(), scene.db.refused("42501"):
        scene.db.call("record_payment_event", **given)
    assert stored(scene.db) == []
