"""Supabase Storage 1.11.2 as far as a recording or a test needs it; see README.md."""

from scripts.dev.local_supabase.storage.app import open_storage

__all__ = ["open_storage"]
