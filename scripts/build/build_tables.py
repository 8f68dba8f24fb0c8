"""Writes the generated functions: look-alike letters and lengths of phone numbers.

Their data is that of confusable-homoglyphs (Unicode TR 39) and of phonenumbers (Google's
libphonenumber). Run it when either has a new version: `python -m scripts.build.build_tables`.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from phonenumbers.phonemetadata import PhoneMetadata

ACCOUNTS = Path(__file__).parents[2] / "supabase/functions_sql/20_accounts"

# Letters that Unicode's list leaves out because they differ at a second look: small capitals, hooks
# and strokes, letters in boxes and flags.
NAMED = re.compile(
    r"(?:LATIN (?:CAPITAL|SMALL) LETTER|LATIN LETTER SMALL CAPITAL"
    r"|LATIN SMALL LETTER CAPITAL|REGIONAL INDICATOR SYMBOL LETTER) ([A-Z])(?: WITH .*)?$"
)
LOOK_ALIKES = """\
-- A text with each letter that looks like a Latin letter or digit replaced by that one.
--
-- Written by scripts/build/build_tables.py from Unicode's confusables (TR 39); call it on a text in
-- form NFKD without its marks, which has turned full-width, circled and mathematical letters into
-- plain ones already.
create or replace function private.fold_look_alikes(p_text text)
returns text
language sql
immutable
set search_path = ''
as $$
  select translate(
    p_text,
{sources},
{targets}
  );
$$;
"""


def read_confusables() -> dict[str, set[str]]:
    """Each symbol of the library's list with the symbols it is listed beside."""
    text = resources.files("confusable_homoglyphs").joinpath("confusables.json").read_text("utf-8")
    beside: dict[str, set[str]] = defaultdict(set)
    for symbol, others in json.loads(text).items():
        for other in others:
            # Symbols written from right to left stand between marks that say otherwise.
            one, two = symbol.replace("\u200e", ""), other["c"].replace("\u200e", "")
            beside[one].add(two)
            beside[two].add(one)
    return beside


def plain(text: str) -> str:
    """The text in NFKD without its marks, as `private.fold_name` has it."""
    return "".join(
        c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c)[0] != "M"
    )


def groups(beside: dict[str, set[str]]) -> Iterator[set[str]]:
    """The symbols that look alike, group by group."""
    seen: set[str] = set()
    for start in beside:
        group: set[str] = set()
        waiting = [start]
        while waiting:
            symbol = waiting.pop()
            if symbol not in group:
                group.add(symbol)
                waiting += beside[symbol]
        if not group & seen:
            yield group
        seen |= group


def find_look_alikes() -> dict[str, str]:
    """Every symbol that looks like one Latin letter or digit, with that one in lower case."""
    found: dict[str, str] = {}
    for code in range(0x80, sys.maxunicode + 1):
        symbol = chr(code)
        if match := NAMED.search(unicodedata.name(symbol, "")):
            found[symbol] = match[1].lower()
    for group in groups(read_confusables()):
        latin = {plain(s) for s in group if re.fullmatch("[0-9A-Za-z|]", plain(s))}
        if not latin - {"|"}:
            continue
        # l, 1 and I are one group, O and 0 another: a letter stands for it.
        target = max(latin - {"|"}).lower()
        found |= {s: target for s in group | latin if len(s) == 1 and s != target}
    # Listed beside i; drawn as an l.
    found["\u04cf"] = "l"
    return {s: t for s, t in found.items() if plain(s) == s and s.lower() != t}


def quote(symbols: str) -> str:
    """The symbols as a Unicode string of SQL, in lines of at most 100 columns."""
    lines, line = [], ""
    for symbol in symbols:
        code = ord(symbol)
        piece = symbol if code < 0x7F else f"\\{code:04x}" if code < 0x10000 else f"\\+{code:06x}"
        if len(line) + len(piece) > 88:
            lines.append(line)
            line = ""
        line += piece
    return "\n".join(
        f"    {prefix}'{line}'"
        for prefix, line in zip(["u&", *[""] * 999], [*lines, line], strict=False)
    )


def render_look_alikes() -> str:
    """The text of fold_look_alikes.sql."""
    pairs = sorted(find_look_alikes().items(), key=lambda pair: (pair[1], pair[0]))
    return LOOK_ALIKES.format(
        sources=quote("".join(source for source, _ in pairs)),
        targets=quote("".join(target for _, target in pairs)),
    )


PHONES = """\
-- Whether a phone number in the form +919876543210 has a length that its country uses, and no wrong
-- zero after the country's code.
--
-- Written by scripts/build/build_tables.py from Google's libphonenumber: for each set of countries,
-- their codes, and how many digits follow.
create or replace function private.is_phone_number(p_phone text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select p_phone ~ (
    '^\\+(?:'
{countries}
    ')$'
  );
$$;
"""


def metadata(code: int, region: str) -> Any:
    """Data of libphonenumber about a region's numbers."""
    if region == "001":
        return PhoneMetadata.metadata_for_nongeo_region(code)
    return PhoneMetadata.metadata_for_region(region)


def alternatives(codes: list[str]) -> str:
    """The codes as a pattern, those that differ in their last digit alone in one: 50[2346]."""
    last: dict[str, str] = defaultdict(str)
    for code in codes:
        last[code[:-1]] += code[-1]
    return "|".join(f"{start}[{digits}]" for start, digits in last.items())


def render_phones() -> str:
    """The text of is_phone_number.sql."""
    countries: dict[str, list[str]] = defaultdict(list)
    for code, regions in COUNTRY_CODE_TO_REGION_CODE.items():
        kinds = [
            kind
            for region in regions
            for kind in (metadata(code, region).fixed_line, metadata(code, region).mobile)
            if kind is not None and kind.example_number
        ]
        longest = 15 - len(str(code))
        lengths = sorted({n for kind in kinds for n in kind.possible_length if n <= longest})
        if not lengths:
            continue
        first = "[0-9]" if any(kind.example_number.startswith("0") for kind in kinds) else "[1-9]"
        if len(lengths) == lengths[-1] - lengths[0] + 1:
            rest = f"{{{lengths[0] - 1},{lengths[-1] - 1}}}".replace(
                f"{{{lengths[0] - 1},{lengths[0] - 1}}}", f"{{{lengths[0] - 1}}}"
            )
            form = f"{first}[0-9]{rest}"
        else:
            form = f"{first}(?:{'|'.join(f'[0-9]{{{n - 1}}}' for n in lengths)})"
        countries[form].append(str(code))
    pattern = "|".join(f"(?:{alternatives(codes)}){form}" for form, codes in countries.items())
    lines = [pattern[start : start + 90] for start in range(0, len(pattern), 90)]
    return PHONES.format(countries="\n".join(f"    '{line}'" for line in lines))


FILES = {"fold_look_alikes.sql": render_look_alikes, "is_phone_number.sql": render_phones}

if __name__ == "__main__":
    for name, render in FILES.items():
        (ACCOUNTS / name).write_text(render(), encoding="utf-8")
