"""The REST API of the local stack answers as a real PostgREST did."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.config import DEMO_JWT_SECRET, Settings
from scripts.dev.local_supabase.rest import open_rest, reload
from tests.conformance.postgrest.replay import HERE, Answer, differences, load_goldens, send
from tests.support.serving import served_in_a_thread
from tests.support.stacks import Cluster, free_port

DATABASE = "postgrest_goldens"
GOLDENS = load_goldens()
# Goldens whose bodies cannot agree; their status, code and headers must agree still.
LEFT_OUT = {
    "rpc.post.gucs-service-role": (
        "The recorded server's login had no statement_timeout; Supabase's has 8 s for every role."
    ),
    "rpc.post.err-deferred-constraint-at-commit": (
        "PostgreSQL 18 checks a deferred constraint as the role that caused it, which may see the "
        "key and so names it; older versions check as the caller, who may not."
    ),
}

COMPARED = [golden for golden in GOLDENS if golden["name"] not in LEFT_OUT]


class Api:
    """The REST API over the recordings' database, and the superuser's way into it."""

    def __init__(self, port: int, recorded: int, superuser: psycopg.Connection[Any]) -> None:
        self.port = port
        self.recorded = recorded
        self.superuser = superuser

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request as service_role; underscores in header names stand for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = {"method": method, "path": path, "role": "service_role", "headers": named}
        if body is not None:
            request["body"] = body
        return send(self.port, DEMO_JWT_SECRET, request)

    def cut_connections(self) -> None:
        """End every connection of the REST API, and wait until they are gone."""
        self.superuser.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and usename = 'authenticator'"
        )

    def reset(self) -> None:
        """Put every row back to where it was recorded."""
        self.superuser.execute((HERE / "seed.sql").read_bytes())


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[Api]:
    """The REST API over a database with the recordings' schema and rows."""
    postgres.create_database(cluster.port, DATABASE)
    postgres.bootstrap(cluster.port, DATABASE)
    settings = Settings(Path("unused"), port=free_port(), db_port=cluster.port, db_name=DATABASE)
    # The recorded server had no safeupdate and no time limit, as Supabase's has.
    recorded = replace(settings, port=free_port(), safeupdate=False)
    with psycopg.connect(cluster.dsn(database=DATABASE), autocommit=True) as superuser:
        superuser.execute((HERE / "schema.sql").read_bytes())
        with (
            served_in_a_thread(open_rest(settings), settings.port),
            served_in_a_thread(open_rest(recorded), recorded.port),
        ):
            api = Api(settings.port, recorded.port, superuser)
            api.reset()
            yield api
    postgres.drop_database(cluster.port, DATABASE)


def replay(api: Api, golden: dict[str, Any]) -> Answer:
    if golden.get("mutates"):
        api.reset()
    try:
        return send(api.recorded, DEMO_JWT_SECRET, golden["request"])
    finally:
        if golden.get("mutates"):
            api.reset()


@pytest.mark.parametrize("golden", COMPARED, ids=[golden["name"] for golden in COMPARED])
def test_the_answer_is_the_recorded_one(api: Api, golden: dict[str, Any]) -> None:
    assert differences(golden, replay(api, golden)) == []


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_body_that_cannot_be_had_still_has_status_code_and_headers(api: Api, name: str) -> None:
    golden = next(golden for golden in GOLDENS if golden["name"] == name)
    got = replay(api, golden)
    found = [said for said in differences(golden, got) if not said.startswith("body ")]
    assert found == []
    body, recorded = json.loads(got.body), golden["response"]["body"]
    assert body.get("code") == recorded.get("code")


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("POST", "/counters", {"Prefer": "missing=default"}),
    ],
)
def test_what_is_left_out_answers_501_with_a_sentence(
    api: Api, method: str, path: str, headers: dict[str, str]
) -> None:
    got = api.ask(method, path, {} if method == "POST" else None, **headers)
    assert got.status == 501
    assert "not part of the local stack" in json.loads(got.body)["message"]


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("/messages?select=id,reply_to(id)&id=eq.2", [{"id": 2, "reply_to": {"id": 1}}]),
        ("/messages?select=id,after:messages(id)&id=eq.1", [{"id": 1, "after": [{"id": 2}]}]),
        (
            "/messages?select=id,profiles!reactions(handle)&id=eq.3",
            [{"id": 3, "profiles": [{"handle": "ada"}]}],
        ),
        (
            "/messages?select=id,messages_author_id_fkey(handle)&id=eq.1",
            [{"id": 1, "messages_author_id_fkey": {"handle": "ada"}}],
        ),
        ("/messages?select=id,...conversations(t:title)&id=eq.4", [{"id": 4, "t": "Ada+Bob"}]),
        ("/conversations?select=title,messages!inner()&messages.id=eq.5", [{"title": "Private"}]),
        (
            "/conversations?select=title,members(role)&title=eq.General"
            "&members.order=role.desc&members.limit=1",
            [{"title": "General", "members": [{"role": "owner"}]}],
        ),
        (
            "/message_counts?select=total,conversations!inner(title)&conversations.title=eq.Private",
            [{"total": 1, "conversations": {"title": "Private"}}],
        ),
        ("/messages?select=id&not.or=(id.lt.3,id.eq.5)&order=id", [{"id": 3}, {"id": 4}]),
        ("/messages?select=id&and=(id.gt.1,not.or(id.eq.2,id.in.(3,5)))", [{"id": 4}]),
        ('/messages?select=id&or=(body.eq."just us: \\"quoted\\", (ok)")', [{"id": 4}]),
        (
            "/profiles?select=handle&handle=ilike(any).{A*,B*}&order=handle.desc&limit=1",
            [{"handle": "bob"}],
        ),
        ("/messages?select=size:attrs->files->1->>size&id=eq.1", [{"size": "20"}]),
        (
            "/rpc/my_conversations?select=title,messages(id)&messages.id=gt.3&order=title&limit=1",
            [{"title": "Ada+Bob", "messages": [{"id": 4}]}],
        ),
        (
            "/rpc/messages_after?after_id=3&select=id,conversations(title)&id=lt.5",
            [{"id": 4, "conversations": {"title": "Ada+Bob"}}],
        ),
        ("/rpc/sum_all?nums=4&nums=5", 9),
    ],
)
def test_a_query_without_a_recording_finds_the_right_rows(api: Api, path: str, rows: Any) -> None:
    assert json.loads(api.ask("GET", path).body) == rows


