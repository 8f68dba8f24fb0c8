"""Storage beyond its recordings: killed processes, paths that lead out, policies, odd senders."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jwt
import psycopg
import pytest

from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.config import DEMO_JWT_SECRET, Settings
from tests.support.serving import Server
from tests.support.stacks import Cluster, free_port

DATABASE = "storage_beyond"
ASHA, CHITRA = str(uuid.uuid4()), str(uuid.uuid4())
PROJECT = """
insert into storage.buckets (id, name) values ('files', 'files'), ('noted', 'noted');
create policy files on storage.objects for all to authenticated
  using (bucket_id = 'files' and owner_id = (select auth.uid())::text)
  with check (bucket_id = 'files' and (storage.foldername(name))[1] = (select auth.uid())::text);

create table public.notes (said jsonb);
grant insert on public.notes to authenticated, service_role;
create function public.note() returns trigger language plpgsql as $$
begin
  insert into public.notes values (jsonb_build_object(
    'role', current_user, 'uid', auth.uid(), 'owner_id', new.owner_id, 'version', new.version,
    'metadata', new.metadata, 'operation', storage.operation(),
    'method', current_setting('request.method'), 'path', current_setting('request.path'),
    'asked_by', current_setting('request.headers')::jsonb ->> 'user-agent'
  ));
  return new;
end $$;
create trigger note before insert on storage.objects
  for each row when (new.bucket_id = 'noted') execute function public.note();
create policy noted on storage.objects for insert to authenticated with check (
  bucket_id = 'noted' and storage.allow_only_operation('object.upload')
);
"""


class StorageServer(Server):
    """A process that serves a project's Storage, and can be killed."""

    def stored(self) -> set[str]:
        """The names of the files that are there, whole or not."""
        folder = self.settings.data_dir / "storage"
        return {path.name for path in folder.rglob("*") if path.is_file()}

    def client(self, user: str | None) -> httpx.Client:
        """A client as the user, or as the service."""
        claims = {"role": "authenticated", "sub": user} if user else {"role": "service_role"}
        token = jwt.encode(claims, DEMO_JWT_SECRET, "HS256")
        return httpx.Client(
            base_url=f"{self.settings.api_url}/storage/v1",
            headers={"Authorization": f"Bearer {token}", "User-Agent": "tests"},
            timeout=30,
        )


@pytest.fixture(scope="module")
def superuser(cluster: Cluster) -> Iterator[psycopg.Connection[Any]]:
    """The project's database, past every policy."""
    postgres.create_database(cluster.port, DATABASE)
    postgres.bootstrap(cluster.port, DATABASE)
    with psycopg.connect(cluster.dsn("postgres", DATABASE)) as project:
        project.execute(PROJECT)
    with psycopg.connect(cluster.dsn(database=DATABASE), autocommit=True) as connection:
        yield connection
    postgres.drop_database(cluster.port, DATABASE)


@pytest.fixture(scope="module")
def server(
    cluster: Cluster, superuser: psycopg.Connection[Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StorageServer]:
    """The server, which a test may kill when it starts it again."""
    folder = tmp_path_factory.mktemp("storage")
    running = StorageServer(Settings(folder, free_port(), cluster.port, DATABASE))
    yield running
    running.kill()


@pytest.fixture
def asha(server: StorageServer) -> Iterator[httpx.Client]:
    """A client as Asha, whose folder in `files` is empty again afterwards."""
    with server.client(ASHA) as client:
        yield client
    with server.client(None) as service:
        assert service.post("/bucket/files/empty", json={}).status_code == 200


def begin_upload(server: StorageServer, length: int, sent: bytes) -> socket.socket:
    """An upload of Asha's as unfinished.txt, of which only a part is sent; it has arrived."""
    connection = socket.create_connection(("127.0.0.1", server.settings.port))
    token = jwt.encode({"role": "authenticated", "sub": ASHA}, DEMO_JWT_SECRET, "HS256")
    head = (
        f"POST /storage/v1/object/files/{ASHA}/unfinished.txt HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: text/plain\r\n"
        f"Content-Length: {length}\r\n\r\n"
    )
    connection.sendall(head.encode() + sent)
    incoming = server.settings.data_dir / "storage" / "incoming"
    postgres.wait_until(
        lambda: incoming.is_dir() and any(incoming.iterdir()), 20, "the upload did not begin"
    )
    return connection


def assert_nothing_of_it(server: StorageServer, asha: httpx.Client) -> None:
    assert asha.post("/object/list/files", json={"prefix": ASHA}).json() == []
    assert asha.get(f"/object/files/{ASHA}/unfinished.txt").json()["code"] == "NoSuchKey"
    assert server.stored() == set()


def test_a_process_killed_during_an_upload_leaves_nothing(
    server: StorageServer, asha: httpx.Client
) -> None:
    connection = begin_upload(server, 1_000_000, b"x" * 500_000)
    server.kill()
    connection.close()
    assert len(server.stored()) == 1
    server.start()
    assert_nothing_of_it(server, asha)
    done = asha.post(f"/object/files/{ASHA}/unfinished.txt", content="whole")
    assert done.status_code == 200
    assert asha.get(f"/object/files/{ASHA}/unfinished.txt").text == "whole"


def test_a_client_that_hangs_up_leaves_nothing(server: StorageServer, asha: httpx.Client) -> None:
    begin_upload(server, 1_000_000, b"x" * 500_000).close()
    postgres.wait_until(lambda: not server.stored(), 20, "the file is still there")
    assert_nothing_of_it(server, asha)


def test_a_replaced_or_deleted_file_is_gone_from_the_disk(
    server: StorageServer, asha: httpx.Client
) -> None:
    path = f"/object/files/{ASHA}/a.txt"
    for text in ("one", "two", "three"):
        assert asha.put(path, content=text).status_code == 200
    assert len(server.stored()) == 1
    assert asha.delete(path).status_code == 200
    assert server.stored() == set()


def test_of_many_uploads_of_one_name_one_stays(server: StorageServer, asha: httpx.Client) -> None:
    texts = [f"text {number}" for number in range(8)]
    path = f"/object/files/{ASHA}/raced.txt"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda text: asha.put(path, content=text), texts))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.json()["Id"] for answer in answers}) == 1
    assert asha.get(path).text in texts
    assert len(server.stored()) == 1


