"""Storage through both SDKs: what each gives, and how a refusal looks in it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psycopg
import pytest
from psycopg import sql
from storage3.exceptions import StorageApiError
from storage3.types import FileOptions
from supabase import Client, ClientOptions, create_client

from tests.end_to_end.people import PASSWORD, make_user, service_headers
from tests.support.node import run_node_tests
from tests.support.stacks import Stack

TEXT: FileOptions = {"content-type": "text/plain"}
# What a migration of a project would say: everybody has a folder of their own.
POLICIES = """
create policy {insert} on storage.objects for insert to authenticated with check (
  bucket_id = {bucket} and (storage.foldername(name))[1] = (select auth.uid())::text
);
create policy {select} on storage.objects for select to authenticated using (
  bucket_id = {bucket} and owner_id = (select auth.uid())::text
);
create policy {update} on storage.objects for update to authenticated using (
  bucket_id = {bucket} and owner_id = (select auth.uid())::text
);
create policy {delete} on storage.objects for delete to authenticated using (
  bucket_id = {bucket} and owner_id = (select auth.uid())::text
);
insert into storage.buckets (id, name, file_size_limit, allowed_mime_types)
values ({bucket}, {bucket}, 1000, array['text/plain', 'image/*'])
"""


@pytest.fixture(scope="module")
def bucket(stack: Stack) -> Iterator[str]:
    """A private bucket of 1000 bytes a file, in which everybody has a folder."""
    name = f"notes-{uuid.uuid4().hex}"
    commands = ("insert", "select", "update", "delete")
    policies = {command: sql.Identifier(f"{name} {command}") for command in commands}
    with psycopg.connect(stack.db_url, autocommit=True) as connection:
        connection.execute(sql.SQL(POLICIES).format(bucket=sql.Literal(name), **policies))
        yield name
        for policy in policies.values():
            connection.execute(sql.SQL("drop policy {} on storage.objects").format(policy))
    url, headers = f"{stack.api_url}/storage/v1/bucket/{name}", service_headers(stack)
    assert httpx.post(f"{url}/empty", headers=headers).status_code == 200
    assert httpx.delete(url, headers=headers).status_code == 200


@dataclass(frozen=True)
class Person:
    """A signed-in client and its folder."""

    client: Client
    id: str

    def name(self, file: str) -> str:
        """A file of the person's folder."""
        return f"{self.id}/{file}"


@pytest.fixture
def people(stack: Stack) -> Iterator[tuple[Person, Person]]:
    """Asha, and Chitra, who is a stranger."""
    with httpx.Client(timeout=20) as http:
        everyone = []
        for _ in range(2):
            options = ClientOptions(httpx_client=http, auto_refresh_token=False)
            client = create_client(stack.api_url, stack.anon_key, options)
            credentials = {"email": make_user(stack), "password": PASSWORD}
            answer = client.auth.sign_in_with_password(credentials)  # type: ignore[arg-type]
            assert answer.user is not None
            everyone.append(Person(client, answer.user.id))
        asha, chitra = everyone
        yield asha, chitra


@contextmanager
def refused(status: str, code: str, message: str) -> Iterator[None]:
    with pytest.raises(StorageApiError) as error:
        yield
    assert (error.value.status, error.value.code, error.value.message) == (status, code, message)


def test_a_file_goes_up_is_seen_and_goes_away(people: tuple[Person, Person], bucket: str) -> None:
    asha, _ = people
    files, name = asha.client.storage.from_(bucket), asha.name("a photo (1).png")
    done = files.upload(name, b"PNG", {"content-type": "image/png", "cache-control": "60"})
    assert (done.path, done.full_path) == (name, f"{bucket}/{name}")
    assert files.download(name) == b"PNG"
    assert files.exists(name)
    known = files.info(name)
    assert (known["size"], known["content_type"]) == (3, "image/png")
    (listed,) = files.list(asha.id)
    assert (listed["name"], listed["metadata"]["mimetype"]) == ("a photo (1).png", "image/png")

    files.update(name, b"PNG2", {"content-type": "image/png"})
    assert files.download(name) == b"PNG2"
    files.move(name, asha.name("moved.png"))
    files.copy(asha.name("moved.png"), asha.name("copied.png"))
    assert files.download(asha.name("copied.png")) == b"PNG2"
    removed = files.remove([asha.name("moved.png"), asha.name("copied.png"), asha.name("none.png")])
    assert {row["name"] for row in removed} == {asha.name("moved.png"), asha.name("copied.png")}
    assert files.list(asha.id) == []
    assert not files.exists(name)


def test_an_address_is_signed_for_whoever_holds_it(
    people: tuple[Person, Person], bucket: str
) -> None:
    asha, chitra = people
    files, name = asha.client.storage.from_(bucket), asha.name("note.txt")
    files.upload(name, b"hello", {"content-type": "text/plain"})
    signed = files.create_signed_url(name, 60, {"download": "my note.txt"})
    answer = httpx.get(str(signed["signedURL"]))
    assert (answer.status_code, answer.content) == (200, b"hello")
    assert answer.headers["content-disposition"].startswith("attachment; filename=my%20note.txt")
    many = files.create_signed_urls([name, asha.name("none.txt")], 60)
    assert [bool(one["error"]) for one in many] == [False, True]

    upload = files.create_signed_upload_url(asha.name("later.txt"))
    stranger = chitra.client.storage.from_(bucket)
    stranger.upload_to_signed_url(upload["path"], upload["token"], b"by a stranger", TEXT)
    assert files.download(asha.name("later.txt")) == b"by a stranger"
    with refused("409", "Duplicate", "The resource already exists"):
        stranger.upload_to_signed_url(upload["path"], upload["token"], b"again", TEXT)


def test_a_refusal_says_what_is_wrong(people: tuple[Person, Person], bucket: str) -> None:
    asha, chitra = people
    files, name = asha.client.storage.from_(bucket), asha.name("mine.txt")
    files.upload(name, b"mine", TEXT)
    with refused("409", "Duplicate", "The resource already exists"):
        files.upload(name, b"again", TEXT)
    with refused("415", "invalid_mime_type", "mime type text/html is not supported"):
        files.upload(asha.name("x.html"), b"<b>", {"content-type": "text/html"})
    too_large = "The object exceeded the maximum allowed size"
    with refused("413", "Payload too large", too_large):
        files.upload(asha.name("big.txt"), b"x" * 1001, TEXT)
    with refused("400", "InvalidKey", f"Invalid key: {asha.name('ü.txt')}"):
        files.upload(asha.name("ü.txt"), b"x", TEXT)

    stranger = chitra.client.storage.from_(bucket)
    with refused("403", "Unauthorized", "new row violates row-level security policy"):
        stranger.upload(asha.name("hers.txt"), b"x", TEXT)
    with refused("404", "not_found", "Object not found"):
        stranger.download(name)
    assert not stranger.exists(name)
    assert stranger.list(asha.id) == []
    assert stranger.remove([name]) == []
    assert files.download(name) == b"mine"


def test_supabase_js_does_the_same(stack: Stack, bucket: str) -> None:
    emails = [make_user(stack), make_user(stack)]
    run_node_tests(
        "storage.test.mjs", stack, BUCKET=bucket, EMAILS=" ".join(emails), PASSWORD=PASSWORD
    )