def test_many_callers_at_once_each_get_their_own_answer(api: Api) -> None:
    wrong: list[object] = []

    def call(number: int) -> None:
        for step in range(10):
            got = api.ask("POST", "/rpc/add_up", {"a": number, "b": step})
            if got.body != str(number + step).encode():
                wrong.append((number, step, got))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_a_new_function_is_there_at_the_first_call_after_notify(api: Api, is_long: bool) -> None:
    for number in range(20 if is_long else 5):
        name = f"brand_new_{number}"
        api.superuser.execute(
            f"create function public.{name}() returns int language sql as $$ select {number} $$;"
            "notify pgrst, 'reload schema'"
        )
        got = api.ask("POST", f"/rpc/{name}", {})
        api.superuser.execute(f"drop function public.{name}()")
        assert (got.status, got.body) == (200, str(number).encode())
    api.superuser.execute("notify pgrst, 'reload schema'")


def test_a_role_setting_counts_after_reload_config(api: Api) -> None:
    def work_mem() -> bytes:
        return api.ask("POST", "/rpc/shown_setting", {}).body

    api.superuser.execute(
        "create function public.shown_setting() returns text language sql stable as"
        " $$ select current_setting('work_mem') $$; notify pgrst, 'reload schema'"
    )
    try:
        assert work_mem() != b'"7MB"'
        api.superuser.execute("alter role service_role set work_mem = '7MB'")
        api.superuser.execute("notify pgrst, 'reload config'")
        # A name that is not found waits for all that was announced before.
        assert api.ask("POST", "/rpc/unheard_of", {}).status == 404
        assert work_mem() == b'"7MB"'
    finally:
        api.superuser.execute("alter role service_role reset work_mem")
        api.superuser.execute("drop function public.shown_setting()")
        api.superuser.execute("notify pgrst")


def test_connections_that_the_database_cut_are_replaced_unseen(api: Api) -> None:
    for _ in range(3):
        assert api.ask("GET", "/rpc/greet").status == 200
        api.cut_connections()
        assert api.ask("POST", "/rpc/greet", {}).status == 200


def test_a_database_that_is_away_is_a_503_and_comes_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "PATIENCE", 0.5)
    api.superuser.execute("alter role authenticator nologin")
    try:
        api.cut_connections()
        assert api.ask("GET", "/rpc/greet").status == 503
    finally:
        api.superuser.execute("alter role authenticator login")
    monkeypatch.undo()
    assert api.ask("GET", "/rpc/greet").status == 200


def test_a_serialization_failure_of_a_function_ends_after_some_tries(api: Api) -> None:
    got = api.ask("POST", "/rpc/fail_code", {"code": "40001", "detail": "again"})
    assert got.status == 500
    assert json.loads(got.body)["code"] == "40001"


