"""take_pushes and record_push_result: each push until it is sent, less and less often."""

from __future__ import annotations

import psycopg

from tests.chat.scenes import Talk, send
from tests.notifications.devices import (
    KEYS,
    endpoint,
    let_pass,
    record,
    register,
    take,
    waiting,
)
from tests.support.crowds import OK, outcome, play_at_once
from tests.support.databases import PATIENCE, Database


def queue(db: Database, talk: Talk, count: int) -> list[str]:
    """Ids of messages that wait to be pushed to Bharat's phone."""
    register(db, talk.bharat, "phone")
    return [send(db, talk.asha, talk.id, str(number))["id"] for number in range(count)]


def test_a_push_is_all_that_a_sender_needs(db: Database, talk: Talk) -> None:
    (message,) = queue(db, talk, 1)
    (push,) = take(db)
    assert push == {
        "push_id": waiting(db)[0]["id"],
        "kind": "web_push",
        "token": endpoint("phone"),
        "keys": KEYS,
        "payload": {
            "type": "message",
            "data": {
                "conversation_id": talk.id,
                "message_id": message,
                "sender_id": str(talk.asha),
            },
        },
    }


def test_the_oldest_come_first_a_page_at_a_time_and_each_once(db: Database, talk: Talk) -> None:
    messages = queue(db, talk, 25)
    taken = [take(db, max_rows=10), take(db), take(db)]
    assert [len(page) for page in taken] == [10, 15, 0]
    found = [push["payload"]["data"]["message_id"] for page in taken for push in page]
    assert found == messages


def test_what_was_sent_is_over_and_recording_it_again_is_no_mistake(
    db: Database, talk: Talk
) -> None:
    queue(db, talk, 2)
    first, second = (push["push_id"] for push in take(db))
    assert record(db, first, "sent") == {"push_id": first, "result": "sent"}
    assert record(db, first, "sent") == {"push_id": first, "result": "sent"}
    assert [row["id"] for row in waiting(db)] == [second]


def test_what_failed_comes_again_after_one_two_four_minutes_and_eight_tries_at_most(
    db: Database, talk: Talk
) -> None:
    queue(db, talk, 1)
    for tries in range(8):
        (push,) = take(db)
        record(db, push["push_id"], "failed")
        assert waiting(db)[0]["attempts"] == tries + 1
        pause = 2**tries
        let_pass(db, pause - 0.5)
        assert take(db) == []
        let_pass(db, 0.5)
    assert take(db) == []
    assert waiting(db) == []


def test_what_nobody_reports_back_comes_again_too(db: Database, talk: Talk) -> None:
    queue(db, talk, 1)
    (first,) = take(db)
    assert take(db) == []
    let_pass(db, 1)
    assert take(db) == [first]


def test_a_device_that_is_gone_is_forgotten_with_all_that_waits_for_it(
    db: Database, talk: Talk
) -> None:
    queue(db, talk, 3)
    register(db, talk.bharat, "tablet")
    send(db, talk.asha, talk.id, "to both")
    gone = [push for push in take(db) if push["token"] == endpoint("phone")]
    record(db, gone[0]["push_id"], "gone")
    tokens = db.query("select token from private.push_tokens")
    assert [row["token"] for row in tokens] == [endpoint("tablet")]
    assert [row["token"] for row in waiting(db)] == [endpoint("tablet")]
    record(db, gone[0]["push_id"], "gone")
    assert len(waiting(db)) == 1
    send(db, talk.asha, talk.id, "to the tablet")
    assert len(waiting(db)) == 2


def test_a_push_that_another_sender_holds_is_passed_over(db: Database, talk: Talk) -> None:
    queue(db, talk, 3)
    ids = [row["id"] for row in waiting(db)]
    with psycopg.connect(db.dsn()) as holder:
        holder.execute("select from private.push_outbox where id = %s for update", [ids[0]])
        assert [push["push_id"] for push in take(db)] == ids[1:]
    assert [push["push_id"] for push in take(db)] == ids[:1]


def test_a_push_that_is_given_up_makes_no_sender_wait(db: Database, talk: Talk) -> None:
    queue(db, talk, 2)
    first, second = (row["id"] for row in waiting(db))
    db.query("update private.push_outbox set attempts = 8 where id = %s", first)
    with psycopg.connect(db.dsn()) as holder:
        holder.execute("select from private.push_outbox where id = %s for update", [first])
        # Whoever waits here is refused by the clock below instead of by PATIENCE.
        with db.as_service(), db.transaction():
            db.select("select set_config('lock_timeout', '1s', true)")
            pushes = db.call("take_pushes")
        assert [push["push_id"] for push in pushes] == [second]


def test_many_senders_at_once_push_everything_once(db: Database, talk: Talk) -> None:
    queue(db, talk, 30)
    taken: list[int] = []

    def play(session: Database, number: int) -> None:
        taken.extend(push["push_id"] for push in take(session, max_rows=3))

    assert play_at_once(db, 5, 20, play) == {OK: 20}
    assert sorted(taken) == [row["id"] for row in waiting(db)]


