"""Erlang's `phash2` for strings, lists and maps: the number that names a postgres_changes binding.

Source: make_hash2 in erts/emulator/beam/erl_term_hashing.c (Bob Jenkins's mix). The real server
uses the number as the binding's id, and clients only compare it.
"""

from __future__ import annotations

import json
from typing import Any

MASK = 0xFFFFFFFF
GOLDEN_RATIO = 0x9E3779B9
RANGE = 1 << 27

# make_hash2 tells its kinds of terms apart by a multiple of the golden ratio.
NIL, BINARY, MAP, MAP_TAIL = 2, 13, 16, 19


def phash2(term: Any) -> int:
    """The hash of a JSON value, 0 to 2**27 - 1; numbers and booleans count as their text."""
    return _hash(term, 0) % RANGE


def _hash(term: Any, seed: int) -> int:
    if isinstance(term, dict):
        seed = _mix_number(len(term), seed, MAP)
        if not term:
            return seed
        pairs = 0
        for key, value in term.items():
            pairs ^= _hash(value, _hash(key, 0))
        return _mix_number(pairs, seed, MAP_TAIL)
    if isinstance(term, list):
        for item in term:
            seed = _hash(item, seed)
        return _mix_number(NIL, seed, NIL)
    text = term if isinstance(term, str) else json.dumps(term)
    start = (BINARY * GOLDEN_RATIO + seed) & MASK
    return _hash_block(text.encode(), start) if text else start


def _mix_number(number: int, seed: int, kind: int) -> int:
    constant = kind * GOLDEN_RATIO
    return _mix((constant + number) & MASK, constant & MASK, seed)[2]


def _hash_block(data: bytes, seed: int) -> int:
    a = b = GOLDEN_RATIO
    c = seed
    whole = len(data) - len(data) % 12
    for at in range(0, whole, 12):
        a, b, c = _mix(
            a + int.from_bytes(data[at : at + 4], "little") & MASK,
            b + int.from_bytes(data[at + 4 : at + 8], "little") & MASK,
            c + int.from_bytes(data[at + 8 : at + 12], "little") & MASK,
        )
    rest = data[whole:].ljust(12, b"\0")
    return _mix(
        a + int.from_bytes(rest[:4], "little") & MASK,
        b + int.from_bytes(rest[4:8], "little") & MASK,
        c + len(data) + (int.from_bytes(rest[8:11], "little") << 8) & MASK,
    )[2]


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for first, second, third in ((13, 8, 13), (12, 16, 5), (3, 10, 15)):
        a = ((a - b - c) & MASK) ^ (c >> first)
        b = ((b - c - a) & MASK) ^ (a << second & MASK)
        c = ((c - a - b) & MASK) ^ (b >> third)
    return a, b, c
