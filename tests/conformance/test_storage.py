"""The Storage API of the local stack answers as a real Supabase Storage did."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from starlette.types import ASGIApp

from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.config import DEMO_JWT_SECRET, Settings
from scripts.dev.local_supabase.gateway import Gateway
from scripts.dev.local_supabase.storage import open_storage
from tests.conformance.storage.replay import HERE, load_goldens, replay
from tests.support.serving import served_in_a_thread
from tests.support.stacks import Cluster, free_port

DATABASE = "storage_goldens"
GOLDENS = load_goldens()
# Resumable uploads (40 recordings) are not here at all: they answer 501, see below.
LEFT_OUT = {"misc/outside": "The gateway's own sentence, which names what it serves."}
COUNTS = {
    "bucket": 46, "cache": 10, "copy": 14, "delete": 23, "download": 31, "info": 17, "list": 32,
    "list2": 7, "misc": 12, "move": 12, "name": 99, "range": 14, "sign": 36, "signup": 20,
    "trouble": 17, "upload": 76,
}  # fmt: skip


@asynccontextmanager
async def behind_the_gateway(settings: Settings) -> AsyncIterator[ASGIApp]:
    """The Storage app alone."""
    async with open_storage(settings) as app:
        yield Gateway(settings, {"storage": app})


@pytest.fixture(scope="module")
def port(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The Storage API over a database with the recordings' buckets and policies."""
    postgres.create_database(cluster.port, DATABASE)
    postgres.bootstrap(cluster.port, DATABASE)
    with psycopg.connect(cluster.dsn("postgres", DATABASE)) as connection:
        connection.execute((HERE / "fixture.sql").read_bytes())
    folder = tmp_path_factory.mktemp("storage")
    settings = Settings(folder, port=free_port(), db_port=cluster.port, db_name=DATABASE)
    with served_in_a_thread(behind_the_gateway(settings), settings.port):
        yield settings.port
    postgres.drop_database(cluster.port, DATABASE)
    # No name of a client's became a path: every file is one that we named.
    names = {path.name for path in Path(folder).rglob("*") if path.is_file()}
    assert all(len(name) == 36 and name.count("-") == 4 for name in names)


@pytest.fixture(scope="module")
def replayed(port: int) -> dict[str, list[str]]:
    """How each answer differs, by id. All are sent in order: later ones use what earlier made."""
    return replay(port, DEMO_JWT_SECRET, GOLDENS)


@pytest.mark.parametrize(
    "name", [golden["id"] for golden in GOLDENS if golden["id"] not in LEFT_OUT]
)
def test_the_answer_is_the_recorded_one(replayed: dict[str, list[str]], name: str) -> None:
    assert replayed[name] == []


def test_every_group_has_all_its_recordings() -> None:
    assert Counter(golden["group"] for golden in GOLDENS) == COUNTS


@pytest.mark.parametrize("method", ["POST", "PATCH", "HEAD", "DELETE"])
def test_a_resumable_upload_answers_501_with_a_sentence(port: int, method: str) -> None:
    answer = httpx.request(method, f"http://127.0.0.1:{port}/storage/v1/upload/resumable/x")
    assert answer.status_code == 501
    if method != "HEAD":
        said: dict[str, Any] = answer.json()
        assert "/upload/resumable/x of Storage" in said["message"]
