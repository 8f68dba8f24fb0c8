"""What the tests of files arrange: rows of storage.objects, as Supabase Storage writes them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.support.databases import Database

Attachment = dict[str, Any]

INSERT = """
insert into storage.objects (bucket_id, name, owner, owner_id, version, metadata)
values (%s, %s, %s, %s, '1', %s)
"""


def new_path(user: Any, conversation: str, ending: str = "png") -> str:
    """A name for a new file of the user."""
    return f"{conversation}/{user}/{uuid.uuid4()}.{ending}"


def describe(path: str, **more: Any) -> Attachment:
    """What a client says of a file that it has uploaded."""
    usual = {"name": "tea house.png", "media_type": "image/png", "size": 1234}
    return {"path": path, **usual, "width": None, "height": None, **more}


def upload(
    db: Database,
    user: uuid.UUID,
    conversation: str,
    *,
    path: str | None = None,
    bucket: str = "attachments",
    length: int | None = 1234,
    **more: Any,
) -> Attachment:
    """The user's new file: the policies are asked as Storage asks them, then the row stays."""
    told = describe(new_path(user, conversation) if path is None else path, **more)
    metadata = {"mimetype": told["media_type"], "size": told["size"], "contentLength": length}
    with db.signed_in_as(user):
        db.select(INSERT, bucket, told["path"], user, str(user), json.dumps(metadata))
    return told


def sees(db: Database, user: uuid.UUID, path: str) -> bool:
    """Whether the user may download the file."""
    with db.signed_in_as(user):
        return bool(db.select("select 1 as one from storage.objects where name = %s", path))


def remove(db: Database, user: uuid.UUID, *paths: str) -> int:
    """How many of the files Storage deletes for the user."""
    with db.signed_in_as(user), db.transaction():
        db.select("select set_config('storage.allow_delete_query', 'true', true)")
        gone = db.select("delete from storage.objects where name = any(%s) returning 1", [*paths])
    return len(gone)


def delete_due(db: Database) -> int:
    """Let the app and Storage delete what is due; how many files went."""
    with db.as_service():
        paths = db.call("take_file_deletions")
        with db.transaction():
            db.select("select set_config('storage.allow_delete_query', 'true', true)")
            db.select("delete from storage.objects where name = any(%s)", paths)
    return len(paths)


def count_objects(db: Database) -> int:
    """How many files the bucket holds."""
    found: int = db.value("select count(*) from storage.objects where bucket_id = 'attachments'")
    assert found == db.value("select count(*) from private.files"), "a file has no row"
    return found