def test_a_deadlock_is_run_again_unseen(api: Api) -> None:
    api.reset()
    api.superuser.execute(
        "create function public.bump_two(one text, other text) returns void language plpgsql as $$"
        " begin update public.counters set value = value + 1 where name = one;"
        " perform pg_sleep(0.1);"
        " update public.counters set value = value + 1 where name = other; end $$;"
        "notify pgrst, 'reload schema'"
    )
    calls = [{"one": "alpha", "other": "beta"}, {"one": "beta", "other": "alpha"}]
    answers: list[int] = []

    def call(arguments: dict[str, str]) -> None:
        answers.append(api.ask("POST", "/rpc/bump_two", arguments).status)

    threads = [threading.Thread(target=call, args=(arguments,)) for arguments in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    rows = api.superuser.execute("select value from public.counters order by name").fetchall()
    api.superuser.execute("drop function public.bump_two(text, text)")
    api.reset()
    assert answers == [204, 204]
    assert rows[:2] == [(3,), (4,)]


def test_a_name_or_value_from_the_request_is_never_sql(api: Api) -> None:
    api.reset()
    for path in (
        "/counters?select=name%22%20from%20counters;drop%20table%20counters;--",
        "/counters?name=eq.x');drop%20table%20counters;--",
        "/counters?select=name::text)%3bdrop%20table%20counters",
        "/counters?order=name%25(x)s",
        "/counters?%25(v0)s=eq.1",
        "/rpc/greet?name=%25s%00",
    ):
        assert api.ask("GET", path).status in (200, 400, 404)
    rows = api.superuser.execute("select count(*) from public.counters").fetchone()
    assert rows == (3,)


def test_a_refused_role_leaves_no_statement_unprepared(api: Api, is_long: bool) -> None:
    """A request whose role does not exist is refused before its statement reaches the database."""
    statuses: list[tuple[int, bytes]] = []

    def call(number: int) -> None:
        for step in range(25 if is_long else 6):
            request = {"method": "POST", "path": "/rpc/add_up", "body": {"a": number, "b": step}}
            role = "unknown-role" if step % 2 else "service_role"
            send(api.port, DEMO_JWT_SECRET, {**request, "role": role})
            got = send(api.port, DEMO_JWT_SECRET, {**request, "role": "service_role"})
            statuses.append((got.status, got.body if got.status != 200 else b""))

    api.superuser.execute("notify pgrst")  # fresh connections, with nothing prepared
    threads = [threading.Thread(target=call, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(statuses) == {(200, b"")}


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("POST", "/counters", b"", {"Content-Type": "text/csv"}, 400, "PGRST102"),
        ("POST", "/rpc/fail_code", {"code": "PT999", "detail": "odd"}, {}, 500, "PT999"),
        ("PATCH", "/counters?name=eq.alpha", {}, {}, 204, None),
        ("PATCH", "/counters?name=eq.alpha", [], {}, 204, None),
        ("PATCH", "/counters?name=eq.alpha", [{}], {}, 204, None),
        ("PATCH", "/counters", {"value": 1}, {}, 400, "21000"),
        ("DELETE", "/counters", None, {}, 400, "21000"),
        ("GET", "/rpc/table_one_column?n=2&select=i&order=square", None, {}, 400, "42703"),
        ("GET", "/counters", None, {"Accept": ""}, 406, "PGRST107"),
        ("GET", "/counters?limit=0&offset=1", None, {}, 416, "PGRST103"),
        ("OPTIONS", "/counters?value=nonsense.1", None, {}, 200, None),
    ],
)
def test_an_odd_request_is_answered_as_the_real_server_does(
    api: Api,
    method: str,
    path: str,
    body: Any,
    headers: dict[str, str],
    status: int,
    code: str | None,
) -> None:
    api.reset()
    before = api.superuser.execute("select * from public.counters order by name").fetchall()
    request: dict[str, Any] = {
        "method": method, "path": path, "role": "service_role", "headers": headers,
    }  # fmt: skip
    if isinstance(body, bytes):
        request["body_text"] = body.decode()
    elif body is not None:
        request["body"] = body
    got = send(api.port, DEMO_JWT_SECRET, request)
    assert (got.status, json.loads(got.body)["code"] if code else None) == (status, code)
    after = api.superuser.execute("select * from public.counters order by name").fetchall()
    assert after == before


def test_a_profile_that_is_asked_for_is_echoed(api: Api) -> None:
    got = api.ask("GET", "/counters?limit=1", **{"Accept-Profile": "public"})
    assert (got.status, got.headers.get("content-profile")) == (200, "public")


def test_every_role_has_the_time_limit_of_the_login(api: Api) -> None:
    api.superuser.execute(
        "create function public.time_limit() returns text language sql stable as"
        " $$ select current_setting('statement_timeout') $$; notify pgrst, 'reload schema'"
    )
    try:
        assert api.ask("POST", "/rpc/time_limit", {}).body == b'"8s"'
    finally:
        api.superuser.execute("drop function public.time_limit()")
        api.superuser.execute("notify pgrst")