@pytest.mark.parametrize(
    "name",
    [
        "../../../../../../etc/passwd",
        "..%2F..%2F..%2Fetc%2Fpasswd",
        "%2e%2e/%2e%2e/outside.txt",
        "./here.txt",
        "a/../../outside.txt",
    ],
)
def test_a_name_that_leads_out_is_refused(
    server: StorageServer, asha: httpx.Client, name: str
) -> None:
    for bucket in ("files", "..", "%2e%2e%2f%2e%2e"):
        for method in ("POST", "GET", "DELETE"):
            # A path goes out as it is, where httpx would resolve the dots.
            connection = HTTPConnection("127.0.0.1", server.settings.port)
            path = f"/storage/v1/object/{bucket}/{ASHA}/{name}"
            headers = {"Authorization": asha.headers["Authorization"]}
            connection.request(method, path, b"x" if method == "POST" else None, headers)
            assert connection.getresponse().status == 400
            connection.close()
    assert server.stored() == set()


def test_a_version_written_by_sql_is_no_path(
    superuser: psycopg.Connection[Any], server: StorageServer, asha: httpx.Client
) -> None:
    secret = server.settings.data_dir / "secret"
    secret.write_text("secret")
    for version in ("../../secret", str(secret), "", None, str(uuid.uuid4())):
        superuser.execute(
            "insert into storage.objects (bucket_id, name, owner_id, version)"
            " values ('files', %s, %s, %s)"
            " on conflict (bucket_id, name) do update set version = excluded.version",
            (f"{ASHA}/led.txt", ASHA, version),
        )
        answer = asha.get(f"/object/files/{ASHA}/led.txt")
        assert (answer.status_code, answer.json()["code"]) == (400, "NoSuchKey")
    assert asha.delete(f"/object/files/{ASHA}/led.txt").status_code == 200
    assert secret.read_text() == "secret"


def test_a_header_cannot_be_smuggled_in_by_what_was_uploaded(asha: httpx.Client) -> None:
    path = f"/object/files/{ASHA}/odd.txt"
    form = {"cacheControl": "1\r\nSet-Cookie: a=b"}
    assert asha.post(path, data=form, files={"file": b"x"}).status_code == 200
    answer = asha.get(path)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_header_char")
    assert "set-cookie" not in answer.headers
    form = {"contentType": "text/plain\r\nSet-Cookie: a=b"}
    refused = asha.put(path, data=form, files={"file": b"x"}).json()
    assert refused["code"] == "InvalidMimeType"
    named = asha.get(path, params={"download": 'a"\r\nSet-Cookie: a=b'})
    assert "set-cookie" not in named.headers


def test_a_policy_and_a_trigger_see_who_asks_and_for_what(
    superuser: psycopg.Connection[Any], server: StorageServer
) -> None:
    with server.client(ASHA) as asha, server.client(None) as service:
        path = "/object/noted/a%20b.txt"
        assert asha.post(path, content=b"12345", headers={"Content-Type": "a/b"}).is_success
        # The policy allows this one operation.
        assert asha.post("/object/upload/sign/noted/x.txt").json()["code"] == "AccessDenied"
        noted = [said for (said,) in superuser.execute("select said from public.notes")]
        assert service.post("/bucket/noted/empty", json={}).is_success
    # The dry run was rolled back, and its note with it.
    (said,) = noted
    assert said.pop("metadata")["size"] == 5
    assert uuid.UUID(said.pop("version"))
    assert said == {
        "role": "service_role", "uid": None, "owner_id": ASHA, "operation": "storage.object.upload",
        "method": "POST", "path": path, "asked_by": "tests",
    }  # fmt: skip


