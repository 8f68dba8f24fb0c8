"""Finds the errors that functions raise: every call of private.raise_error, also through helpers.

A helper is a function `private.raise_*`: what it raises is counted for whoever calls it, with the
caller's arguments in place of the helper's. Where a code, a status or the keys of the details are
no literals, the `Errors:` paragraph of the function's header says them:
`CODE (status) `{key, key}` when ...`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scripts.build.docs.catalog import Function, labelled

RAISE = "private.raise_error"
PARAMETERS = ("p_code", "p_message", "p_details", "p_status", "p_hint", "p_headers")
# The default of raise_error's p_status.
DEFAULT_STATUS = "400"
CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
IN_HEADER = re.compile(
    r"\b(?P<code>[A-Z][A-Z0-9_]{2,}) \((?P<status>\d{3})\)(?: `\{(?P<keys>[^`]*)\}`)?"
)
COMMENT_OR_STRING = re.compile(r"(?P<comment>--[^\n]*|/\*.*?\*/)|'(?:[^']|'')*'", re.DOTALL)
CALL = re.compile(r"\bprivate\.\w+(?=\s*\()")
PLACEHOLDER = re.compile(r"%(?:\d+\$)?[sIL]")


@dataclass(frozen=True)
class Raised:
    """One way to fail.

    `details` pairs a key with its value when that is a literal; `when` is what the header says
    after the code.
    """

    code: str
    status: int
    sentence: str
    hint: str
    details: tuple[tuple[str, str | None], ...]
    when: str
    function: str


def find_raised(functions: Sequence[Function]) -> list[Raised]:
    """Every error that a function, or a helper for it, raises; helpers are not named themselves."""
    by_name = {one.full_name: one for one in functions}
    found: dict[Raised, None] = {}
    for function in functions:
        if not _is_helper(function.full_name):
            for call in _raise_calls(function, by_name):
                found.update(dict.fromkeys(_read_call(call, function)))
    return sorted(found, key=lambda one: (one.status, one.code, one.function, one.sentence))


def find_reachable(functions: Sequence[Function]) -> dict[str, set[str]]:
    """The functions of ours that each function may fail in, itself among them, by full name.

    One whose header says `Errors: none` is not looked into: it calls what cannot fail there.
    """
    by_name = {one.full_name for one in functions}
    calls = {
        one.full_name: set()
        if labelled(one.header, "Errors").startswith("none")
        else set(CALL.findall(mask(one.body))) & by_name
        for one in functions
    }
    return {name: _closure(name, calls) for name in calls}


def codes_in(text: str) -> list[str]:
    """The error codes that an `Errors:` paragraph names, in its order."""
    return [found["code"] for found in IN_HEADER.finditer(text)]


def mask(sql: str) -> str:
    """The SQL at its length, without comments and without what is inside strings."""

    def replace(token: re.Match[str]) -> str:
        if token["comment"]:
            return " " * len(token[0])
        return "'" + "_" * (len(token[0]) - 2) + "'"

    return COMMENT_OR_STRING.sub(replace, sql)


def split(expression: str, separator: str = ",") -> list[str]:
    """The parts between separators that are in no brackets and in no string."""
    masked, parts, start, depth = mask(expression), [], 0, 0
    for place, character in enumerate(masked):
        depth += (character in "([") - (character in ")]")
        if depth == 0 and masked.startswith(separator, place):
            parts.append(expression[start:place].strip())
            start = place + len(separator)
    return [*parts, expression[start:].strip()]


def find_calls(sql: str, name: str) -> Iterator[list[str]]:
    """The arguments of each call of a function, as they are written."""
    masked = mask(sql)
    for found in re.finditer(rf"(?<![\w.]){re.escape(name)}\s*\(", masked):
        depth = 1
        for place in range(found.end(), len(masked)):
            depth += (masked[place] == "(") - (masked[place] == ")")
            if depth == 0:
                inside = sql[found.end() : place]
                yield split(inside) if inside.strip() else []
                break


def _is_helper(name: str) -> bool:
    return name.startswith("private.raise_")


def _raise_calls(function: Function, by_name: Mapping[str, Function]) -> Iterator[dict[str, str]]:
    """The arguments of raise_error, by name, for each way in which the function gets there."""
    for written in find_calls(function.body, RAISE):
        yield _bind(written, PARAMETERS)
    called = set(CALL.findall(mask(function.body)))
    for helper in sorted(name for name in called if _is_helper(name) and name != RAISE):
        parameters = by_name[helper].arguments
        defaults = {one.name: one.default or "null" for one in parameters}
        for written in find_calls(function.body, helper):
            given = defaults | _bind(written, [one.name for one in parameters])
            for call in _raise_calls(by_name[helper], by_name):
                yield {name: _substitute(value, given) for name, value in call.items()}


def _bind(written: Sequence[str], parameters: Sequence[str]) -> dict[str, str]:
    bound = {}
    for parameter, argument in zip(parameters, written, strict=False):
        name, arrow, value = argument.partition("=>")
        named = arrow and re.fullmatch(r"\w+\s*", name)
        bound[name.strip() if named else parameter] = value.strip() if named else argument
    return bound


def _substitute(expression: str, given: Mapping[str, str]) -> str:
    masked, parts, end = mask(expression), [], 0
    for word in re.finditer(r"\b[a-z]\w*\b", masked):
        if word[0] in given:
            parts += [expression[end : word.start()], given[word[0]]]
            end = word.end()
    return "".join([*parts, expression[end:]])


def _read_call(call: Mapping[str, str], function: Function) -> Iterator[Raised]:
    errors = labelled(function.header, "Errors")
    said = {one["code"]: one for one in IN_HEADER.finditer(errors)}
    literals = [literal for literal in _literals(call["p_code"]) if CODE.fullmatch(literal)]
    status = call.get("p_status", DEFAULT_STATUS)
    for code in literals or said:
        header = said.get(code)
        details = _details(call.get("p_details", ""))
        if not details and header and header["keys"]:
            details = tuple((key.split(":")[0].strip(), None) for key in split(header["keys"]))
        if not status.isdigit() and header is None:
            raise ValueError(
                f"{function.path} raises {code} with a status that is no number: "
                f'write "{code} (status)" in the header of {function.full_name}.'
            )
        yield Raised(
            code=code,
            status=int(status) if status.isdigit() or header is None else int(header["status"]),
            sentence=_sentence(call.get("p_message", "")),
            hint=_sentence(call.get("p_hint", "")),
            details=details,
            when=_rest(errors, header) if header else "",
            function=function.name,
        )


def _rest(errors: str, found: re.Match[str]) -> str:
    """The paragraph's words about one code, up to the next one."""
    following = IN_HEADER.search(errors, found.end())
    return errors[found.end() : following.start() if following else None].strip(" ,:;.")


