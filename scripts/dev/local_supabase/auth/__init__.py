"""The part of Supabase Auth (GoTrue) that Parley and its tests use: e-mail and password."""

from __future__ import annotations

from scripts.dev.local_supabase.auth.app import open_auth

__all__ = ["open_auth"]
