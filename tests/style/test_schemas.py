"""supabase/schemas says what every function answers, with the words that the database knows."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from scripts.build.schemas import read_schemas
from tests.support.answers import check_answer
from tests.support.databases import Database

# A closed set, and the constraint that closes it in the database.
CLOSED = {
    "Kind": ("private.flow_definitions", "kind_is_known"),
    "ButtonStyle": ("private.flow_actions", "style_is_known"),
    "InputType": ("private.flow_inputs", "input_type_is_known"),
    "NotificationType": ("private.notifications", "type_is_known"),
    "ActorRole": ("public.conversation_events", "actor_role_is_known"),
    "MarketStatus": ("public.bids", "status_is_known"),
    "RequestStatus": ("public.requests", "status_is_known"),
    "SubmissionStatus": ("public.work_submissions", "status_is_known"),
    "Role": ("public.offers", "made_by_a_party"),
    "OrderStatus": ("private.payment_orders", "status_is_known"),
    "Mode": ("private.payment_orders", "mode_is_known"),
    "EventStatus": ("private.payment_events", "status_is_known"),
    "Severity": ("private.alerts", "severity_is_known"),
    "AlertStatus": ("private.alerts", "status_is_known"),
    "PayoutStatus": ("private.payouts", "status_is_known"),
}


def test_every_function_of_the_api_has_its_answer_written_down(db: Database) -> None:
    doors = db.query(
        "select proname from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace "
        "and (pronargs = 0 or proargnames is not null)"
    )
    assert sorted(read_schemas().answers) == sorted(door["proname"] for door in doors)


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_set_has_the_words_of_the_database(db: Database, name: str) -> None:
    table, constraint = CLOSED[name]
    check = db.value(
        # Of the table, or of the domain of one of its columns.
        "select pg_get_constraintdef(oid) from pg_catalog.pg_constraint "
        "where conname = %(constraint)s and (conrelid = %(table)s::regclass or contypid in "
        "(select atttypid from pg_catalog.pg_attribute where attrelid = %(table)s::regclass))",
        {"table": table, "constraint": constraint},
    )
    assert sorted(read_schemas().shapes[name]["enum"]) == sorted(re.findall(r"'(\w+)'", check))


def test_every_field_has_a_sentence() -> None:
    schemas = read_schemas()
    silent = [
        f"{shape}.{name}"
        for shape, schema in schemas.shapes.items()
        for name, field in schema.get("properties", {}).items()
        if "description" not in field and field.get("type") != "array"
    ]
    assert silent == ["ActionData.submit_button", "MarketScreen.mine"]


def test_an_answer_that_is_not_as_written_is_found() -> None:
    marks = {"read_seq": 3, "delivered_seq": 3, "unread_count": 0}
    check_answer("mark_read", marks)
    for wrong in (
        {**marks, "read_seq": None},
        {**marks, "more": 1},
        {"read_seq": 3, "delivered_seq": 3},
    ):
        with pytest.raises(AssertionError, match="mark_read"):
            check_answer("mark_read", wrong)


def test_a_type_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.yaml"
    page.write_text("answers: {f: {a: 'Nowhere, Something.'}}", "utf-8")
    with pytest.raises(ValueError, match="there is no Nowhere"):
        read_schemas(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "page.yaml").write_text(
        dedent("""
        answers:
          f: nonsense, Something.
        """),
        "utf-8",
    )
    with pytest.raises(ValueError, match="`nonsense` is no type"):
        read_schemas(tmp_path / "other")
