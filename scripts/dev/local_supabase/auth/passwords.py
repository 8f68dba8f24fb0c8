"""Passwords: argon2id, hashed in a thread, and the same work whether or not the user exists."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from scripts.dev.local_supabase.auth.errors import ApiError
from scripts.dev.local_supabase.auth.forms import invalid

MIN_LENGTH = 6  # of `supabase start`
MAX_LENGTH = 72  # GoTrue's, from bcrypt
# OWASP's smallest recommended setting: 19 MiB, two passes, about 30 ms.
# Source: OWASP Password Storage Cheat Sheet, "Argon2id"
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# What the password of an unknown user is compared with; its own password is not known to anybody.
NOBODY = HASHER.hash("nobody has this password: it is longer than any that could be stored" * 2)


def check_strength(password: str) -> None:
    """Refuse a password that is too short or too long."""
    if len(password) < MIN_LENGTH:
        message = f"Password should be at least {MIN_LENGTH} characters."
        reasons = {"weak_password": {"reasons": ["length"]}}
        raise ApiError(422, "weak_password", message, extra=reasons)
    if len(password.encode()) > MAX_LENGTH:
        raise invalid(f"Password cannot be longer than {MAX_LENGTH} characters")


async def hash_password(password: str) -> str:
    """The text for auth.users.encrypted_password."""
    return await asyncio.to_thread(HASHER.hash, password)


async def is_right(stored: str | None, password: str) -> bool:
    """Whether the password belongs to the stored hash; None stands for a user who is not there."""
    return await asyncio.to_thread(_verify, stored or NOBODY, password)


def _verify(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
