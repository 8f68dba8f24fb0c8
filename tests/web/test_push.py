"""Web Push is registered by whoever asks for it, and shows that there is something, not what."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
from playwright.sync_api import BrowserContext, expect

from tests.web.people import Member, Site, Window

Open = Callable[..., Window]

# No push service is reachable here, so the subscription is made up; its key is a point of P-256.
KEY = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SUBSCRIBE = f"""PushManager.prototype.subscribe = async () => ({{ toJSON: () => ({{
  endpoint: 'https://push.example/device',
  keys: {{ p256dh: '{KEY}', auth: 'BTBZMqHH6r4Tts7J_aSIgg' }},
}}) }})"""


def test_a_device_is_registered_and_shows_a_push_without_its_text(
    site: Site, asha: Member, talk: str, open_window: Open
) -> None:
    def prepare(context: BrowserContext) -> None:
        context.grant_permissions(["notifications"])
        context.add_init_script(SUBSCRIBE)

    window = open_window(asha, prepare=prepare)
    window.go("profile")
    window.page.get_by_role("switch", name="Tell me on this device").click()
    expect(window.page.get_by_role("switch", name="Tell me on this device")).to_be_checked()
    with psycopg.connect(site.stack.db_url) as connection:
        found = connection.execute(
            "select token from private.push_tokens where user_id = %s", [asha.id]
        ).fetchall()
    assert found == [("https://push.example/device",)]

    (worker,) = window.page.context.service_workers
    shown: Any = worker.evaluate(
        """async (talk) => {
          self.clients.matchAll = async () => []  // nobody looks
          await show('message', { conversation_id: talk, message_id: 'x' })
          const all = await self.registration.getNotifications()
          return all.map(({ title, body, tag }) => ({ title, body, tag }))
        }""",
        talk,
    )
    assert shown == [{"title": "New message", "body": "Open Parley to read it.", "tag": talk}]
    assert json.dumps(shown).count("Hello") == 0
