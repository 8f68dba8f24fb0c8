"""grant_points: operators only, once per grant."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from tests.chat.scenes import Talk, broadcasts, everything
from tests.points.purse import balance_and_sum, give_points, quota_of
from tests.support.crowds import OK, play_at_once
from tests.support.databases import PATIENCE, Database, read_refusal


def test_points_are_granted_once_per_grant_id(db: Database, talk: Talk) -> None:
    grant = uuid.uuid4()
    first = give_points(db, talk.asha, 50, grant_id=grant)
    assert first == {
        "id": first["id"],
        "user_id": str(talk.asha),
        "delta": 50,
        "reason": "bought",
        "balance_after": 50,
        "grant_id": str(grant),
        "created_at": first["created_at"],
    }
    give_points(db, talk.asha, 7)
    before = everything(db)
    assert give_points(db, talk.asha, 50, grant_id=grant) == first
    assert everything(db) == before
    assert balance_and_sum(db, talk.asha) == (57, 57)


def test_a_grant_id_stands_for_one_grant(db: Database, talk: Talk) -> None:
    grant = uuid.uuid4()
    give_points(db, talk.asha, 50, grant_id=grant)
    before = everything(db)
    for user, points, reason in (
        (talk.asha, 51, "bought"),
        (talk.bharat, 50, "bought"),
        (talk.asha, 50, "won"),
    ):
        with db.refused("IDEMPOTENCY_MISMATCH", 409):
            give_points(db, user, points, grant_id=grant, reason=reason)
    assert everything(db) == before


def test_one_grant_repeated_at_once_is_one_grant(db: Database, talk: Talk) -> None:
    grant = uuid.uuid4()
    ends = play_at_once(
        db, 8, 16, lambda session, _: give_points(session, talk.asha, 50, grant_id=grant)
    )
    assert ends == {OK: 16}
    assert balance_and_sum(db, talk.asha) == (50, 50)


def test_one_grant_id_for_two_users_at_once_is_a_mismatch(db: Database, talk: Talk) -> None:
    grant = uuid.uuid4()
    arguments = {"points": 50, "reason": "bought", "grant_id": grant}
    other = db.session()
    with db.transaction():
        give_points(db, talk.asha, 50, grant_id=grant)
        with other.as_service():
            waiting = other.start("grant_points", user_id=talk.bharat, **arguments)
        db.wait_until_blocked(other)
    with pytest.raises(psycopg.Error) as caught:
        waiting.result(PATIENCE)
    refusal = read_refusal(caught.value)
    assert (refusal.code, refusal.status) == ("IDEMPOTENCY_MISMATCH", 409)


def test_a_grant_that_waited_for_a_deletion_finds_no_user(db: Database, talk: Talk) -> None:
    other = db.session()
    with psycopg.connect(db.dsn("supabase_auth_admin")) as auth:
        auth.execute("delete from auth.users where id = %s", [talk.asha])
        with other.as_service():
            waiting = other.start(
                "grant_points", user_id=talk.asha, points=5, reason="gift", grant_id=uuid.uuid4()
            )
        db.wait_until_blocked(other)
    with pytest.raises(psycopg.Error) as caught:
        waiting.result(PATIENCE)
    refusal = read_refusal(caught.value)
    assert (refusal.code, refusal.status) == ("USER_NOT_FOUND", 404)


def test_users_grant_nothing_and_operators_may(db: Database, talk: Talk) -> None:
    arguments = {"user_id": talk.asha, "points": 5, "reason": "gift", "grant_id": uuid.uuid4()}
    with db.signed_in_as(talk.asha), db.refused("FORBIDDEN", 403):
        db.call("grant_points", **arguments)
    # What a token says of its owner is no proof.
    boast = {"app_metadata": {"role": "admin"}, "user_metadata": {"role": "admin"}}
    with db.signed_in_as(talk.asha, **boast), db.refused("FORBIDDEN", 403):
        db.call("grant_points", **arguments)
    with db.as_anon(), db.refused("42501"):
        db.call("grant_points", **arguments)
    assert balance_and_sum(db, talk.asha) == (0, 0)
    db.query("insert into private.admins (user_id) values (%s)", talk.chitra)
    with db.signed_in_as(talk.chitra):
        assert db.call("grant_points", **arguments)["balance_after"] == 5


def test_a_grant_that_makes_no_sense_is_refused(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    for points in (0, -1, 1_000_000_001, None):
        with subtests.test(points=points):
            details = {"field": "points", "rule": "range"}
            with db.refused("INPUT_INVALID", 422, details=details):
                give_points(db, talk.asha, points)  # type: ignore[arg-type]
    with db.refused("INPUT_INVALID", 422, details={"field": "grant_id", "rule": "required"}):
        give_points(db, talk.asha, 1, grant_id=None)
    with db.refused("USER_NOT_FOUND", 404):
        give_points(db, uuid.uuid4(), 1)
    with db.refused("USER_NOT_FOUND", 404):
        give_points(db, uuid.UUID(int=0), 1)
    anonymous = db.query_as_superuser(
        "insert into auth.users (id, aud, role, is_anonymous) "
        "values (gen_random_uuid(), 'authenticated', 'authenticated', true) returning id"
    )[0]["id"]
    with db.refused("USER_NOT_FOUND", 404):
        give_points(db, anonymous, 1)
    assert db.query("select from private.points_ledger") == []


def test_a_reason_is_cleaned_like_every_text_that_others_write_to_a_user(
    db: Database, talk: Talk
) -> None:
    assert give_points(db, talk.asha, 5, reason=" a gift\u202e ")["reason"] == "a gift"
    assert give_points(db, talk.asha, 5, reason="\u202e")["reason"] == "grant"
    for reason, rule in (("gift\u0007", "control_characters"), ("g" * 201, "length")):
        with db.refused("INPUT_INVALID", 422, details={"field": "reason", "rule": rule}):
            give_points(db, talk.asha, 5, reason=reason)


def test_the_largest_grants_add_up(db: Database, talk: Talk) -> None:
    for _ in range(3):
        give_points(db, talk.asha, 1_000_000_000)
    assert quota_of(db, talk.asha)["points_balance"] == 3_000_000_000
    assert balance_and_sum(db, talk.asha) == (3_000_000_000, 3_000_000_000)


def test_a_grant_is_told_to_its_user_alone(db: Database, talk: Talk) -> None:
    db.query("delete from realtime.messages")
    give_points(db, talk.asha, 50)
    (told,) = broadcasts(db, "quota_changed")
    assert (told["topic"], told["private"]) == (f"user:{talk.asha}", True)
    assert told["payload"] == quota_of(db, talk.asha)
