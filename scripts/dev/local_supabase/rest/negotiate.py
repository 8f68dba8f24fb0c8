"""Reads the headers Prefer, Accept and Range."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from scripts.dev.local_supabase.rest.errors import ApiError

JSON = "application/json"
CSV = "text/csv"
OBJECT = "application/vnd.pgrst.object+json"
ARRAY = "application/vnd.pgrst.array+json"
STRIPPED = ";nulls=stripped"
OFFERED = (JSON, CSV, OBJECT, OBJECT + STRIPPED, ARRAY + STRIPPED)
PLAN = "application/vnd.pgrst.plan"

CHOICES = {
    "resolution": ("merge-duplicates", "ignore-duplicates"),
    "missing": ("default", "null"),
    "return": ("representation", "minimal", "headers-only"),
    "count": ("exact", "planned", "estimated"),
    "tx": ("commit", "rollback"),
    "handling": ("strict", "lenient"),
}
# In this order PostgREST says which ones it followed.
APPLIED = ("resolution", "missing", "return", "count", "handling", "timezone", "max-affected")


@dataclass(frozen=True)
class Preferences:
    """The preferences that were understood, by name, and those that were not."""

    known: dict[str, str]
    unknown: list[str]

    def __getitem__(self, name: str) -> str | None:
        return self.known.get(name)

    @property
    def max_affected(self) -> int | None:
        """How many rows a function may return; only followed when handling is strict."""
        asked = self.known.get("max-affected")
        return int(asked) if asked and self["handling"] == "strict" else None

    def applied(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """The Preference-Applied header, if any of the names was followed."""
        named = [name for name in APPLIED if name in names and name in self.known]
        if self.max_affected is None:
            named = [name for name in named if name != "max-affected"]
        said = ", ".join(f"{name}={self.known[name]}" for name in named)
        return [("Preference-Applied", said)] if said else []


def read_preferences(headers: Iterable[str], timezones: frozenset[str]) -> Preferences:
    """Read the Prefer headers. Raises ApiError 400 for unknown ones under handling=strict."""
    known: dict[str, str] = {}
    unknown: list[str] = []
    for preference in (part.strip() for header in headers for part in header.split(",")):
        name, _, value = preference.partition("=")
        understood = value in CHOICES.get(name, ())
        understood |= name == "timezone" and value in timezones
        understood |= name == "max-affected" and re.fullmatch(r"\d+", value) is not None
        if understood:
            known.setdefault(name, value)
        elif preference:
            unknown.append(preference)
    if unknown and known.get("handling") == "strict":
        raise ApiError(
            400,
            "PGRST122",
            "Invalid preferences given with handling=strict",
            details=f"Invalid preferences: {', '.join(unknown)}",
        )
    return Preferences(known, unknown)


def choose_media_type(accept: str | None, own_type: str | None = None) -> str:
    """The media type of the answer. `own_type`: the media type that the function returns, if any.

    Raises ApiError 406 when nothing that is accepted can be made.
    """
    asked = [_normal(part) for part in _by_quality("*/*" if accept is None else accept)]
    for name in asked:
        if name in ("*/*", "application/*"):
            return JSON
        if name in OFFERED:
            return name
        if own_type is not None and name == own_type:
            return own_type
    said = f"None of these media types are available: {', '.join(asked)}"
    raise ApiError(406, "PGRST107", said)


def _by_quality(accept: str) -> list[str]:
    def quality(part: str) -> float:
        found = re.search(r";\s*q=([\d.]+)", part)
        return float(found[1]) if found else 1.0

    parts = [part.strip() for part in accept.split(",") if part.strip()]
    return sorted(parts, key=quality, reverse=True)


def _normal(part: str) -> str:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    stripped = STRIPPED if "nulls=stripped" in parameters else ""
    if name in (OBJECT, "application/vnd.pgrst.object"):
        return OBJECT + stripped
    if name in (ARRAY, "application/vnd.pgrst.array"):
        return ARRAY + stripped if stripped else JSON
    if name.startswith(PLAN):
        of = next((p for p in parameters if p.startswith("for=")), f'for="{JSON}"')
        return f"{PLAN}+{'json' if name.endswith('+json') else 'text'}; {of}"
    return name


def read_range(
    header: str | None, limit: int | None, offset: int | None, max_rows: int
) -> tuple[int, int]:
    """The (limit, offset) of an answer. Raises ApiError 416 for a range that cannot be."""
    start, end = max(offset or 0, 0), None
    if limit is not None:
        if limit < 0:
            raise _range_error("Limit should be greater than or equal to zero.")
        end = start + limit
    found = re.fullmatch(r"(\d+)-(\d*)", header.strip()) if header else None
    if found:
        first, last = int(found[1]), int(found[2]) + 1 if found[2] else None
        if last is not None and last <= first:
            raise _range_error(
                "The lower boundary must be lower than or equal to the upper boundary "
                "in the Range header."
            )
        start = max(start, first)
        end = min((e for e in (end, last) if e is not None), default=None)
    length = max_rows if end is None else min(end - start, max_rows)
    if length < 0 or (length == 0 and (limit != 0 or start > 0)):
        raise _range_error("Limit should be greater than or equal to zero.")
    return length, start


def _range_error(details: str) -> ApiError:
    return ApiError(416, "PGRST103", "Requested range not satisfiable", details=details)
