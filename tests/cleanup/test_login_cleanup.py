"""login_cleanup: flags what expired and empties it after the grace, a batch at a time."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.chat.scenes import Talk, all_messages, everything, open_talk, send
from tests.support.databases import Database
from tests.support.operators import (
    account_of,
    expire_at,
    let_expire,
    set_account,
    set_setting,
)

NOTHING = {"expired": 0, "scrubbed": 0, "deadlines_run": 0}


def cleanup(db: Database, user: uuid.UUID, *, again: bool = True) -> dict[str, Any]:
    """What a login's cleanup answers; `again` lets a minute pass before it."""
    if again:
        set_account(db, user, cleaned_at="-infinity")
    with db.signed_in_as(user):
        answer: dict[str, Any] = db.call("login_cleanup")
    return answer


def send_secrets(db: Database, talk: Talk, count: int) -> list[str]:
    """Ids of messages with a lifetime, from both sides in turn."""
    senders = (talk.asha, talk.bharat)
    return [
        send(db, senders[n % 2], talk.id, f"secret {n}", expiration_hours=1)["id"]
        for n in range(count)
    ]


def flagged(db: Database) -> int:
    count: int = db.value("select count(*) from public.messages where is_expired")
    return count


def emptied(db: Database) -> int:
    count: int = db.value("select count(*) from public.messages where scrubbed_at is not null")
    return count


def test_a_login_flags_what_both_sides_let_expire_and_nothing_else(
    db: Database, talk: Talk
) -> None:
    secrets = send_secrets(db, talk, 6)
    send(db, talk.asha, talk.id, "it stays")
    foreign = send(
        db, talk.chitra, open_talk(db, talk.chitra, talk.asha), "hers", expiration_hours=1
    )
    let_expire(db, *secrets[:4], foreign["id"])
    assert cleanup(db, talk.bharat) == {**NOTHING, "expired": 4, "throttled": False}
    rows = db.query("select id from public.messages where is_expired")
    assert {str(row["id"]) for row in rows} == set(secrets[:4])
    assert emptied(db) == 0
    assert cleanup(db, talk.chitra)["expired"] == 1


def test_a_second_login_within_a_minute_does_nothing_and_says_so(db: Database, talk: Talk) -> None:
    (first, second) = send_secrets(db, talk, 2)
    let_expire(db, first)
    assert cleanup(db, talk.asha)["expired"] == 1
    let_expire(db, second)
    before = everything(db)
    assert cleanup(db, talk.asha, again=False) == {**NOTHING, "throttled": True}
    assert everything(db) == before
    last = db.value("select cleaned_at from private.accounts where user_id = %s", talk.asha)
    set_account(db, talk.asha, cleaned_at=last - timedelta(seconds=59))
    # The other side's login is no second one.
    assert cleanup(db, talk.bharat, again=False) == {**NOTHING, "expired": 1, "throttled": False}
    set_account(db, talk.asha, cleaned_at=last - timedelta(seconds=61))
    assert cleanup(db, talk.asha, again=False) == {**NOTHING, "throttled": False}


def test_cleaning_again_finds_nothing_to_do(db: Database, talk: Talk) -> None:
    secrets = send_secrets(db, talk, 3)
    let_expire(db, *secrets, days_ago=31)
    assert cleanup(db, talk.asha) == {
        "expired": 3,
        "scrubbed": 3,
        "deadlines_run": 0,
        "throttled": False,
    }
    before = db.query("select * from public.messages order by seq")
    for user in (talk.asha, talk.bharat):
        assert cleanup(db, user) == {**NOTHING, "throttled": False}
    assert db.query("select * from public.messages order by seq") == before


@pytest.mark.parametrize("moment", ["of its own", "the same for all"])
def test_batches_flag_every_message_once_also_where_many_expire_at_one_moment(
    db: Database, talk: Talk, moment: str
) -> None:
    set_setting(db, "cleanup_batch", 2)
    secrets = send_secrets(db, talk, 7)
    if moment == "the same for all":
        let_expire(db, *secrets)
    else:
        for secret in secrets:
            let_expire(db, secret)
    counts = [cleanup(db, talk.asha)["expired"] for _ in range(5)]
    assert counts == [2, 2, 2, 1, 0]
    assert flagged(db) == 7


def test_batches_empty_every_message_once(db: Database, talk: Talk) -> None:
    set_setting(db, "cleanup_batch", 2)
    let_expire(db, *send_secrets(db, talk, 5), days_ago=31)
    assert [cleanup(db, talk.asha)["scrubbed"] for _ in range(4)] == [2, 2, 1, 0]
    assert emptied(db) == 5


def test_a_message_that_another_session_holds_is_passed_over_now_and_flagged_later(
    db: Database, talk: Talk
) -> None:
    secrets = send_secrets(db, talk, 4)
    for secret in secrets:
        let_expire(db, secret, days_ago=31)
    hold = "select from public.messages where id = %s for update"
    with psycopg.connect(db.dsn(), row_factory=dict_row) as holder:
        holder.execute(hold, [secrets[1]])
        answer = cleanup(db, talk.asha)
        assert (answer["expired"], answer["scrubbed"]) == (3, 3)
    answer = cleanup(db, talk.asha)
    assert answer["scrubbed"] == 1
    assert (flagged(db), emptied(db)) == (4, 4)


