"""Brings up the whole product on free ports, and further apps beside its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from urllib.parse import urlsplit

import httpx

from scripts.dev.razorpay_sandbox.client import KEY_ID, KEY_SECRET, running_sandbox
from tests.end_to_end.people import PASSWORD, make_user
from tests.flow.deals import Cast
from tests.flow.rows import BRAND_OWNER, INFLUENCER
from tests.payments.faults.world import PATIENCE, World, open_client, write_forget
from tests.support.databases import Database
from tests.support.limits import lift_limits
from tests.support.payments import ACCOUNT
from tests.support.stacks import Stack, free_port, running_stack
from tests.webhooks.events import CURRENT, PATH, WEBHOOK_SECRETS
from tests.webhooks.support import Gunicorn, client_of, running_gunicorn


def app_settings(stack: Stack, sandbox_url: str, **changes: str) -> dict[str, str]:
    """The app's settings: this stack, and the sandbox in Razorpay's place."""
    return {
        "SUPABASE_URL": stack.api_url,
        "SUPABASE_ANON_KEY": stack.anon_key,
        "SUPABASE_SERVICE_ROLE_KEY": stack.service_role_key,
        "SUPABASE_JWT_SECRET": stack.jwt_secret,
        "RAZORPAY_KEY_ID": KEY_ID,
        "RAZORPAY_KEY_SECRET": KEY_SECRET,
        "RAZORPAY_ACCOUNT_ID": ACCOUNT,
        "RAZORPAY_BASE_URL": sandbox_url,
        **WEBHOOK_SECRETS,
        **changes,
    }


@contextmanager
def running_app(world: World, **changes: str) -> Iterator[tuple[Gunicorn, httpx.Client]]:
    """One more app under gunicorn with other settings, to be killed, and a client of it."""
    settings = app_settings(world.stack, world.sandbox.url, **changes)
    with (
        running_gunicorn(settings, free_port()) as app,
        open_client(app.url) as http,
    ):
        yield app, http


def app_here(world: World, **changes: str) -> AbstractContextManager[httpx.Client]:
    """A client of one more app with other settings, in this process."""
    return client_of(app_settings(world.stack, world.sandbox.url, **changes))


@contextmanager
def running_world() -> Iterator[World]:
    """All of it, on free ports; the stack is its own, because tests break its database."""
    with ExitStack() as running:
        stack = running.enter_context(running_stack())
        lift_limits(stack.db_url)
        db = Database(urlsplit(stack.db_url).port or 0, "postgres")
        running.callback(db.close)
        port = free_port()
        sandbox = running.enter_context(
            running_sandbox(
                f"http://127.0.0.1:{port}{PATH}",
                webhook_secret=CURRENT,
                account_id=ACCOUNT,
                first_pause=0.05,
            )
        )
        settings = app_settings(stack, sandbox.url)
        app = running.enter_context(running_gunicorn(settings, port))
        http = running.enter_context(open_client(app.url))
        supabase = running.enter_context(open_client(stack.api_url))
        people, tokens = _invite(stack, db)
        yield World(stack, db, app, sandbox, http, supabase, people, tokens, write_forget(db))


def _invite(stack: Stack, db: Database) -> tuple[Cast, dict[uuid.UUID, str]]:
    """Asha, Bharat, Chitra and the operator Omkar sign up, and in."""
    tokens: dict[uuid.UUID, str] = {}
    for _ in range(4):
        user, token = sign_in(stack, make_user(stack))
        tokens[user] = token
    people = Cast(*tokens)
    for user, role in ((people.asha, INFLUENCER), (people.bharat, BRAND_OWNER)):
        with db.signed_in_as(user):
            db.call("complete_profile", role=role, display_name=role)
    db.query("insert into private.admins (user_id) values (%s)", people.omkar)
    return people, tokens


def sign_in(stack: Stack, email: str) -> tuple[uuid.UUID, str]:
    """Somebody signs in with the usual password; who it is, and their access token."""
    answer = httpx.post(
        f"{stack.api_url}/auth/v1/token?grant_type=password",
        headers={"apikey": stack.anon_key},
        json={"email": email, "password": PASSWORD},
        timeout=PATIENCE,
    )
    answer.raise_for_status()
    session = answer.json()
    return uuid.UUID(session["user"]["id"]), session["access_token"]
