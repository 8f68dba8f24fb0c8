"""docs/GUIDES.md leads readers of the guides to names that there are."""

from __future__ import annotations

import re
from typing import Any

import pytest

from scripts.build.schemas import read_schemas
from tests.support.databases import Database
from tests.support.stacks import ROOT
from tests.webhooks.support import settings
from webhooks.app import create_app
from webhooks.config import load_config

PAGE = (ROOT / "docs" / "GUIDES.md").read_text("utf-8")
QUOTED = re.compile(r"`([^`\n]+)`")
# What SDKs and shells understand; the rest is ours.
THEIRS = {
    *("ws", "supabase.rpc(name, arguments)", "senderId", "userId", "supabase db push"),
    *("{config: {private: true}}", "CHANNEL_ERROR", "TIMED_OUT", "code", "hint", "presence"),
    *("success", "error_code", "./scripts/run", "receiver_id"),
}

NAMES = """
select name from (
  select p.proname::text as name from pg_proc as p where p.pronamespace = 'public'::regnamespace
  union select unnest(p.proargnames) from pg_proc as p
  where p.pronamespace = 'public'::regnamespace
  union select c.relname::text from pg_class as c
  where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
  union select a.attname::text from pg_attribute as a
  join pg_class as c on c.oid = a.attrelid
  where c.relnamespace = 'public'::regnamespace and a.attnum > 0
  union select c.relname || '.' || a.attname from pg_attribute as a
  join pg_class as c on c.oid = a.attrelid
  where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and a.attnum > 0
  union select s.key from private.settings as s
  union select s.state from private.flow_states as s
  union select t.action from private.flow_transitions as t
) as found
"""


def fields(schema: Any) -> set[str]:
    """Every property name and word of a closed set in a schema."""
    if isinstance(schema, list):
        return {name for one in schema for name in fields(one)}
    if not isinstance(schema, dict):
        return set()
    words = {word for word in schema.get("enum", []) if isinstance(word, str)}
    return {*schema.get("properties", {}), *words}.union(*map(fields, schema.values()))


@pytest.fixture
def known(db: Database) -> set[str]:
    """Every name of ours."""
    schemas = read_schemas()
    app = create_app(load_config(settings("http://127.0.0.1:1")))
    rules = (
        f"{method} {re.sub(r'<[^>]+>', '<id>', rule.rule)}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    )
    topics = re.findall(
        r"`((?:user|conversation|bid|campaign):<[^>]+>)`", read("parts/realtime.md")
    )
    environment = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.M)
    # Codes, and the keys of their details.
    errors = re.findall(r"\w+", " ".join(QUOTED.findall(read("ERRORS.md"))))
    return {
        *THEIRS, *rules, *topics, *environment, *errors, *schemas.events, *schemas.answers,
        *fields(schemas.shapes), *fields(schemas.answers), *fields(schemas.events),
        *(row["name"] for row in db.query(NAMES)),
    }  # fmt: skip


def read(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def ours() -> set[str]:
    """What the page names, outside of the columns that quote the guides."""
    lines = []
    for line in PAGE.splitlines():
        lines.append(line.split(" | ", 1)[1] if line.startswith("| ") else line)
    return set(QUOTED.findall("\n".join(lines)))


def test_every_name_of_ours_exists(known: set[str]) -> None:
    named = ours()
    assert len(named) > 100
    assert named - known == set()
