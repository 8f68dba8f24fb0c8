"""Files that have to go: Storage is told as the service, and what fails is tried again later."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.webhooks.support import Answer, FakeSupabase, api_key, settings
from webhooks.config import load_config
from webhooks.database import Database
from webhooks.files import BATCH, Files

PATHS = ["talk/me/a.png", "talk/me/b.png"]
DELETE = "DELETE /storage/v1/object/attachments"


@pytest.fixture
def files(fake: FakeSupabase) -> Iterator[Files]:
    database = Database(load_config(settings(fake.url)))
    yield Files(database)
    database.close()


def test_a_batch_is_deleted_in_one_request_as_the_service(fake: FakeSupabase, files: Files) -> None:
    fake.answers[DELETE] = Answer(200, [{"name": path} for path in PATHS])
    fake.on_rpc("take_file_deletions", body=PATHS)
    (row,) = files.take(1)
    assert files.handle(row) == ("deleted", True)
    assert fake.asked("take_file_deletions") == [{"max_rows": BATCH}]
    (asked,) = (one for one in fake.received if one.method == "DELETE")
    assert json.loads(asked.body) == {"prefixes": PATHS}
    assert asked.headers["authorization"] == f"Bearer {api_key('service_role')}"


def test_nothing_due_is_nothing_asked_of_storage(fake: FakeSupabase, files: Files) -> None:
    assert files.drain() == {}
    assert [one.path for one in fake.received] == ["/rest/v1/rpc/take_file_deletions"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(400, {"statusCode": "403", "error": "Unauthorized", "message": "Access denied"}),
        Answer(502, "bad gateway"),
    ],
)
def test_a_round_ends_when_storage_cannot_be_asked(
    fake: FakeSupabase, files: Files, answer: Answer
) -> None:
    fake.on_rpc("take_file_deletions", body=PATHS)
    fake.answers[DELETE] = answer
    assert files.drain() == {"failed": 1}
    assert len(fake.asked("take_file_deletions")) == 1
