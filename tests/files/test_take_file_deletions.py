"""Bytes go when their message does: nothing before its time, and nothing is left after it."""

from __future__ import annotations

import uuid
from typing import Any

from tests.chat.scenes import Talk, let_pass, send
from tests.files.scenes import count_objects, delete_due, sees, upload
from tests.flow.deals import gather_cast, open_play
from tests.flow.rows import INFLUENCER
from tests.support.databases import Database
from tests.support.operators import let_expire


def clean_up(db: Database, user: uuid.UUID) -> Any:
    db.query("update private.accounts set cleaned_at = '-infinity'")
    with db.signed_in_as(user):
        return db.call("login_cleanup")


def test_the_files_of_a_message_that_disappears_go_with_its_text(db: Database, talk: Talk) -> None:
    kept, gone, other = (upload(db, talk.asha, talk.id) for _ in range(3))
    send(db, talk.asha, talk.id, "stays", attachments=[kept])
    sent = send(db, talk.asha, talk.id, "", attachments=[gone, other], expiration_hours=1)
    assert (delete_due(db), count_objects(db)) == (0, 3)
    let_expire(db, sent["id"], days_ago=29.9)
    clean_up(db, talk.bharat)
    assert (delete_due(db), count_objects(db)) == (0, 3)
    let_expire(db, sent["id"], days_ago=30.1)
    assert clean_up(db, talk.bharat)["scrubbed"] == 1
    assert (delete_due(db), count_objects(db)) == (2, 1)
    assert delete_due(db) == 0
    assert sees(db, talk.bharat, kept["path"])


def test_the_operators_sweep_empties_files_too(db: Database, talk: Talk) -> None:
    file = upload(db, talk.asha, talk.id)
    sent = send(db, talk.asha, talk.id, "", attachments=[file], expiration_hours=1)
    let_expire(db, sent["id"], days_ago=31)
    with db.as_service():
        db.call("sweep_due")
    assert (delete_due(db), count_objects(db)) == (1, 0)


def test_a_message_that_is_deleted_takes_its_files_along(db: Database, talk: Talk) -> None:
    file = upload(db, talk.asha, talk.id)
    sent = send(db, talk.asha, talk.id, "", attachments=[file])
    db.query("delete from public.messages where id = %s", sent["id"])
    assert not sees(db, talk.asha, file["path"])
    assert (delete_due(db), count_objects(db)) == (1, 0)


def test_what_nobody_sends_within_a_day_goes(db: Database, talk: Talk) -> None:
    old, new = upload(db, talk.asha, talk.id), upload(db, talk.asha, talk.id)
    age = "update private.files set created_at = now() - %s::interval where path = %s"
    db.query(age, "23 hours 59 minutes", old["path"])
    assert delete_due(db) == 0
    db.query(age, "24 hours 1 minute", old["path"])
    assert (delete_due(db), count_objects(db)) == (1, 1)
    with db.refused("MEDIA_INVALID", 422, details={"rule": "not_found"}):
        send(db, talk.asha, talk.id, "", attachments=[old])
    send(db, talk.asha, talk.id, "", attachments=[new])
    db.query(age, "2 years", new["path"])
    assert delete_due(db) == 0


def test_a_file_that_is_due_is_read_by_nobody_and_sent_with_nothing(
    db: Database, talk: Talk
) -> None:
    file = upload(db, talk.asha, talk.id)
    db.query("update private.files set created_at = now() - interval '2 days'")
    assert sees(db, talk.asha, file["path"])
    with db.as_service():
        assert db.call("take_file_deletions") == [file["path"]]
        # Storage was not reached: it comes again, later.
        assert db.call("take_file_deletions") == []
    assert not sees(db, talk.asha, file["path"])
    with db.refused("MEDIA_INVALID", 422, details={"rule": "not_found"}):
        send(db, talk.asha, talk.id, "", attachments=[file])
    db.query("update private.files set due_at = now()")
    assert (delete_due(db), count_objects(db)) == (1, 0)


