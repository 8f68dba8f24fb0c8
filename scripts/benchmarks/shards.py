"""Which key each statement of the hot calls finds its rows by: what could be spread over machines.

`python -m scripts.benchmarks.shards` makes the calls on a small world, has the server explain every
statement in them, and prints for each call the tables by the key of the scan: a conversation, a
user, the row's own id, or none of these. Tables that each machine would have a copy of are apart.
With `--publish` it also writes the table to docs/SCALING.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from scripts.benchmarks.act import CYCLE, make_deal_functions
from scripts.benchmarks.database import Connection, Side, make_side, running_server
from scripts.benchmarks.publish import SCALING, write_section
from scripts.benchmarks.world import READER, SMOKE, make_id, make_world

EXPLAIN = """
load 'auto_explain';
set auto_explain.log_min_duration = 0;
set auto_explain.log_nested_statements = on;
set auto_explain.log_format = 'json';
set auto_explain.log_verbose = on;
set auto_explain.log_level = 'notice';
set client_min_messages = 'notice';
"""
CALLS = {
    "send_message": "select public.send_message(%(c)s, 'Hello', client_message_id => %(token)s)",
    "get_messages": "select * from public.get_messages(%(c)s)",
    "mark_read": "select public.mark_read(%(c)s)",
    "get_conversation_context": "select public.get_conversation_context(%(c)s)",
    "get_conversations": "select public.get_conversations(20)",
    "sync": "select public.sync('{}', 100)",
    "take_action": CYCLE[0].replace("%s", "%(deal)s"),
}
KEYS = {
    "conversation": r"\bconversation_id\b",
    "user": r"\b(?:\w*user\w*|sender_id|receiver_id|blocker_id|blocked_id|owner_id)\b",
}
# Tables that every call may read and few people write: each machine has a copy.
REFERENCE = re.compile(r"^private\.(flow|setting|send_rules|rates)")

Found = dict[str, set[str]]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table, and publish it where that is asked for."""
    parser = argparse.ArgumentParser(prog="shards", description=__doc__)
    parser.add_argument("--publish", action="store_true", help="also write docs/SCALING.md")
    args = parser.parse_args(argv)
    columns = ("conversation", "user", "own id", "none", "copy")
    lines = [f"| call | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    with running_server(None, small=True) as server:
        found = find_keys(make_side(server, "new"))
    for name, keys in found.items():
        cells = (", ".join(sorted(keys.get(key, ()))) or "-" for key in columns)
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    print("\n".join(lines))  # noqa: T201
    if args.publish:
        write_section(SCALING, "shards", "\n".join(lines))
    return 0


def find_keys(side: Side) -> dict[str, Found]:
    """Fill an empty product; for each call its tables by the key that their rows are found by."""
    make_world(side, SMOKE)
    make_deal_functions(side)
    with side.connect() as session:
        session.execute("select bench.make_deal()")
        (deal, influencer) = session.execute(
            "select id::text, influencer from bench.deals"
        ).fetchone() or ("", 0)
        return {name: _explain(session, name, deal, influencer) for name in CALLS}


def _explain(session: Connection, name: str, deal: str, influencer: int) -> Found:
    plans: list[dict[str, Any]] = []

    def hear(said: psycopg.errors.Diagnostic) -> None:
        text = said.message_primary or ""
        if "plan:" in text:
            plans.append(json.loads(text.split("plan:", 1)[1])["Plan"])

    me = influencer if name == "take_action" else READER
    session.execute(EXPLAIN)
    with session.transaction(force_rollback=True):
        session.execute(
            "select set_config('request.jwt.claims', %s, true)", [json.dumps({"sub": make_id(me)})]
        )
        session.add_notice_handler(hear)
        session.execute(
            CALLS[name].encode(), {"c": make_id(READER + 1), "token": make_id(1), "deal": deal}
        )
        session.remove_notice_handler(hear)
    found: Found = defaultdict(set)
    for plan in plans:
        for table, key in _scans(plan):
            found["copy" if REFERENCE.match(table) else key].add(table)
    # Found by a key once, a table is no scan of everything.
    found["none"] -= found["conversation"] | found["user"] | found["own id"]
    return found


def _scans(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "Relation Name" in node and node.get("Operation") != "Insert":
        table = f"{node.get('Schema', 'public')}.{node['Relation Name']}"
        if node["Node Type"] != "ModifyTable":
            conditions = " ".join(
                str(node.get(name, ""))
                for name in ("Index Cond", "Recheck Cond", "Filter", "Index Name")
            )
            yield table, _key(table, conditions)
    for child in node.get("Plans", []):
        yield from _scans(child)


def _key(table: str, conditions: str) -> str:
    for key, words in KEYS.items():
        if re.search(words, conditions):
            return key
    if not re.search(r"\bid = ", conditions):
        return "none"
    return {"private.conversations": "conversation", "public.users": "user"}.get(table, "own id")


if __name__ == "__main__":
    sys.exit(main())
