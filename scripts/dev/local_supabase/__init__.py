"""A Supabase on one machine without Docker, for development and tests. Never for production."""
