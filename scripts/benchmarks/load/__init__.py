"""Clients with real websockets against a Supabase: what they hear, how soon, and what is lost."""
