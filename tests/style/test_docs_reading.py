"""How the errors of a function are found in its text and its header."""

from __future__ import annotations

import pytest

from scripts.build.docs.catalog import Argument, Function, comment_above, labelled
from scripts.build.docs.pages import fill_blocks
from scripts.build.docs.raised import find_raised, find_reachable, split


def function(
    name: str, body: str, header: str = "", arguments: tuple[Argument, ...] = ()
) -> Function:
    """A function of `private` with nothing but what matters here."""
    return Function("private", name, arguments, "void", False, body, (), f"30_x/{name}.sql", header)


RAISE = function("raise_error", "raise sqlstate 'PGRST' using message = p_message;")
FIELD_HELPER = function(
    "raise_field",
    """perform private.raise_error(
      'FIELD_BAD', p_message, jsonb_build_object('field', p_field, 'at', now()), p_status => 422
    );""",
    arguments=(Argument("p_field", "text", None), Argument("p_message", "text", "NULL")),
)


def test_a_call_gives_code_status_sentence_details_and_hint() -> None:
    body = """perform private.raise_error(
      'TOO_LONG', format('At most %s (it''s %L).', c_max, v_length), -- 'NOT_THIS', 409
      jsonb_build_object('length', v_length, 'unit', 'characters'), p_status => 422,
      p_hint => 'Cut ' || v_extra || ' of them.'
    );"""
    [found] = find_raised([RAISE, function("check_length", body)])
    assert (found.code, found.status, found.function) == ("TOO_LONG", 422, "check_length")
    assert found.sentence == "At most … (it's …)."
    assert found.details == (("length", None), ("unit", "characters"))
    assert found.hint == "Cut … of them."


def test_a_position_counts_as_much_as_a_name() -> None:
    [found] = find_raised([RAISE, function("f", "private.raise_error('A_B', 'No.', '{}', 404);")])
    assert (found.status, found.details) == (404, ())


def test_a_sentence_that_is_chosen_is_each_of_its_choices() -> None:
    body = """perform private.raise_error(
      'A_B', case v_rule when 'size' then 'It''s too long.' else 'No.' end, p_status => 409
    );"""
    [found] = find_raised([RAISE, function("f", body)])
    assert found.sentence == "It's too long. / No."


def test_what_is_said_in_comments_and_strings_is_no_call() -> None:
    body = "-- private.raise_error('A_B', 'No.')\nselect 'private.raise_error(''A_B'')';"
    assert find_raised([RAISE, function("f", body)]) == []


def test_a_helper_raises_for_its_caller_with_the_callers_words() -> None:
    caller = function("check_name", "perform private.raise_field('name', 'Give a name.');")
    [found] = find_raised([RAISE, FIELD_HELPER, caller])
    assert (found.code, found.status, found.function) == ("FIELD_BAD", 422, "check_name")
    assert found.sentence == "Give a name."
    assert found.details == (("field", "name"), ("at", None))


def test_a_helper_of_a_helper_hands_its_words_on() -> None:
    outer = function(
        "raise_name",
        "perform private.raise_field(p_message => p_why, p_field => 'name');",
        arguments=(Argument("p_why", "text", None),),
    )
    caller = function("check_name", "perform private.raise_name('Too odd.');")
    [found] = find_raised([RAISE, FIELD_HELPER, outer, caller])
    assert (found.function, found.sentence) == ("check_name", "Too odd.")
    assert found.details[0] == ("field", "name")


def test_a_code_that_is_chosen_is_each_of_its_choices() -> None:
    body = """perform private.raise_error(
      case v_kind when 'bid' then 'BID_CLOSED' else 'CAMPAIGN_CLOSED' end, 'No.', p_status => 409
    );"""
    found = find_raised([RAISE, function("f", body)])
    assert [(one.code, one.status) for one in found] == [
        ("BID_CLOSED", 409),
        ("CAMPAIGN_CLOSED", 409),
    ]


def test_what_is_computed_is_taken_from_the_header() -> None:
    body = "perform private.raise_error(v_code, v_text, v_details, v_status);"
    header = (
        'Does it.\n\nErrors: NO_TURN (409) `{role, at: "now"}` while others act,\nNO_FUNDS (402).'
    )
    found = find_raised([RAISE, function("act", body, header)])
    assert [(one.status, one.code, one.when) for one in found] == [
        (402, "NO_FUNDS", ""),
        (409, "NO_TURN", "while others act"),
    ]
    assert found[1].details == (("role", None), ("at", None))


def test_a_status_that_nobody_says_is_refused() -> None:
    body = "perform private.raise_error('NO_TURN', 'Not now.', p_status => v_status);"
    with pytest.raises(ValueError, match=r"30_x/act\.sql raises NO_TURN"):
        find_raised([RAISE, function("act", body)])


def test_what_a_function_reaches_is_followed_in_circles_too() -> None:
    there = [
        function("a", "select private.b(); insert into private.tables (x) values (1);"),
        function("b", "select private.a(), private.c ();"),
        function("c", "-- private.a()"),
    ]
    reachable = find_reachable(there)
    assert reachable["private.a"] == {"private.a", "private.b", "private.c"}
    assert reachable["private.c"] == {"private.c"}


def test_separators_inside_brackets_and_strings_do_not_split() -> None:
    assert split("f(a, b), 'c, (d', array[1, 2]") == ["f(a, b)", "'c, (d'", "array[1, 2]"]


def test_a_header_ends_at_its_function_and_a_paragraph_at_the_next_label() -> None:
    text = (
        "-- Far away.\n\n-- Does it.\n-- Locks, writes: rows.\n-- Errors: NO_WAY (409) when it\n"
        "-- cannot.\n-- Events: done.\ncreate or replace function private.f(\n"
    )
    header = comment_above(text, "private.f")
    assert header.startswith("Does it.")
    assert labelled(header, "Errors") == "NO_WAY (409) when it cannot."
    assert labelled(header, "Definer") == ""


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    page = "By hand.\n<!-- generated: t -->\nold\n<!-- end -->\nMore."
    filled = fill_blocks(page, {"t": "new\n"})
    assert filled == "By hand.\n<!-- generated: t -->\nnew\n<!-- end -->\nMore."
