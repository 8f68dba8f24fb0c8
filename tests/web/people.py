"""Who uses the web client in the tests: members with a client over HTTP, and their windows."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from scripts.dev.demo import web
from scripts.dev.demo.person import Json
from tests.end_to_end.gateway import Payments
from tests.end_to_end.people import make_user, open_session, service_headers
from tests.support.stacks import Stack

# Milliseconds until something that should be on the screen counts as missing.
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)


@dataclass(frozen=True)
class Site:
    """The web client where it is served, with everything behind it."""

    url: str
    stack: Stack
    payments: Payments
    browser: Browser
    http: httpx.Client
    idle: list[Window] = field(default_factory=list)

    def sql(self, statement: str, *parameters: object) -> None:
        """Change something behind everybody's back, as time or an operator would."""
        with psycopg.connect(self.stack.db_url) as connection:
            connection.execute(statement, parameters)

    def grant_points(self, member: Member, points: int) -> None:
        """Give somebody points, as the service."""
        answer = self.http.post(
            "/rest/v1/rpc/grant_points",
            headers=service_headers(self.stack),
            json={
                "user_id": member.id,
                "points": points,
                "reason": "test",
                "grant_id": str(uuid.uuid4()),
            },
        )
        answer.raise_for_status()


@dataclass
class Member:
    """Somebody with an account."""

    site: Site
    name: str
    email: str
    session: Json

    @property
    def id(self) -> str:
        """The user id."""
        return str(self.session["user"]["id"])

    def call(self, function: str, **arguments: Any) -> Any:
        """Call a function of the API."""
        answer = self.site.http.post(
            f"/rest/v1/rpc/{function}",
            headers={"Authorization": f"Bearer {self.session['access_token']}"},
            json=arguments,
        )
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def connect(self, other: Member) -> str:
        """The id of the direct chat with somebody, in which both have written."""
        opened = self.call("direct_connect", target_user_id=other.id)
        conversation_id = str(opened["conversation"]["conversation_id"])
        self.send(conversation_id, f"Hello {other.name}")
        other.send(conversation_id, f"Hello {self.name}")
        return conversation_id

    def send(self, conversation_id: str, text: str, **options: Any) -> Json:
        """Write a message."""
        sent: Json = self.call(
            "send_message", conversation_id=conversation_id, message=text, **options
        )
        return sent


def send_many(site: Site, conversation_id: str, said: Iterable[tuple[Member, str]]) -> None:
    """Write many messages, each by its member, without a request for each."""
    with psycopg.connect(site.stack.db_url, autocommit=True) as connection:
        for member, text in said:
            with connection.transaction():
                connection.execute(
                    "select set_config('request.jwt.claims', %s, true)",
                    [json.dumps({"sub": member.id, "role": "authenticated"})],
                )
                connection.execute("set local role authenticated")
                connection.execute("select public.send_message(%s, %s)", [conversation_id, text])


def build(log: Path) -> Path:
    """The folder with the built client; in a thread, since the browser's loop may run in this."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(lambda: asyncio.run(web.build(log))).result()


def admit(site: Site, name: str, role: str) -> Member:
    """Somebody new, with a profile."""
    email = make_user(site.stack)
    member = Member(site, name, email, open_session(site.http, email))
    member.call("complete_profile", role=role, display_name=name)
    return member


class Window:
    """A window of the browser; at its end nothing has gone wrong in it."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.site = site
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._note)

    def begin(self, member: Member | None) -> None:
        """Leave the client, forget what it has kept, and let the member be signed in."""
        self.page.unroute_all()
        self.page.context.set_offline(False)
        outside = f"{self.site.url}/icon.svg"
        if self.page.url != outside:
            self.page.goto(outside)
        self.page.evaluate(
            """session => {
              localStorage.clear()
              sessionStorage.clear()
              if (session) localStorage.setItem('parley.session', JSON.stringify(session))
            }""",
            member and member.session,
        )
        self.faults.clear()

    def _note(self, said: Any) -> None:
        # A refused or failed request is the test's business; a broken policy is everybody's.
        if "Content Security Policy" in said.text or "React" in said.text:
            self.faults.append(said.text)

    def go(self, place: str = "") -> None:
        """Go to a place of the client, `chat/<id>` or `market`, as a new page."""
        self.page.goto(f"{self.site.url}/#/{place}")

    def open_chat(self, conversation_id: str) -> None:
        """Open a chat, and wait until it is there and heard."""
        self.go(f"chat/{conversation_id}")
        expect(self.page.locator(".messages")).to_be_visible()
        self.is_connected()

    def is_connected(self) -> None:
        """Wait until it hears what happens."""
        expect(self.page.locator('.connection[data-connection="connected"]')).to_be_attached()

    @property
    def composer(self) -> Locator:
        """Where messages are written."""
        return self.page.get_by_role("textbox", name="Message", exact=True)

    def write(self, text: str) -> None:
        """Type a message and press Enter."""
        self.composer.fill(text)
        self.composer.press("Enter")

    def message(self, text: str) -> Locator:
        """The message with this text."""
        return self.page.locator(".message", has_text=text)

    def texts(self) -> list[str]:
        """The texts of the messages on the screen, from top to bottom."""
        return self.page.locator(".message .bubble > .rich-text").all_text_contents()

    def card(self, title: str) -> Locator:
        """The open action message with this title."""
        return self.page.locator('.action-card[data-open="true"]', has_text=title)

    def offline(self, is_offline: bool) -> None:
        """Cut the network through the protocol, or mend it."""
        self.page.context.set_offline(is_offline)


@contextmanager
def window(
    site: Site,
    member: Member | None,
    *,
    width: int = 1280,
    height: int = 800,
    is_phone: bool = False,
    prepare: Callable[[BrowserContext], None] | None = None,
) -> Iterator[Window]:
    """A window in which the member is signed in, or nobody.

    Another test has finished with it and it was cleared, which is ten times cheaper than a new one.
    A phone, and a window with `prepare`, are new and have an empty cache.
    """
    is_kept = not is_phone and prepare is None
    if is_kept and site.idle:
        opened = site.idle.pop()
    else:
        context = site.browser.new_context(
            reduced_motion="reduce", has_touch=is_phone, is_mobile=is_phone
        )
        if prepare:
            prepare(context)
        opened = Window(context.new_page(), site)
    try:
        opened.page.set_viewport_size({"width": width, "height": height})
        opened.begin(member)
        yield opened
        assert not opened.faults, opened.faults
        if is_kept:
            opened.begin(None)
            site.idle.append(opened)
    finally:
        if opened not in site.idle:
            opened.page.context.close()
