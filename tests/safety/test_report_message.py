"""report_message: evidence as the reporter saw it, kept whatever happens to the message."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.chat.scenes import Talk, add_messages, all_messages, everything, open_deal, send
from tests.support.databases import Database
from tests.support.operators import let_expire, set_account, set_setting

REPORTS = "select * from private.reports"


def report(db: Database, user: uuid.UUID, message: Any, reason: Any = "abuse", **more: Any) -> Any:
    with db.signed_in_as(user):
        return db.call("report_message", message_id=message, reason=reason, **more)


def test_a_report_keeps_the_message_and_the_ten_before_it(db: Database, talk: Talk) -> None:
    for number in range(13):
        send(db, (talk.asha, talk.bharat)[number % 2], talk.id, f"message {number}")
    seen = all_messages(db, talk.asha, talk.id)
    bad = seen[-2]
    answer = report(db, talk.asha, bad["id"], details="  he is rude\r\n")
    assert answer.keys() == {"report_id", "created_at"}
    (row,) = db.query(REPORTS)
    assert (str(row["id"]), row["reporter_id"]) == (answer["report_id"], talk.asha)
    assert (str(row["message_id"]), str(row["conversation_id"])) == (bad["id"], talk.id)
    assert (row["reason"], row["details"]) == ("abuse", "he is rude")
    evidence = [(message["seq"], message["message"]) for message in row["evidence"]]
    assert evidence == [(message["seq"], message["message"]) for message in seen[-12:-1]]
    assert len(evidence) == 11


def test_a_repeated_report_is_the_first_one(db: Database, talk: Talk) -> None:
    set_setting(db, "rate_report", {"per_day": 1, "burst": 1})
    bad = send(db, talk.bharat, talk.id, "bad")["id"]
    first = report(db, talk.asha, bad)
    before = everything(db)
    for reason, details in (("abuse", None), ("spam", None), ("abuse", "once more")):
        assert report(db, talk.asha, bad, reason, details=details) == first
    assert everything(db) == before
    # The other side may report it too.
    assert report(db, talk.bharat, bad)["report_id"] != first["report_id"]


def test_the_repeat_of_a_report_is_the_first_one_also_when_the_message_has_expired(
    db: Database, talk: Talk
) -> None:
    bad = send(db, talk.bharat, talk.id, "bad", expiration_hours=1)["id"]
    first = report(db, talk.asha, bad)
    let_expire(db, bad)
    assert report(db, talk.asha, bad) == first
    with db.refused("MESSAGE_NOT_FOUND", 404):
        report(db, talk.bharat, bad)


def test_what_one_cannot_see_one_cannot_report(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    deal = open_deal(db, talk.bharat, talk.asha)
    (hidden,) = add_messages(
        db, deal, [{"sender_id": talk.bharat, "receiver_id": talk.bharat, "visible_to": "sender"}]
    )
    foreign = send(db, talk.asha, talk.id, "not hers")["id"]
    expired = send(db, talk.bharat, talk.id, "gone", expiration_hours=1)["id"]
    let_expire(db, expired)
    before = everything(db)
    answers = []
    for user, message in (
        (talk.chitra, foreign),
        (talk.asha, hidden["id"]),
        (talk.asha, expired),
        (talk.asha, uuid.uuid4()),
        (talk.asha, None),
    ):
        with subtests.test(message=str(message)):
            with db.refused("MESSAGE_NOT_FOUND", 404) as refusal:
                report(db, user, message)
            answers.append(vars(refusal))
    assert all(answer == answers[0] for answer in answers)
    with db.as_anon(), db.refused("42501"):
        db.call("report_message", message_id=foreign, reason="spam")
    assert everything(db) == before


def test_evidence_holds_nothing_that_the_reporter_could_not_see(db: Database, talk: Talk) -> None:
    deal = open_deal(db, talk.bharat, talk.asha)
    add_messages(
        db,
        deal,
        [
            {
                "sender_id": talk.bharat,
                "receiver_id": talk.bharat,
                "visible_to": "sender",
                "message": "his note",
            }
        ],
    )
    gone = send(db, talk.bharat, deal, "long gone", expiration_hours=1)["id"]
    let_expire(db, gone)
    report(db, talk.asha, send(db, talk.bharat, deal, "bad")["id"])
    (row,) = db.query(REPORTS)
    assert [message["message"] for message in row["evidence"]] == ["bad"]


def test_the_evidence_outlives_the_message(db: Database, talk: Talk) -> None:
    bad = send(
        db,
        talk.bharat,
        talk.id,
        "very bad",
        media_url="https://cdn.example.com/bad.jpg",
        expiration_hours=1,
    )["id"]
    report(db, talk.asha, bad, "nudity")
    let_expire(db, bad, days_ago=31)
    set_account(db, talk.bharat, cleaned_at="-infinity")
    with db.signed_in_as(talk.bharat):
        assert db.call("login_cleanup")["scrubbed"] == 1
    (row,) = db.query(REPORTS)
    assert row["evidence"][-1]["message"] == "very bad"
    assert row["evidence"][-1]["media_url"] == "https://cdn.example.com/bad.jpg"
    # And nobody but operators reads it.
    for user in (talk.asha, talk.bharat):
        with db.signed_in_as(user), db.refused("42501"):
            db.select(REPORTS)


def test_a_report_says_why_in_a_few_words(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    bad = send(db, talk.bharat, talk.id, "bad")["id"]
    before = everything(db)
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("reason", "one_of", {"reason": "boring"}),
        ("reason", "one_of", {"reason": None}),
        ("details", "length", {"details": "a" * 1001}),
        ("details", "control_characters", {"details": "a\u0007b"}),
    ]
    for field, rule, arguments in cases:
        with (
            subtests.test(rule=rule),
            db.refused("INPUT_INVALID", 422, details={"field": field, "rule": rule}),
        ):
            report(db, talk.asha, bad, **arguments)
    assert everything(db) == before
    report(db, talk.asha, bad, details="a" * 1000)


def test_a_report_is_told_to_nobody(db: Database, talk: Talk) -> None:
    bad = send(db, talk.bharat, talk.id, "bad")["id"]
    db.query("delete from realtime.messages")
    report(db, talk.asha, bad)
    assert db.query("select topic from realtime.messages") == []
