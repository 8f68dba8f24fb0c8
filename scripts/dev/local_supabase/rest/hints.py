"""The hint in "Perhaps you meant ...": the name most like the one that was asked for.

PostgREST uses FuzzySet: names that share two- or three-letter pieces, ranked by edit distance.
Source: https://github.com/Glench/fuzzyset.js
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

MIN_SCORE = 0.33
CANDIDATES = 50


def nearest(wanted: str, names: Iterable[str]) -> str | None:
    """The best match, or nothing when no name is near."""
    known = {name.lower(): name for name in names}
    wanted = wanted.lower()
    if wanted in known:
        return known[wanted]
    for size in (3, 2):
        sharing = sorted(((_cosine(wanted, name, size), name) for name in known), reverse=True)
        near = [(_likeness(wanted, name), name) for score, name in sharing[:CANDIDATES] if score]
        best = max(near, default=(0.0, ""))
        if best[0] >= MIN_SCORE:
            return known[best[1]]
    return None


def _grams(word: str, size: int) -> Counter[str]:
    padded = "-" + re.sub(r"[^a-z0-9\u00c0-\u00ff, ]+", "", word) + "-"
    padded += "-" * (size - len(padded))
    return Counter(padded[i : i + size] for i in range(len(padded) - size + 1))


def _cosine(one: str, other: str, size: int) -> float:
    a, b = _grams(one, size), _grams(other, size)
    norm = math.sqrt(sum(n * n for n in a.values()) * sum(n * n for n in b.values()))
    return sum(n * b[gram] for gram, n in a.items()) / norm


def _likeness(one: str, other: str) -> float:
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        corner, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (left != right))
    return 1 - row[-1] / max(len(one), len(other), 1)