@pytest.mark.parametrize("batch", [2, 500])
def test_no_message_that_was_held_stays_unflagged_for_ever(
    db: Database, talk: Talk, batch: int
) -> None:
    # Within the grace, so that only the flag can reach it.
    set_setting(db, "cleanup_batch", batch)
    secrets = send_secrets(db, talk, 4)
    for secret in secrets:
        let_expire(db, secret)
    with psycopg.connect(db.dsn(), row_factory=dict_row) as holder:
        holder.execute("select from public.messages where id = %s for update", [secrets[0]])
        for _ in range(3):
            cleanup(db, talk.asha)
        assert flagged(db) == 3
    for _ in range(3):
        cleanup(db, talk.asha)
    assert flagged(db) == 4


def test_two_logins_at_once_share_the_work_without_waiting(db: Database, talk: Talk) -> None:
    let_expire(db, *send_secrets(db, talk, 4), days_ago=31)
    other = db.session()
    with db.transaction():
        set_account(db, talk.asha, cleaned_at="-infinity")
        with db.signed_in_as(talk.asha):
            assert db.call("login_cleanup")["scrubbed"] == 4
        assert cleanup(other, talk.bharat) == {**NOTHING, "throttled": False}
    assert (flagged(db), emptied(db)) == (4, 4)


def test_a_message_that_expires_between_two_logins_is_flagged_by_the_second(
    db: Database, talk: Talk
) -> None:
    first, second = send_secrets(db, talk, 2)
    let_expire(db, first)
    assert cleanup(db, talk.asha)["expired"] == 1
    let_expire(db, second)
    assert cleanup(db, talk.asha)["expired"] == 1
    assert flagged(db) == 2


def test_the_grace_is_a_setting_and_null_keeps_everything(db: Database, talk: Talk) -> None:
    secrets = send_secrets(db, talk, 2)
    let_expire(db, *secrets, days_ago=400)
    set_setting(db, "expired_grace_days", None)
    answer = cleanup(db, talk.asha)
    assert (answer["expired"], answer["scrubbed"]) == (2, 0)
    # Kept, and yet shown to nobody.
    assert [message["seq"] for message in all_messages(db, talk.asha, talk.id)] == [1]
    set_setting(db, "expired_grace_days", 401)
    assert cleanup(db, talk.asha)["scrubbed"] == 0
    set_setting(db, "expired_grace_days", 0.5)
    assert cleanup(db, talk.asha)["scrubbed"] == 2


def test_nothing_is_emptied_under_a_legal_hold_and_the_rest_is(db: Database, talk: Talk) -> None:
    held = send_secrets(db, talk, 3)
    elsewhere = open_talk(db, talk.asha, talk.chitra)
    free = send(db, talk.asha, elsewhere, "secret", expiration_hours=1)["id"]
    let_expire(db, *held, days_ago=40)
    let_expire(db, free, days_ago=31)
    # What is held must not fill the batch either.
    set_setting(db, "cleanup_batch", 2)
    hold = "insert into private.legal_holds (conversation_id, reason) values (%s, 'dispute')"
    db.query(hold, talk.id)
    assert [cleanup(db, talk.asha)["scrubbed"] for _ in range(3)] == [1, 0, 0]
    kept = db.query("select message from public.messages where id = any(%s::uuid[])", held)
    assert all(row["message"].startswith("secret") for row in kept)
    assert flagged(db) == 4
    db.query("delete from private.legal_holds")
    assert [cleanup(db, talk.bharat)["scrubbed"] for _ in range(3)] == [2, 1, 0]


def test_an_emptied_message_keeps_its_number_and_nothing_else(db: Database, talk: Talk) -> None:
    sent = send(
        db,
        talk.asha,
        talk.id,
        "secret",
        media_url="https://cdn.example.com/a.jpg",
        expiration_hours=1,
    )
    let_expire(db, sent["id"], days_ago=31)
    cleanup(db, talk.bharat)
    (row,) = db.query("select * from public.messages where id = %s", sent["id"])
    assert (row["message"], row["media_url"], row["is_expired"]) == ("", None, True)
    assert (row["seq"], row["sender_id"]) == (2, talk.asha)
    assert send(db, talk.bharat, talk.id, "next")["seq"] == 3
    with db.refused("23514"):
        db.query("update public.messages set message = 'back' where id = %s", sent["id"])


def test_a_message_expires_for_the_cleanup_at_the_same_microsecond_as_for_readers(
    db: Database, talk: Talk
) -> None:
    (secret,) = send_secrets(db, talk, 1)
    arranging = db.session()
    for ahead, count in ((1, 0), (0, 1)):
        with db.transaction(), db.signed_in_as(talk.asha):
            (clock,) = db.select("select now() as time")
            expire_at(arranging, clock["time"] + timedelta(microseconds=ahead), secret)
            set_account(arranging, talk.asha, cleaned_at="-infinity")
            assert db.call("login_cleanup")["expired"] == count


def test_a_login_counts_as_a_visit(db: Database, talk: Talk) -> None:
    set_account(db, talk.asha, last_seen_at=None)
    cleanup(db, talk.asha)
    assert account_of(db, talk.asha)["last_seen_at"] is not None


def test_anon_cleans_nothing(db: Database) -> None:
    with db.as_anon(), db.refused("42501"):
        db.call("login_cleanup")
