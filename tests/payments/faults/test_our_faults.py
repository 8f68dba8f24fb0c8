"""The database, the app or the network fails at the worst moment: nothing is lost or done twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import httpx
import psutil
import psycopg
import pytest

from scripts.dev.local_supabase import postgres
from tests.chat.scenes import send as send_message
from tests.end_to_end.people import make_user
from tests.payments.faults.relay import Relay, running_relay
from tests.payments.faults.running import app_here, running_app, sign_in
from tests.payments.faults.world import PATIENCE, World, changed, outcome_of
from tests.payments.scenes import BROKEN, Scene, break_function
from tests.support.operators import let_expire
from tests.support.payments import event_body, payment_entity
from tests.support.stacks import free_port
from tests.webhooks.support import Gunicorn

# As long as Razorpay waits.
DEADLINE_SECONDS = 5.0
EVENT_ID = "KfYSHMpjAGzrkx"
OUTCOMES = "webhook_outcome_total"
TRIGGER = """
create or replace trigger clean_up_at_sign_in after insert on auth.sessions
for each row {when} execute function private.clean_up_at_sign_in()
"""


@pytest.fixture(scope="module")
def _relay(_shared_world: World) -> Iterator[tuple[Relay, Gunicorn, httpx.Client]]:
    with (
        running_relay(_shared_world.stack.api_url) as relay,
        running_app(_shared_world, SUPABASE_URL=relay.url) as (app, http),
    ):
        yield relay, app, http


@pytest.fixture
def relay(_relay: tuple[Relay, Gunicorn, httpx.Client]) -> Relay:
    """Stands between the app of `caught` and Supabase."""
    return _relay[0]


@pytest.fixture
def caught(_relay: tuple[Relay, Gunicorn, httpx.Client]) -> tuple[Gunicorn, httpx.Client]:
    """An app behind the relay, and a client of it."""
    return _relay[1:]


@contextmanager
def broken(world: World, function: str, code: str = BROKEN) -> Iterator[None]:
    """A fault of ours, until the end of the block."""
    whole = break_function(world.db, function, code)
    try:
        yield
    finally:
        world.db.query(whole)


@contextmanager
def locked(world: World, scene: Scene) -> Iterator[None]:
    """Somebody else acts in the deal, and takes their time."""
    with psycopg.connect(world.db.dsn()) as other:
        other.execute("select from private.conversations where id = %s for update", [scene.id])
        yield


def captured(scene: Scene) -> bytes:
    return event_body("payment.captured", payment=payment_entity(scene.order))


def kill_workers(app: Gunicorn) -> None:
    """The processes are gone from one moment to the next; gunicorn starts others."""
    for worker in psutil.Process(app.process.pid).children():
        worker.send_signal(signal.SIGKILL)


def assert_try_again(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["error_code"]) == (503, "SERVICE_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0


def send_until_taken(world: World, http: httpx.Client, body: bytes) -> str:
    """Razorpay sends an event again until it is taken; its outcome."""
    for _ in range(10):
        answer = world.send(body, EVENT_ID, http=http)
        if answer.status_code == 200:
            return outcome_of(answer)
        assert_try_again(answer)
    raise AssertionError("the event was not taken")


def test_while_the_database_is_down_razorpay_is_told_to_send_again(world: World) -> None:
    scene = world.scene()
    body = captured(scene)
    with app_here(world, SUPABASE_URL=f"http://127.0.0.1:{free_port()}") as cut_off:
        with world.counts(OUTCOMES, http=cut_off, outcome="db_down"):
            started = time.monotonic()
            answer = world.send(body, EVENT_ID, http=cut_off)
            assert time.monotonic() - started < DEADLINE_SECONDS
        assert_try_again(answer)
    world.assert_nothing_happened(scene)
    assert outcome_of(world.send(body, EVENT_ID)) == "applied"
    world.assert_paid_once(scene)


@pytest.mark.parametrize("how", ["sent again", "opened"])
def test_a_crash_between_storing_and_processing_loses_nothing(
    world: World, relay: Relay, caught: tuple[Gunicorn, httpx.Client], how: str
) -> None:
    app, http = caught
    play = world.play()
    order_id = world.checkout(play)
    payment_id = world.pay_unnoticed(order_id)["razorpay_payment_id"]
    body = changed("payment.captured.upi", {"id": payment_id, "order_id": order_id}, "payment")
    with ThreadPoolExecutor(1) as pool, relay.holding("process_payment_event") as hold:
        sent = pool.submit(world.send, body, EVENT_ID, http=http)
        hold.wait()
        kill_workers(app)
        with pytest.raises(httpx.HTTPError):
            sent.result()
        hold.lose()
    assert world.events() == [("received", None)]
    assert world.state(play) == "payment_pending"
    world.db.query(
        "update private.payment_events set received_at = received_at - interval '6 minutes'"
    )
    assert world.count("parley_events_stuck") == 1
    if how == "sent again":
        assert outcome_of(world.send(body, EVENT_ID, http=http)) == "applied"
    else:
        assert world.open_chat(play)["outcome"] == "applied"
        assert outcome_of(world.send(body, EVENT_ID, http=http)) == "duplicate"
    world.assert_paid_once(play)
    assert [status for status, _ in world.events()] == ["processed"]
    assert world.count("parley_events_stuck") == 0
    assert world.alerts() == []


def test_a_crash_between_the_commit_and_the_answer_is_a_duplicate_when_it_is_sent_again(
    world: World, relay: Relay, caught: tuple[Gunicorn, httpx.Client]
) -> None:
    app, http = caught
    scene = world.scene()
    body = captured(scene)
    with (
        ThreadPoolExecutor(1) as pool,
        relay.holding("process_payment_event", answered=True) as hold,
    ):
        sent = pool.submit(world.send, body, EVENT_ID, http=http)
        hold.wait()
        kill_workers(app)
        with pytest.raises(httpx.HTTPError):
            sent.result()
        hold.lose()
    assert world.events() == [("processed", "applied")]
    assert outcome_of(world.send(body, EVENT_ID, http=http)) == "duplicate"
    world.assert_paid_once(scene)
    assert world.alerts() == []


def test_an_event_of_a_deal_that_somebody_holds_is_stored_and_applied_by_the_next_touch(
    world: World,
) -> None:
    scene = world.scene()
    body = captured(scene)
    with locked(world, scene), world.counts(OUTCOMES, outcome="waiting"):
        started = time.monotonic()
        answer = world.send(body, EVENT_ID)
        assert time.monotonic() - started < DEADLINE_SECONDS
    assert outcome_of(answer) == "waiting"
    assert world.events() == [("received", "waiting")]
    # Razorpay does not send it again. Whoever comes by has it applied, on whatever business.
    world.db.query("update private.payment_events set next_try_at = now()")
    outcome_of(world.send(event_body("settlement.processed"), "evt_2"))
    postgres.wait_until(
        lambda: world.events()[0] == ("processed", "applied"), PATIENCE, "nobody has applied it"
    )
    world.assert_paid_once(scene)
    assert world.db.value("select status from private.alerts") == "resolved"


def test_a_slow_database_is_not_waited_for_longer_than_razorpay_waits(world: World) -> None:
    scene = world.scene()
    body = captured(scene)
    with broken(world, "settle_order", "perform pg_sleep(4);"):
        with world.counts(OUTCOMES, outcome="db_busy"):
            started = time.monotonic()
            answer = world.send(body, EVENT_ID)
            assert time.monotonic() - started < DEADLINE_SECONDS
        assert_try_again(answer)
    assert send_until_taken(world, world.http, body) in ("applied", "duplicate")
    world.assert_paid_once(scene)
    assert world.alerts() == []


def test_a_fault_of_ours_is_tried_again_four_times_then_set_aside_then_mended(
    world: World,
) -> None:
    scene = world.scene()
    body = captured(scene)
    with broken(world, "settle_order"):
        for _ in range(4):
            assert_try_again(world.send(body, EVENT_ID))
            assert world.events() == [("received", "try_again")]
        assert outcome_of(world.send(body, EVENT_ID)) == "processing_failed"
    (row,) = scene.rows("payment_events", "id status attempts error", "id")
    assert row[1:3] == ("parked", 5)
    assert row[3].startswith("P0001: a fault of ours")
    assert world.alerts() == [("critical", "processing_failed")]
    assert world.state(scene) == "payment_pending"
    replayed = world.ask(world.people.omkar, f"/v1/ops/events/{row[0]}/replay")
    assert (replayed.status_code, replayed.json()["outcome"]) == (200, "applied")
    world.assert_paid_once(scene)


def test_connections_that_the_database_has_ended_are_made_anew(world: World) -> None:
    for number in range(3):
        scene = world.scene("")
        ended = world.db.query_as_superuser(
            "select pg_terminate_backend(pid) from pg_catalog.pg_stat_activity"
            " where application_name like 'PostgREST%'"
        )
        assert ended
        assert world.tell(captured(scene), f"Anew{number}") == "applied"
        world.assert_paid_once(scene)
    assert world.alerts() == []


def test_a_deploy_lets_a_webhook_be_answered(world: World) -> None:
    scene = world.scene()
    with (
        running_relay(world.stack.api_url) as relay,
        ThreadPoolExecutor(1) as pool,
        running_app(world, SUPABASE_URL=relay.url) as (app, http),
        relay.holding("process_payment_event") as hold,
    ):
        sent = pool.submit(world.send, captured(scene), EVENT_ID, http=http)
        hold.wait()
        os.kill(app.process.pid, signal.SIGTERM)
        app.wait_for(lambda line: "Handling signal: term" in line.get("message", ""))
        hold.release.set()
        assert outcome_of(sent.result()) == "applied"
        assert app.process.wait(30) == 0
    world.assert_paid_once(scene)
    assert world.alerts() == []


@pytest.mark.parametrize("fault", ["a fault", "a lock"])
def test_a_cleanup_that_fails_or_waits_stops_nobody_from_signing_in(
    world: World, fault: str
) -> None:
    email = make_user(world.stack)
    user, _ = sign_in(world.stack, email)
    with world.db.signed_in_as(world.people.asha):
        opened = world.db.call("direct_connect", target_user_id=user)["conversation"]
    talk = opened["conversation_id"]
    expired = send_message(world.db, world.people.asha, talk, "gone soon", expiration_hours=1)
    let_expire(world.db, expired["id"])
    world.db.query(TRIGGER.format(when=""))
    try:
        with psycopg.connect(world.db.dsn()) as other:
            if fault == "a lock":
                other.execute("select from private.accounts where user_id = %s for update", [user])
            with broken(world, "clean_up") if fault == "a fault" else nullcontext():
                started = time.monotonic()
                _, token = sign_in(world.stack, email)
                assert time.monotonic() - started < DEADLINE_SECONDS
    finally:
        world.db.query(TRIGGER.format(when="when (false)"))
    # Nothing was cleaned up, and nobody reads what has expired.
    (row,) = world.db.query("select is_expired from public.messages where id = %s", expired["id"])
    assert row["is_expired"] is False
    shown = world.rpc("get_messages", token, conversation_id=talk)
    assert expired["id"] not in [message["id"] for message in shown]
