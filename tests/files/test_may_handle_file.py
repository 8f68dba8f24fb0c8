"""Who may upload, read and delete a file, at every moment of its life."""

from __future__ import annotations

import uuid

import pytest

from tests.chat.scenes import Talk, block, open_deal, send
from tests.files.scenes import INSERT, new_path, remove, sees, upload
from tests.support.databases import Database
from tests.support.operators import let_expire


def test_a_file_is_its_uploaders_until_it_is_sent_and_then_both_members(
    db: Database, talk: Talk
) -> None:
    file = upload(db, talk.asha, talk.id)
    assert sees(db, talk.asha, file["path"])
    assert not sees(db, talk.bharat, file["path"])
    send(db, talk.asha, talk.id, "", attachments=[file])
    assert [sees(db, user, file["path"]) for user in (talk.asha, talk.bharat, talk.chitra)] == [
        True, True, False,
    ]  # fmt: skip
    with db.as_anon():
        assert db.select("select 1 as one from storage.objects") == []


def test_a_file_of_a_message_that_expired_is_for_nobody(db: Database, talk: Talk) -> None:
    file = upload(db, talk.asha, talk.id)
    sent = send(db, talk.asha, talk.id, "", attachments=[file], expiration_hours=1)
    assert sees(db, talk.asha, file["path"])
    assert sees(db, talk.bharat, file["path"])
    let_expire(db, sent["id"])
    assert not sees(db, talk.asha, file["path"])
    assert not sees(db, talk.bharat, file["path"])


def test_across_a_block_what_was_sent_is_read_and_nothing_is_uploaded(
    db: Database, talk: Talk
) -> None:
    file = upload(db, talk.asha, talk.id)
    unsent = upload(db, talk.asha, talk.id)
    send(db, talk.asha, talk.id, "look", attachments=[file])
    block(db, talk.bharat, talk.asha)
    # As the message that carries it, which stays where it is.
    assert sees(db, talk.bharat, file["path"])
    for user in (talk.asha, talk.bharat):
        with db.refused("42501"):
            upload(db, user, talk.id)
    with db.refused("BLOCKED", 403):
        send(db, talk.asha, talk.id, "", attachments=[unsent])


def test_a_deleted_login_reads_and_uploads_nothing(db: Database, talk: Talk) -> None:
    file = upload(db, talk.bharat, talk.id)
    other = upload(db, talk.asha, talk.id)
    send(db, talk.asha, talk.id, "", attachments=[other])
    assert sees(db, talk.bharat, file["path"])
    with db.signed_in_as(talk.bharat):
        db.call("delete_my_account")
    assert not sees(db, talk.bharat, file["path"])
    assert not sees(db, talk.bharat, other["path"])
    for user in (talk.asha, talk.bharat):
        with db.refused("42501"):
            upload(db, user, talk.id)


@pytest.mark.parametrize(
    "name",
    [
        "", "a", "a/b/c.png", "/", "{talk}/{me}/", "{talk}/{me}/a.png", "{talk}/{me}/{new}",
        "{talk}/{me}/{new}.", "{talk}/{me}/{new}.PNG", "{talk}/{me}/{new}.png/x",
        "{talk}/{me}/../{new}.png", "{talk}//{new}.png", "/{talk}/{me}/{new}.png",
        "{talk}/{other}/{new}.png", "{new}/{me}/{new}.png", "{TALK}/{me}/{new}.png",
        "{talk}/{me}/{new}.png\n", "null/{me}/{new}.png", "{talk}/{me}/{new}.abcdefghijk",
    ],
)  # fmt: skip
def test_a_name_of_another_form_is_refused_like_any_upload(
    db: Database, talk: Talk, name: str
) -> None:
    path = name.format(
        talk=talk.id, me=talk.asha, other=talk.bharat, new=uuid.uuid4(), TALK=talk.id.upper()
    )
    with db.refused("42501"):
        upload(db, talk.asha, talk.id, path=path)
    # Nor does reading or deleting by it raise anything.
    assert not sees(db, talk.asha, path)
    assert remove(db, talk.asha, path) == 0


def test_only_members_upload_and_into_the_bucket_alone(db: Database, talk: Talk) -> None:
    with db.refused("42501"):
        upload(db, talk.chitra, talk.id)
    db.query("insert into storage.buckets (id, name) values ('others', 'others')")
    with db.refused("42501"):
        upload(db, talk.asha, talk.id, bucket="others")
    with db.as_anon(), db.refused("42501"):
        path = new_path(talk.asha, talk.id)
        db.select(INSERT, "attachments", path, None, None, '{"contentLength": 1}')


