"""PostgREST 14.12 as far as a recording or a test needs it; see README.md."""

from scripts.dev.local_supabase.rest.app import open_rest

__all__ = ["open_rest"]
