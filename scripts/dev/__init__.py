"""Servers for one machine: the local Supabase, the sandbox, the demo."""