def test_two_results_of_one_device_at_once_wait_in_one_order(db: Database, talk: Talk) -> None:
    queue(db, talk, 2)
    first, second = (push["push_id"] for push in take(db))
    db.query("update private.push_tokens set failures = 1")
    one, two = db.session(), db.session()
    with one.as_service(), two.as_service():
        with psycopg.connect(db.dsn()) as holder:
            holder.execute("select from private.push_outbox where id = %s for update", [first])
            sent = one.start("record_push_result", push_id=first, result="sent")
            db.wait_until_blocked(one)
            gone = two.start("record_push_result", push_id=second, result="gone")
            db.wait_until_blocked(two)
        assert sent.result(PATIENCE)["result"] == "sent"
        assert gone.result(PATIENCE)["result"] == "gone"
    assert (db.query("select from private.push_tokens"), waiting(db)) == ([], [])


def test_only_the_service_takes_and_records(db: Database, talk: Talk) -> None:
    queue(db, talk, 1)
    before = waiting(db)
    calls = (
        lambda: db.call("take_pushes"),
        lambda: db.call("record_push_result", push_id=before[0]["id"], result="gone"),
    )
    for call in calls:
        with db.signed_in_as(talk.asha):
            assert outcome(call) == "42501"
        with db.as_anon():
            assert outcome(call) == "42501"
    with db.signed_in_as(talk.asha), db.refused("42501"):
        db.select("select * from private.push_outbox")
    assert waiting(db) == before


def test_another_result_is_refused_and_an_unknown_push_is_not(db: Database, talk: Talk) -> None:
    queue(db, talk, 1)
    (push,) = take(db)
    for result in ("lost", "", None):
        with db.refused("INPUT_INVALID", 422, details={"field": "result", "rule": "one_of"}):
            record(db, push["push_id"], result)
    assert len(waiting(db)) == 1
    for result in ("sent", "gone", "failed"):
        record(db, 0, result)
    assert len(waiting(db)) == 1


def test_what_is_a_day_old_is_no_news_and_is_dropped(db: Database, talk: Talk) -> None:
    queue(db, talk, 3)
    ids = [row["id"] for row in waiting(db)]
    age = "update private.push_outbox set created_at = now() - %s::interval where id = %s"
    db.query(age, "1 day 1 minute", ids[0])
    db.query(age, "23 hours 59 minutes", ids[1])
    assert [push["push_id"] for push in take(db)] == ids[1:]
    assert [row["id"] for row in waiting(db)] == ids[1:]


def test_a_login_drops_its_own_pushes_that_nobody_took_for_a_day(db: Database, talk: Talk) -> None:
    queue(db, talk, 2)
    register(db, talk.asha, "hers")
    send(db, talk.bharat, talk.id, "hi")
    ids = [row["id"] for row in waiting(db)]
    db.query(
        "update private.push_outbox set created_at = now() - interval '2 days' where id = any(%s)",
        [ids[0], ids[2]],
    )
    with db.signed_in_as(talk.bharat):
        db.call("login_cleanup")
    assert [row["id"] for row in waiting(db)] == ids[1:]


def endpoint_at(host: str, name: str) -> str:
    return f"https://{host}/send/{name}"


def test_ten_dead_devices_do_not_hold_up_the_others(db: Database, talk: Talk) -> None:
    for number in range(10):
        register(
            db, talk.bharat, "dead", token=endpoint_at("dead.example.com", f"{talk.bharat}{number}")
        )
    register(db, talk.asha, "phone")
    send(db, talk.asha, talk.id, "to the dead ones")
    send(db, talk.bharat, talk.id, "to the phone")
    users = [push["token"] for push in take(db, max_rows=2)]
    assert users[0].startswith("https://dead.example.com")
    assert users[1] == endpoint("phone")


def test_a_host_that_does_not_answer_rests_with_all_its_devices(db: Database, talk: Talk) -> None:
    for name in ("one", "two"):
        register(db, talk.bharat, name)
    register(db, talk.bharat, "other", token=endpoint_at("other.example.com", "x"))
    send(db, talk.asha, talk.id, "Hello")
    (first,) = (push for push in take(db) if push["token"] == endpoint("one"))
    record(db, first["push_id"], "unreachable")
    let_pass(db, 1.5)
    assert [push["token"] for push in take(db)] == [endpoint_at("other.example.com", "x")]
    db.query("update private.push_hosts set cools_until = cools_until - interval '1 minute'")
    let_pass(db, 5)
    again = [push for push in take(db) if push["token"] != endpoint_at("other.example.com", "x")]
    assert {push["token"] for push in again} == {endpoint("one"), endpoint("two")}
    # The second rest is longer; one push that arrives ends it.
    record(db, again[0]["push_id"], "unreachable")
    left = "select cools_until > now() + interval '90 seconds' from private.push_hosts"
    assert db.value(left)
    record(db, again[1]["push_id"], "sent")
    assert db.query("select from private.push_hosts") == []


def test_a_device_that_fails_ten_times_in_a_row_is_forgotten(db: Database, talk: Talk) -> None:
    queue(db, talk, 12)
    pushes = [push["push_id"] for push in take(db)]
    for push in pushes[:5]:
        record(db, push, "failed")
    record(db, pushes[5], "sent")
    for push in pushes[6:12]:
        record(db, push, "failed")
    assert db.value("select failures from private.push_tokens") == 6
    db.query("update private.push_tokens set failures = 9")
    record(db, pushes[0], "failed")
    assert (db.query("select from private.push_tokens"), waiting(db)) == ([], [])
