"""Files through both SDKs: sent with a message, shown to whom may see it, and gone with it."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import psycopg
import pytest
from psycopg.rows import dict_row

from examples.python.parley_client import File, ParleyClient, ParleyError
from tests.end_to_end.gateway import Payments
from tests.end_to_end.people import sdk_warnings, service_headers, talking
from tests.support.node import run_node_tests
from tests.support.stacks import Stack
from tests.webhooks.support import wait_until

pytestmark = [pytest.mark.anyio, sdk_warnings]


def picture(marker: str = "") -> File:
    """A file that says it is a picture; nobody looks into it."""
    content = b"\x89PNG\r\n\x1a\n" + marker.encode() * 3
    return File(f"{marker or 'tea'}.png", content, "image/png", 640, 480)


async def fetch(url: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as http:
        return await http.get(url)


async def refused(asked: Any) -> ParleyError:
    with pytest.raises(ParleyError) as caught:
        await asked
    return caught.value


def query(stack: Stack, statement: str, *parameters: Any) -> list[dict[str, Any]]:
    with psycopg.connect(stack.db_url, autocommit=True, row_factory=dict_row) as connection:
        cursor = connection.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []


def objects_of(stack: Stack, conversation: str) -> list[str]:
    """The names of the files that Storage has of a conversation."""
    found = query(
        stack,
        "select name from storage.objects "
        "where bucket_id = 'attachments' and starts_with(name, %s)",
        conversation,
    )
    return [row["name"] for row in found]


def rows_with(stack: Stack, text: str) -> list[str]:
    """The tables in which a text stands, of those that postgres reads."""
    tables = query(
        stack,
        """
        select format('%%I.%%I', n.nspname, c.relname) as name
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and not c.relispartition
          and n.nspname in ('public', 'private', 'realtime', 'storage')
          and has_table_privilege(c.oid, 'select')
        """,
    )
    return [
        table["name"]
        for table in tables
        if query(
            stack,
            f"select 1 as one from {table['name']} as t where position(%s in t::text) > 0 limit 1",  # noqa: S608
            text,
        )
    ]


def files_with(folder: Path, marker: bytes) -> list[Path]:
    """The files below the folder of Storage in which the marker stands."""
    return [path for path in folder.rglob("*") if path.is_file() and marker in path.read_bytes()]


async def test_a_file_is_heard_of_and_shown_to_both_and_to_nobody_else(stack: Stack) -> None:
    async with talking(stack) as talk:
        file = picture()
        sent = (await talk.asha.client.send(talk.id, files=[file]))["message"]
        (told,) = sent["attachments"]
        assert (told["name"], told["size"], told["width"]) == ("tea.png", len(file.content), 640)
        heard = await talk.bharat.hears("new_message")
        assert heard["message"]["attachments"] == [told]
        for person in (talk.asha, talk.bharat):
            shown = await fetch(await person.client.file_url(sent, told))
            assert (shown.status_code, shown.content) == (200, file.content)
            assert shown.headers["content-type"] == "image/png"
        assert (await refused(talk.chitra.client.file_url(sent, told))).error_code == "not_found"


async def test_a_repeat_uploads_nothing_twice(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talking(stack) as talk:
        client, file = talk.asha.client, picture()
        call = ParleyClient.call
        answers_lost = 0

        async def lose_one(self: ParleyClient, function: str, **arguments: Any) -> Any:
            nonlocal answers_lost
            answer = await call(self, function, **arguments)
            if function == "send_message" and not answers_lost:
                answers_lost += 1
                raise ParleyError("There was no answer.", "NETWORK")
            return answer

        first = await client.upload(talk.id, file)
        assert await client.upload(talk.id, file) == first
        monkeypatch.setattr(ParleyClient, "call", lose_one)
        await client.send(talk.id, "once", files=[file])
        assert answers_lost == 1
        assert objects_of(stack, talk.id) == [first["path"]]
        again = await refused(client.send(talk.id, "twice", files=[file]))
        assert (again.error_code, again.details["rule"]) == ("MEDIA_INVALID", "already_sent")


async def test_what_storage_refuses_has_its_code(stack: Stack) -> None:
    async with talking(stack) as talk:
        page = File("a.html", b"<p>", "text/html")
        large = File("a.png", bytes(10 * 1024 * 1024 + 1), "image/png")
        codes = [
            (await refused(talk.asha.client.upload(talk.id, page))).error_code,
            (await refused(talk.asha.client.upload(talk.id, large))).error_code,
            (await refused(talk.chitra.client.upload(talk.id, picture()))).error_code,
        ]
        assert codes == ["invalid_mime_type", "Payload too large", "Unauthorized"]
        assert objects_of(stack, talk.id) == []


async def test_an_odd_name_tells_nothing(stack: Stack) -> None:
    async with talking(stack) as talk:
        sent = (await talk.asha.client.send(talk.id, files=[picture()]))["message"]
        bucket = talk.chitra.client.supabase.storage.from_("attachments")
        there = sent["attachments"][0]["path"]
        said = []
        for name in (there, there.replace(".png", ".gif"), "a", f"{talk.id}/x/y.png"):
            with pytest.raises(Exception) as caught:  # noqa: PT011  the SDK's own
                await bucket.download(name)
            said.append(str(caught.value))
        assert len(set(said)) == 1
        assert await bucket.list(talk.id) == []


async def test_a_marker_in_a_file_is_nowhere_once_its_message_has_disappeared(
    payments: Payments,
) -> None:
    stack, app = payments.stack, payments.app_url
    async with talking(stack, app_url=app) as talk:
        marker = f"marker{uuid.uuid4().hex}"
        kept = (await talk.asha.client.send(talk.id, "stays", files=[picture()]))["message"]
        sent = (await talk.asha.client.send(talk.id, files=[picture(marker)], expiration_hours=1))[
            "message"
        ]
        (file,) = sent["attachments"]
        url = await talk.bharat.client.file_url(sent, file)
        (token,) = parse_qs(urlsplit(url).query)["token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] <= 60
        assert marker.encode() in (await fetch(url)).content
        # Its name is in the message, its bytes in one file.
        assert rows_with(stack, marker) == ["public.messages"]
        folder = stack.data_dir / "storage" if stack.data_dir else None
        if folder:
            assert len(files_with(folder, marker.encode())) == 1

        query(
            stack,
            """
            update public.messages
            set created_at = created_at - interval '32 days',
              expires_at = expires_at - interval '32 days'
            where id = %s
            """,
            sent["id"],
        )
        gone = await refused(talk.bharat.client.file_url(sent, file))
        assert gone.error_code == "not_found"
        query(stack, "update private.accounts set cleaned_at = '-infinity'")
        assert (await talk.asha.client.clean_up())["scrubbed"] == 1
        await asyncio.to_thread(
            wait_until, lambda: objects_of(stack, talk.id) == [kept["attachments"][0]["path"]]
        )
        assert (await fetch(url)).status_code == 400
        assert rows_with(stack, marker) == []
        if folder:
            await asyncio.to_thread(wait_until, lambda: not files_with(folder, marker.encode()))


async def test_a_deleted_account_takes_its_files_along(payments: Payments) -> None:
    stack = payments.stack
    async with talking(stack, app_url=payments.app_url) as talk:
        await talk.asha.client.send(talk.id, files=[picture()])
        await talk.asha.client.upload(talk.id, picture())
        kept = (await talk.bharat.client.send(talk.id, files=[picture()]))["message"]
        assert len(objects_of(stack, talk.id)) == 3
        await talk.asha.client.call("delete_my_account")
        query(stack, "update private.accounts set cleaned_at = '-infinity'")
        await talk.bharat.client.clean_up()
        await asyncio.to_thread(
            wait_until, lambda: objects_of(stack, talk.id) == [kept["attachments"][0]["path"]]
        )
        url = await talk.bharat.client.file_url(kept, kept["attachments"][0])
        assert (await fetch(url)).status_code == 200


async def test_nobody_signs_an_upload_or_writes_over_a_file(stack: Stack) -> None:
    async with talking(stack) as talk:
        client = talk.asha.client
        sent = (await client.send(talk.id, files=[picture()]))["message"]["attachments"][0]
        unsent = await client.upload(talk.id, picture())
        session = await client.supabase.auth.get_session()
        assert session
        user = {"Authorization": f"Bearer {session.access_token}", "apikey": stack.anon_key}
        base = f"{stack.api_url}/storage/v1/object"
        fresh = f"{talk.id}/{client.user_id}/{uuid.uuid4()}.png"
        image = {"content-type": "image/png"}
        async with httpx.AsyncClient(timeout=20) as http:

            async def post(place: str, headers: dict[str, str]) -> dict[str, Any]:
                answer = await http.post(f"{base}/{place}", headers=headers, content=b"x")
                said: dict[str, Any] = answer.json()
                return {"status": answer.status_code, "code": said.get("statusCode")}

            signed = await post(f"upload/sign/attachments/{fresh}", user)
            assert signed == {"status": 400, "code": "403"}
            for path in (sent["path"], unsent["path"]):
                over = await post(f"attachments/{path}", {**user, **image, "x-upsert": "true"})
                assert over == {"status": 400, "code": "403"}
            # Nor does an operator exchange what was sent.
            service = {**service_headers(stack), **image, "x-upsert": "true"}
            answer = await http.post(
                f"{base}/attachments/{sent['path']}", headers=service, content=b"x"
            )
            assert answer.status_code != 200
        shown = await fetch(await client.file_url({}, sent))
        assert shown.content == picture().content


def test_supabase_js_sends_files(payments: Payments) -> None:
    run_node_tests("files.test.mjs", payments.stack, APP_URL=payments.app_url)