def _details(expression: str) -> tuple[tuple[str, str | None], ...]:
    pairs: dict[str, str | None] = {}
    for arguments in find_calls(expression, "jsonb_build_object"):
        for key, value in zip(arguments[::2], arguments[1::2], strict=False):
            literal = _literal(value)
            if (name := _literal(key)) is not None:
                pairs[name] = literal
    return tuple(pairs.items())


def _sentence(expression: str) -> str:
    """The text of literals, with an ellipsis for what is computed; empty without any literal.

    Of a CASE each of its sentences.
    """
    formatted = next(find_calls(expression, "format"), None)
    if formatted and re.match(r"format\s*\(", expression):
        return PLACEHOLDER.sub("…", _sentence(formatted[0])).replace("%%", "%")
    if re.match(r"case\b", expression):
        said = re.findall(r"\b(?:then|else)\s+('(?:[^']|'')*')", expression)
        return " / ".join(_literal(one) or "" for one in said)
    parts = [_literal(part) for part in split(expression, "||")]
    if not any(parts):
        return ""
    return "".join("…" if part is None else part for part in parts)


def _literal(expression: str) -> str | None:
    found = re.fullmatch(r"'((?:[^']|'')*)'(?:::\w+)?", expression.strip())
    return found[1].replace("''", "'") if found else None


def _literals(expression: str) -> Iterable[str]:
    return (found[0][1:-1] for found in re.finditer(r"'[^']*'", expression))


def _closure(name: str, calls: Mapping[str, set[str]]) -> set[str]:
    seen, waiting = set(), [name]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting.extend(calls[one])
    return seen