def test_a_row_without_an_object_is_forgotten(db: Database, talk: Talk) -> None:
    upload(db, talk.asha, talk.id)
    db.query_as_superuser("truncate storage.objects")
    db.query("update private.files set created_at = now() - interval '2 days'")
    assert delete_due(db) == 0
    assert db.value("select count(*) from private.files") == 0


def test_nothing_goes_under_a_legal_hold(db: Database, talk: Talk) -> None:
    file = upload(db, talk.asha, talk.id)
    sent = send(db, talk.asha, talk.id, "", attachments=[file])
    db.query("insert into private.legal_holds (conversation_id, reason) values (%s, 'x')", talk.id)
    with db.signed_in_as(talk.asha):
        db.call("delete_my_account")
    assert not sees(db, talk.bharat, file["path"])
    assert (delete_due(db), count_objects(db)) == (0, 1)
    assert db.value("select seq from public.messages where id = %s", sent["id"])
    db.query("delete from private.legal_holds")
    assert (delete_due(db), count_objects(db)) == (1, 0)


def test_a_deleted_account_takes_its_files_along_and_leaves_the_work(db: Database) -> None:
    cast = gather_cast(db)
    play = open_play(db, cast, "bid", "work_in_progress")
    work = upload(db, cast.asha, play.id)
    play.call(INFLUENCER, "submit_work", {"deliverables": "film", "attachments": [work]})
    play.call("brand_owner", "approve_work", {})
    sent, unsent, others = (
        upload(db, cast.asha, play.id),
        upload(db, cast.asha, play.id),
        upload(db, cast.bharat, play.id),
    )
    send(db, cast.asha, play.id, "", attachments=[sent])
    send(db, cast.bharat, play.id, "", attachments=[others])
    (payout,) = _as_operator(db, cast.omkar, "list_payouts")
    _as_operator(db, cast.omkar, "mark_payout_paid", payout_id=payout["id"], reference="UTR 1")
    with db.signed_in_as(cast.asha):
        db.call("delete_my_account")
    assert (delete_due(db), count_objects(db)) == (2, 2)
    assert [sees(db, cast.bharat, file["path"]) for file in (work, sent, unsent, others)] == [
        True, False, False, True,
    ]  # fmt: skip


def _as_operator(db: Database, operator: uuid.UUID, function: str, **arguments: Any) -> Any:
    with db.signed_in_as(operator):
        return db.call(function, **arguments)


def test_the_export_lists_files_that_the_user_may_read(db: Database, talk: Talk) -> None:
    unsent, sent, brief = (upload(db, talk.asha, talk.id) for _ in range(3))
    upload(db, talk.bharat, talk.id)
    with_it = send(db, talk.asha, talk.id, "", attachments=[sent])
    expiring = send(db, talk.asha, talk.id, "", attachments=[brief], expiration_hours=1)

    def files() -> dict[str, Any]:
        found: dict[str, Any] = {}
        cursor = "files:"
        with db.signed_in_as(talk.asha):
            while cursor.startswith("files:"):
                page = db.call("export_my_data", cursor=cursor, page_size=1)
                found |= {row["path"]: row for row in page["rows"]}
                cursor = page["next_cursor"]
        return found

    assert files().keys() == {unsent["path"], sent["path"], brief["path"]}
    row = files()[sent["path"]]
    assert (row["message_id"], row["size"], row["media_type"]) == (
        with_it["id"], 1234, "image/png",
    )  # fmt: skip
    let_pass(db, expiring["id"], "2 hours")
    assert files().keys() == {unsent["path"], sent["path"]}


def test_only_the_service_takes_deletions(db: Database, talk: Talk) -> None:
    with db.signed_in_as(talk.asha), db.refused("42501"):
        db.call("take_file_deletions")
