"""Messages carry files: each is looked at, belongs to one message, and is told of by its name."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.chat.scenes import Talk, broadcasts, context_of, send
from tests.files.scenes import describe, new_path, remove, sees, upload
from tests.support.databases import PATIENCE, Database
from tests.support.operators import set_setting


def test_a_message_with_files_needs_no_text_and_shows_them_everywhere(
    db: Database, talk: Talk
) -> None:
    files = [
        upload(db, talk.asha, talk.id, name="tea.png", width=640, height=480),
        upload(db, talk.asha, talk.id, name="brief.pdf", media_type="application/pdf", size=99),
    ]
    sent = send(db, talk.asha, talk.id, "", attachments=files)
    assert sent["message"] == ""
    assert sent["attachments"] == files
    with db.signed_in_as(talk.bharat):
        (read,) = db.call("get_messages", conversation_id=talk.id, page_size=1)
        (synced,) = db.call("sync", known={talk.id: 1})["messages"]
        (found,) = db.call("search_messages", query="BRIEF")
        assert db.select("select attachments from public.messages where seq = 2") == [
            {"attachments": files}
        ]
    assert read == sent
    assert synced["attachments"] == found["attachments"] == files
    told = broadcasts(db, "new_message")[-1]
    assert told["payload"]["message"]["id"] == sent["id"]
    assert told["payload"]["message"] == sent
    shown = context_of(db, talk.bharat, talk.id)["last_message"]
    assert shown["attachment_names"] == ["tea.png", "brief.pdf"]


def test_a_message_without_files_says_so(db: Database, talk: Talk) -> None:
    nothing: tuple[Any, ...] = (None, [])
    for none in nothing:
        assert send(db, talk.asha, talk.id, "hi", attachments=none)["attachments"] is None
        with db.refused("MESSAGE_EMPTY", 422):
            send(db, talk.asha, talk.id, " ", attachments=none)


def test_of_a_message_that_disappears_nothing_is_told(db: Database, talk: Talk) -> None:
    name = f"{uuid.uuid4().hex}.png"
    file = upload(db, talk.asha, talk.id, name=name)
    sent = send(db, talk.asha, talk.id, "", attachments=[file], expiration_hours=1)
    assert sent["attachments"] == [file]
    told = broadcasts(db, "new_message")[-1]
    assert told["payload"]["message"]["id"] == sent["id"]
    assert "attachments" not in told["payload"]["message"]
    assert file["path"] not in json.dumps(told["payload"])
    with db.signed_in_as(talk.bharat):
        assert db.call("search_messages", query=name) == []
    assert context_of(db, talk.bharat, talk.id)["last_message"]["attachment_names"] is None


def test_a_name_is_a_text_in_one_line(db: Database, talk: Talk) -> None:
    file = upload(db, talk.asha, talk.id)
    file["name"] = " Cafe\u0301 \u202egnp.exe\u202c "
    sent = send(db, talk.asha, talk.id, "", attachments=[file])
    assert sent["attachments"][0]["name"] == "Caf\u00e9 gnp.exe"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"name": ""}, "name"),
        ({"name": "\u200b"}, "name"),
        ({"name": "a/b.png"}, "name"),
        ({"name": "a\\b.png"}, "name"),
        ({"name": ".."}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\u2028b"}, "name"),
        ({"name": "a" * 201}, "length"),
        ({"name": "a\u0007"}, "control_characters"),
        ({"name": "e" + "\u0301" * 33}, "combining_marks"),
        ({"name": 5}, "item"),
        ({"extra": 1}, "item"),
        ({"path": None}, "path"),
        ({"path": "x"}, "path"),
        ({"media_type": "image"}, "media_type"),
        ({"media_type": None}, "media_type"),
        ({"size": -1}, "size"),
        ({"size": 1.5}, "size"),
        ({"size": "1234"}, "size"),
        ({"size": None}, "size"),
        ({"size": [1234]}, "size"),
        ({"width": 5}, "dimensions"),
        ({"width": 0, "height": 5}, "dimensions"),
        ({"width": 1e6, "height": 5}, "dimensions"),
        ({"width": "5", "height": 5}, "dimensions"),
        ({"width": [5], "height": 5}, "dimensions"),
        ({"width": [], "height": 5}, "dimensions"),
    ],
)
def test_a_file_that_is_described_badly_is_refused(
    db: Database, talk: Talk, change: dict[str, Any], rule: str
) -> None:
    file = describe(new_path(talk.asha, talk.id)) | change
    with db.refused("INPUT_INVALID", 422, details={"field": "attachments", "rule": rule}):
        send(db, talk.asha, talk.id, "hi", attachments=[file])


def test_a_list_is_a_list_of_ten_different_files(db: Database, talk: Talk) -> None:
    file = describe(new_path(talk.asha, talk.id))
    for given, rule in (
        ({"a": 1}, "list"),
        (["a"], "item"),
        ([file, file], "twice"),
        ([file] * 11, "max_items"),
        ([{**file, "name": "a" * 33000}], "size"),
        ([describe(new_path(talk.bharat, talk.id))], "path"),
        ([describe(new_path(talk.asha, str(uuid.uuid4())))], "path"),
    ):
        with db.refused("INPUT_INVALID", 422, details={"field": "attachments", "rule": rule}):
            send(db, talk.asha, talk.id, "hi", attachments=given)
    files = [upload(db, talk.asha, talk.id, size=5) | {"size": 5.0} for _ in range(10)]
    assert len(send(db, talk.asha, talk.id, "", attachments=files)["attachments"]) == 10


def test_a_file_must_be_there_as_it_is_described(db: Database, talk: Talk) -> None:
    file = upload(db, talk.asha, talk.id)
    for given, rule in (
        (describe(new_path(talk.asha, talk.id)), "not_found"),
        ({**file, "size": 1235}, "size"),
        ({**file, "media_type": "image/jpeg"}, "media_type"),
    ):
        refused = {"path": given["path"], "rule": rule}
        with db.refused("MEDIA_INVALID", 422, details=refused):
            send(db, talk.asha, talk.id, "hi", attachments=[given])
    # Storage looks at neither for some uploads.
    large = upload(db, talk.asha, talk.id, size=10485761)
    page = upload(db, talk.asha, talk.id, media_type="text/html")
    for given, rule in ((large, "size"), (page, "media_type")):
        with db.refused("MEDIA_INVALID", 422, details={"rule": rule}):
            send(db, talk.asha, talk.id, "hi", attachments=[given])
    # The owner that Storage wrote down counts.
    db.query("update storage.objects set owner_id = %s", str(talk.bharat))
    with db.refused("MEDIA_INVALID", 422, details={"rule": "not_found"}):
        send(db, talk.asha, talk.id, "hi", attachments=[file])
    db.query("update storage.objects set owner_id = %s", str(talk.asha))
    send(db, talk.asha, talk.id, "hi", attachments=[file])


def test_a_file_belongs_to_one_message(db: Database, talk: Talk) -> None:
    file = upload(db, talk.asha, talk.id)
    send(db, talk.asha, talk.id, "", attachments=[file])
    with db.refused("MEDIA_INVALID", 422, details={"rule": "already_sent"}):
        send(db, talk.asha, talk.id, "again", attachments=[file])
    assert db.value("select count(*) from public.messages where attachments is not null") == 1


def test_a_repeat_is_the_first_send(db: Database, talk: Talk) -> None:
    file, other = upload(db, talk.asha, talk.id), upload(db, talk.asha, talk.id)
    given = {"attachments": [file], "client_message_id": str(uuid.uuid4())}
    assert send(db, talk.asha, talk.id, "", **given) == send(db, talk.asha, talk.id, "", **given)
    for otherwise in ([other], None, [{**file, "name": "b"}]):
        with db.refused("IDEMPOTENCY_MISMATCH", 409):
            send(db, talk.asha, talk.id, "x", **{**given, "attachments": otherwise})


def test_of_two_sends_of_one_file_at_once_one_has_it(db: Database, talk: Talk) -> None:
    send(db, talk.bharat, talk.id, "hello")
    file = upload(db, talk.asha, talk.id)
    given = {"conversation_id": talk.id, "attachments": [file]}
    other = db.session()
    with db.signed_in_as(talk.asha), other.signed_in_as(talk.asha):
        with db.transaction():
            db.call("send_message", **given)
            waiting = other.start("send_message", **given)
            db.wait_until_blocked(other)
        with db.refused("MEDIA_INVALID", 422, details={"rule": "already_sent"}):
            waiting.result(PATIENCE)


def test_a_send_waits_for_a_deletion_of_the_file(db: Database, talk: Talk) -> None:
    file = upload(db, talk.asha, talk.id)
    other = db.session()
    with db.signed_in_as(talk.asha), other.signed_in_as(talk.asha):
        with db.transaction():
            assert remove(db, talk.asha, file["path"]) == 1
            waiting = other.start("send_message", conversation_id=talk.id, attachments=[file])
            db.wait_until_blocked(other)
        with db.refused("MEDIA_INVALID", 422, details={"rule": "not_found"}):
            waiting.result(PATIENCE)


def test_a_send_does_not_wait_for_what_storage_deletes(db: Database, talk: Talk) -> None:
    """Storage deletes many at once in an order of its own: each could wait for the other."""
    file = upload(db, talk.asha, talk.id)
    db.query("update private.files set dropped_at = now()")
    other = db.session()
    with other.as_service(), other.transaction(), db.signed_in_as(talk.asha):
        other.select("select set_config('storage.allow_delete_query', 'true', true)")
        other.select("delete from storage.objects where name = %s", file["path"])
        with db.refused("MEDIA_INVALID", 422, details={"rule": "not_found"}):
            db.call("send_message", conversation_id=talk.id, attachments=[file])


def test_a_file_that_is_being_sent_is_not_swept(db: Database, talk: Talk) -> None:
    file = upload(db, talk.asha, talk.id)
    db.query("update private.files set created_at = now() - interval '2 days'")
    other = db.session()
    with db.signed_in_as(talk.asha), other.as_service(), db.transaction():
        db.call("send_message", conversation_id=talk.id, attachments=[file])
        assert other.call("take_file_deletions") == []
    assert sees(db, talk.bharat, file["path"])


def test_the_types_are_a_setting(db: Database, talk: Talk) -> None:
    set_setting(db, "attachment_types", ["application/pdf"])
    bucket = "select allowed_mime_types from storage.buckets where id = 'attachments'"
    assert db.value(bucket) == ["application/pdf"]
    file = upload(db, talk.asha, talk.id)
    with db.refused("MEDIA_INVALID", 422, details={"rule": "media_type"}):
        send(db, talk.asha, talk.id, "", attachments=[file])
    for wrong in (["image/svg+xml"], ["text/html"], ["image/*"], []):
        with db.refused("23514"):
            set_setting(db, "attachment_types", wrong)


def test_two_tries_of_one_message_at_once_are_one(db: Database, talk: Talk) -> None:
    file = upload(db, talk.asha, talk.id)
    given = {"attachments": [file], "client_message_id": str(uuid.uuid4())}
    given["conversation_id"] = talk.id
    other = db.session()
    with db.signed_in_as(talk.asha), other.signed_in_as(talk.asha):
        with db.transaction():
            first = db.call("send_message", **given)
            waiting = other.start("send_message", **given)
            db.wait_until_blocked(other)
        assert waiting.result(PATIENCE)["message"] == first["message"]
