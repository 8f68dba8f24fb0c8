"""Sends are charged: the free ones of the day first, points after that, and never for nothing."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.chat.scenes import Talk, block, everything, open_talk, send
from tests.flow.deals import gather_cast, open_play
from tests.points.purse import balance_and_sum, give_points, quota_of, set_quota
from tests.support.crowds import OK, play_at_once
from tests.support.databases import Database
from tests.support.operators import account_of, set_account, set_setting


def test_a_new_project_gives_twenty_free_messages_and_then_asks_ten_points(
    limited_db: Database,
) -> None:
    db = limited_db
    for rate in ("rate_send", "rate_send_long", "stranger_messages"):
        set_setting(db, rate, None)
    asha, bharat = db.create_user("Asha"), db.create_user("Bharat")
    talk = open_talk(db, asha, bharat)
    for used in range(20):
        quota = quota_of(db, asha)
        assert (quota["used_today"], quota["free_left"]) == (used, 20 - used)
        send(db, asha, talk, str(used))
    before = everything(db)
    with db.refused("INSUFFICIENT_POINTS", 402) as refusal:
        send(db, asha, talk, "one more")
    quota = quota_of(db, asha)
    assert refusal.details == {"needed": 10, "balance": 0, "resets_at": quota["resets_at"]}
    assert everything(db) == before
    give_points(db, asha, 25)
    send(db, asha, talk, "one more")
    send(db, asha, talk, "and another")
    with db.refused("INSUFFICIENT_POINTS", 402, details={"needed": 10, "balance": 5}):
        send(db, asha, talk, "too much")
    assert balance_and_sum(db, asha) == (5, 5)
    assert send(db, bharat, talk, "I have my own")["seq"] == 24


def test_the_answer_of_a_send_says_what_get_quota_says(db: Database, talk: Talk) -> None:
    set_quota(db, talk.asha, free=2, price=7)
    give_points(db, talk.asha, 20)
    for used, balance in ((1, 20), (2, 20), (3, 13), (4, 6)):
        with db.signed_in_as(talk.asha):
            answer = db.call("send_message", conversation_id=talk.id, message="hi")
        assert answer["quota"] == quota_of(db, talk.asha)
        assert answer["quota"] == {
            "daily_free_limit": 2,
            "used_today": used,
            "free_left": max(2 - used, 0),
            "points_per_message": 7,
            "cost": 0 if used < 2 else 7,
            "points_balance": balance,
            "resets_at": answer["quota"]["resets_at"],
            "timezone": "UTC",
        }


def test_limit_and_price_are_the_users_own(db: Database, talk: Talk) -> None:
    set_quota(db, talk.asha, free=1, price=3)
    set_quota(db, talk.bharat, free=0, price=4)
    for user in (talk.asha, talk.bharat):
        give_points(db, user, 8)
    send(db, talk.asha, talk.id, "free")
    send(db, talk.asha, talk.id, "paid")
    send(db, talk.bharat, talk.id, "paid from the first")
    assert balance_and_sum(db, talk.asha) == (5, 5)
    assert balance_and_sum(db, talk.bharat) == (4, 4)


def test_a_send_that_has_to_wait_for_a_passed_time_limit_is_charged_like_any_other(
    db: Database,
) -> None:
    cast = gather_cast(db)
    play = open_play(db, cast, scene="work_submitted")
    set_quota(db, cast.asha, free=1, price=10)
    give_points(db, cast.asha, 15)
    send(db, cast.asha, open_talk(db, cast.asha, cast.bharat), "free")
    db.query(
        "update private.conversations set deadline_at = now() - interval '1 s' where id = %s",
        play.id,
    )
    send(db, cast.asha, play.id, "Thank you!")
    assert quota_of(db, cast.asha)["used_today"] == 2
    assert balance_and_sum(db, cast.asha) == (5, 5)


def test_a_price_of_nothing_never_asks_for_points(db: Database, talk: Talk) -> None:
    set_quota(db, talk.asha, free=0, price=0)
    for number in range(3):
        send(db, talk.asha, talk.id, str(number), max_points=0)
    assert db.query("select from private.points_ledger") == []
    assert quota_of(db, talk.asha)["used_today"] == 3


def test_nobody_pays_more_than_agreed(db: Database, talk: Talk) -> None:
    set_quota(db, talk.asha, free=1, price=10)
    give_points(db, talk.asha, 30)
    assert send(db, talk.asha, talk.id, "free", max_points=0)["seq"] == 2
    before = everything(db)
    for agreed in (0, 9, -1):
        details = {"needed": 10, "max_points": agreed}
        with db.refused("POINTS_LIMIT", 402, details=details):
            send(db, talk.asha, talk.id, "paid?", max_points=agreed)
    assert everything(db) == before
    send(db, talk.asha, talk.id, "paid", max_points=10)
    send(db, talk.asha, talk.id, "paid", max_points=2147483647)
    assert balance_and_sum(db, talk.asha) == (10, 10)
    set_account(db, talk.asha, points_balance=0)
    # Who does not agree to the price learns that first.
    with db.refused("POINTS_LIMIT", 402):
        send(db, talk.asha, talk.id, "paid?", max_points=0)


FREE_OF_CHARGE: list[tuple[str, dict[str, Any]]] = [
    ("MESSAGE_EMPTY", {"message": " "}),
    ("MESSAGE_TOO_LONG", {"message": "a" * 5001}),
    ("MEDIA_INVALID", {"message": "a", "media_url": "http://example.com"}),
    ("EXPIRATION_INVALID", {"message": "a", "expiration_hours": 0.5}),
    ("MESSAGE_NOT_FOUND", {"message": "a", "reply_to": str(uuid.uuid4())}),
    ("CONVERSATION_NOT_FOUND", {"message": "a", "conversation_id": str(uuid.uuid4())}),
]


@pytest.mark.parametrize("free", [1, 0])
def test_a_refused_repeated_or_blocked_send_costs_nothing(
    db: Database, talk: Talk, free: int, subtests: pytest.Subtests
) -> None:
    own_id = str(uuid.uuid4())
    send(db, talk.asha, talk.id, "once", client_message_id=own_id)
    set_quota(db, talk.asha, free=1 + free, price=10)
    give_points(db, talk.asha, 10)
    before = account_of(db, talk.asha)
    for code, arguments in FREE_OF_CHARGE:
        with subtests.test(code), db.signed_in_as(talk.asha):
            status = 404 if "NOT_FOUND" in code else 422
            with db.refused(code, status):
                db.call("send_message", **{"conversation_id": talk.id, **arguments})
    with db.signed_in_as(talk.asha):
        again = db.call(
            "send_message", conversation_id=talk.id, message="once", client_message_id=own_id
        )
    assert again["quota"] == quota_of(db, talk.asha)
    block(db, talk.bharat, talk.asha)
    with db.refused("BLOCKED", 403):
        send(db, talk.asha, talk.id, "blocked")
    assert account_of(db, talk.asha) == before
    assert balance_and_sum(db, talk.asha) == (10, 10)


def test_what_the_system_says_is_free(db: Database, talk: Talk) -> None:
    set_quota(db, talk.asha, free=0, price=10)
    open_talk(db, talk.asha, talk.chitra)
    assert quota_of(db, talk.asha)["used_today"] == 0
    assert balance_and_sum(db, talk.asha) == (0, 0)


def test_two_hundred_sends_at_once_at_the_edge_are_charged_to_the_point(
    db: Database, talk: Talk
) -> None:
    talks = [talk.id, open_talk(db, talk.asha, talk.chitra)]
    set_quota(db, talk.asha, free=20, price=10)
    for number in range(5):
        send(db, talk.asha, talk.id, f"before {number}")
    give_points(db, talk.asha, 55)

    def play(session: Database, number: int) -> None:
        send(session, talk.asha, talks[number % 2], str(number))

    ends = play_at_once(db, 16, 200, play)
    # 15 free ones were left, and 55 points pay five.
    assert ends == {OK: 20, "INSUFFICIENT_POINTS": 180}
    assert balance_and_sum(db, talk.asha) == (5, 5)
    assert account_of(db, talk.asha)["messages_sent_today"] == 25
    paid = db.query("select balance_after from private.points_ledger where delta < 0 order by id")
    assert [row["balance_after"] for row in paid] == [45, 35, 25, 15, 5]
    for conversation in talks:
        seqs = db.query(
            "select seq from public.messages where conversation_id = %s order by seq", conversation
        )
        assert [row["seq"] for row in seqs] == list(range(1, len(seqs) + 1))
    sent = "select count(*) from public.messages where sender_id = %s and message ~ '^[0-9]+$'"
    assert db.value(sent, talk.asha) == 20


def test_twenty_sends_at_once_at_nineteen_used_find_one_free_message(
    db: Database, talk: Talk
) -> None:
    set_quota(db, talk.asha, free=20, price=10)
    for number in range(19):
        send(db, talk.asha, talk.id, str(number))

    def play(session: Database, number: int) -> None:
        send(session, talk.asha, talk.id, "now", max_points=0)

    assert play_at_once(db, 10, 20, play) == {OK: 1, "POINTS_LIMIT": 19}


def test_a_repeat_at_once_is_charged_once(db: Database, talk: Talk) -> None:
    set_quota(db, talk.asha, free=0, price=10)
    give_points(db, talk.asha, 100)
    own_id = uuid.uuid4()

    def play(session: Database, number: int) -> None:
        send(session, talk.asha, talk.id, "once", client_message_id=own_id)

    assert play_at_once(db, 8, 24, play) == {OK: 24}
    assert balance_and_sum(db, talk.asha) == (90, 90)


def test_grants_and_sends_at_once_lose_no_point(db: Database, talk: Talk) -> None:
    set_quota(db, talk.asha, free=0, price=1)
    give_points(db, talk.asha, 40)

    def play(session: Database, number: int) -> None:
        if number % 2:
            give_points(session, talk.asha, 3)
        else:
            send(session, talk.asha, talk.id, str(number))

    assert play_at_once(db, 8, 80, play) == {OK: 80}
    assert balance_and_sum(db, talk.asha) == (120, 120)