def test_a_file_that_a_row_refers_to_stays(
    superuser: psycopg.Connection[Any], server: StorageServer, asha: httpx.Client
) -> None:
    path = f"/object/files/{ASHA}/kept.txt"
    made = asha.post(path, content="kept").json()
    superuser.execute("create table public.refers (id uuid references storage.objects (id))")
    superuser.execute("insert into public.refers values (%s)", [made["Id"]])
    try:
        refused = asha.delete(path).json()
        assert (refused["statusCode"], refused["code"]) == ("409", "ResourceReferenced")
        assert asha.get(path).text == "kept"
    finally:
        superuser.execute("drop table public.refers")


def test_what_no_client_of_good_will_sends_is_refused_in_words(asha: httpx.Client) -> None:
    json = {"Content-Type": "application/json"}
    deep = "[" * 100_000
    for path, body in (
        ("/object/list/files", '{"prefix": "\\u0000"}'),
        ("/object/list/files", '{"prefix": "\\ud800"}'),
        ("/object/list/files", deep),
        ("/object/list/files", '{"prefix": {}}'),
        ("/object/list/files", '{"prefix": "' + "x" * 2_000_000 + '"}'),
        ("/object/list-v2/files", '{"cursor": "bDp4CmM6eA=="' + "}"),
        ("/object/copy", '{"bucketId": "files", "sourceKey": "\\u0000", "destinationKey": "x"}'),
        ("/object/sign/files", '{"expiresIn": 60, "paths": [{}]}'),
    ):
        answer = asha.post(path, content=body, headers=json)
        assert answer.status_code in (200, 400, 500), path
        assert isinstance(answer.json(), dict | list)
        assert "Traceback" not in answer.text
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    refused = asha.post(f"/object/files/{ASHA}/f.txt", content="--y\r\n", headers=broken)
    assert (refused.status_code, refused.json()["code"]) == (400, "InvalidRequest")
    assert asha.get("/bucket").json() == []


def test_an_upload_does_not_take_its_size_in_memory(
    server: StorageServer, asha: httpx.Client
) -> None:
    def peak() -> int:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) // 1024

    megabyte = b"x" * 1_048_576
    assert asha.put(f"/object/files/{ASHA}/warm.bin", content=megabyte).is_success
    before = peak()
    raw = asha.put(f"/object/files/{ASHA}/big.bin", content=(megabyte for _ in range(45)))
    form = asha.put(f"/object/files/{ASHA}/form.bin", files={"file": megabyte * 45})
    assert (raw.status_code, form.status_code) == (200, 200)
    with asha.stream("GET", f"/object/files/{ASHA}/big.bin") as answer:
        assert sum(map(len, answer.iter_raw())) == 45 * 1_048_576
    assert peak() - before < 16, "megabytes more than before the uploads"


def test_a_browser_may_ask(asha: httpx.Client) -> None:
    asked = {
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, apikey, x-upsert",
    }
    answer = asha.options(f"/object/files/{quote(ASHA)}/a.txt", headers=asked)
    assert answer.status_code == 200
    assert "x-upsert" in answer.headers["access-control-allow-headers"]
    answer = asha.get("/bucket", headers={"Origin": "http://localhost:3000"})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_stranger_gets_the_answer_of_a_wrong_name(
    server: StorageServer, asha: httpx.Client
) -> None:
    assert asha.post(f"/object/files/{ASHA}/mine.txt", content="mine").is_success
    with server.client(CHITRA) as chitra:
        for name in ("mine.txt", "none.txt"):
            for path in (f"/object/files/{ASHA}/{name}", f"/object/info/files/{ASHA}/{name}"):
                answer = chitra.get(path)
                assert (answer.status_code, answer.json()["code"]) == (400, "NoSuchKey")
            signed = chitra.post(f"/object/sign/files/{ASHA}/{name}", json={"expiresIn": 60})
            assert signed.json()["code"] == "NoSuchKey"
        names = {"prefixes": [f"{ASHA}/mine.txt"]}
        assert chitra.request("DELETE", "/object/files", json=names).json() == []
    assert asha.get(f"/object/files/{ASHA}/mine.txt").text == "mine"


def test_a_reader_never_misses_an_object_that_is_being_replaced(asha: httpx.Client) -> None:
    path = f"/object/files/{ASHA}/changing.txt"
    assert asha.put(path, content="0").is_success

    def replace() -> None:
        for number in range(40):
            assert asha.put(path, content=str(number)).is_success

    with ThreadPoolExecutor(1) as pool:
        replacing = pool.submit(replace)
        answers = []
        while not replacing.done():
            answers.append(asha.get(path).status_code)
        replacing.result()
    assert set(answers) == {200}