def test_a_deal_takes_files_where_it_takes_words(db: Database, talk: Talk) -> None:
    opened = open_deal(db, talk.bharat, talk.asha)
    assert sees(db, talk.asha, upload(db, talk.asha, opened)["path"])
    asked = open_deal(db, talk.bharat, talk.asha, flow_state="influencer_responding",
                      awaiting_role="influencer")  # fmt: skip
    with db.refused("42501"):
        upload(db, talk.asha, asked)
    closed = open_deal(db, talk.bharat, talk.asha, flow_state="chat_closed")
    with db.refused("42501"):
        upload(db, talk.asha, closed)


def test_an_upload_says_its_length_and_is_no_signed_one(db: Database, talk: Talk) -> None:
    with db.refused("42501"):
        upload(db, talk.asha, talk.id, length=None)
    with db.signed_in_as(talk.asha), db.transaction():
        db.select("select set_config('storage.operation', 'storage.object.upload', true)")
        upload(db, talk.asha, talk.id)
        db.select("select set_config('storage.operation', 'storage.object.sign_upload_url', true)")
        with db.refused("42501"):
            upload(db, talk.asha, talk.id)


def test_thirty_files_wait_to_be_sent_at_most(db: Database, talk: Talk) -> None:
    files = [upload(db, talk.asha, talk.id) for _ in range(30)]
    with db.refused("42501"):
        upload(db, talk.asha, talk.id)
    upload(db, talk.bharat, talk.id)
    send(db, talk.asha, talk.id, "", attachments=files[:1])
    upload(db, talk.asha, talk.id)


def test_an_unsent_file_is_deleted_by_its_uploader_alone(db: Database, talk: Talk) -> None:
    file = upload(db, talk.asha, talk.id)
    assert remove(db, talk.bharat, file["path"]) == 0
    assert remove(db, talk.chitra, file["path"]) == 0
    assert remove(db, talk.asha, file["path"]) == 1
    assert db.value("select count(*) from private.files") == 0
    with db.refused("MEDIA_INVALID", 422, details={"rule": "not_found"}):
        send(db, talk.asha, talk.id, "", attachments=[file])


def test_a_sent_file_is_deleted_by_nobody(db: Database, talk: Talk) -> None:
    file = upload(db, talk.asha, talk.id)
    send(db, talk.asha, talk.id, "", attachments=[file])
    assert remove(db, talk.asha, file["path"]) == 0
    assert sees(db, talk.bharat, file["path"])
    with db.as_service(), db.transaction(), db.refused("42501"):
        db.select("select set_config('storage.allow_delete_query', 'true', true)")
        db.select("delete from storage.objects where name = %s", file["path"])


def test_nobody_changes_a_file(db: Database, talk: Talk) -> None:
    """Not its uploader, and once it is sent nor an upload that began before."""
    file = upload(db, talk.asha, talk.id)
    change = "update storage.objects set version = '2' where name = %s returning 1 as one"
    with db.signed_in_as(talk.asha):
        assert db.select(change, file["path"]) == []
    with db.as_service():
        assert db.select(change, file["path"]) == [{"one": 1}]
        with db.refused("42501"):
            db.select("update storage.objects set name = name || 'x'")
    send(db, talk.asha, talk.id, "", attachments=[file])
    with db.as_service(), db.refused("42501"):
        db.select(change, file["path"])
    # A repeat of the upload hears that the file is there.
    with db.refused("23505"):
        upload(db, talk.asha, talk.id, path=file["path"])


def test_a_file_that_operators_move_in_is_kept_like_an_upload(db: Database, talk: Talk) -> None:
    db.query("insert into storage.buckets (id, name) values ('others', 'others')")
    path = new_path(talk.asha, talk.id)
    db.query(INSERT, "others", path, talk.asha, str(talk.asha), "{}")
    with db.as_service():
        db.select("update storage.objects set bucket_id = 'attachments' where name = %s", path)
    assert sees(db, talk.asha, path)
    assert not sees(db, talk.bharat, path)
    assert db.value("select count(*) from private.files") == 1


def test_a_list_does_not_look_into_strangers_files(db: Database, talk: Talk) -> None:
    """However many there are, so that nobody keeps the database busy by listing the bucket."""
    file = upload(db, talk.asha, talk.id)
    strangers = 300
    db.query(
        """
        insert into storage.objects (bucket_id, name, version)
        select
          'attachments',
          format('%%s/%%s/%%s.png', gen_random_uuid(), gen_random_uuid(), gen_random_uuid()), '1'
        from generate_series(1, %s)
        """,
        strangers,
    )
    listed = "select name from storage.objects where bucket_id = 'attachments'"
    with db.signed_in_as(talk.asha):
        assert db.select(listed) == [{"name": file["path"]}]
        ((read,),) = (
            row["QUERY PLAN"]
            for row in db.select("explain (analyze, buffers, format json) " + listed)
        )
    assert read["Plan"]["Shared Hit Blocks"] + read["Plan"]["Shared Read Blocks"] < strangers
