"""Holds every answer and event that a test meets against supabase/schemas."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import jsonschema_rs

from scripts.build.schemas import Schema, read_schemas

# Functions that tests of the helper make for themselves.
OF_TESTS = {"who_am_i", "count_up", "do_nothing", "refuse", "touch_secret"}


@cache
def _validators(kind: str) -> dict[str, Any]:
    schemas = read_schemas()
    written: dict[str, Schema] = getattr(schemas, kind)
    return {
        name: jsonschema_rs.Draft202012Validator(schemas.document(schema), validate_formats=True)
        for name, schema in written.items()
    }


def check_answer(function: str, answer: Any) -> None:
    """Fail if a function answers what its schema does not say; it must have one."""
    if function in OF_TESTS:
        return
    validators = _validators("answers")
    assert function in validators, f"write down in supabase/schemas what {function} answers"
    _check(function, validators[function], answer)


def check_events(events: Iterable[tuple[str, Any]]) -> None:
    """Fail if an event's payload is not what its schema says; other names are a test's own."""
    validators = _validators("events")
    for name, payload in events:
        if name in validators:
            # Realtime adds an id of its own to the payload.
            payload.pop("id", None)
            _check(name, validators[name], payload)


def _check(name: str, validator: Any, value: Any) -> None:
    found = [
        f"{name}: {'/'.join(map(str, error.instance_path))}: {error.message[:300]}"
        for error in _causes(validator.iter_errors(value))
    ]
    assert not found, (
        "not what supabase/schemas says (is a field new? write it down there):\n" + "\n".join(found)
    )


def _causes(errors: Iterable[Any]) -> Iterable[Any]:
    """Of an answer that is one thing or another, what is wrong with the more likely one."""
    for error in errors:
        branches = getattr(error.kind, "context", None) or []
        nearest = max(branches, key=_depth, default=None)
        yield from _causes(nearest) if nearest else [error]


def _depth(errors: list[Any]) -> int:
    """How far into the answer a branch fits."""
    return max(len(error.instance_path) for error in errors)
