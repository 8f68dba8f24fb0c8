"""Real SDKs and HTTP against a running Supabase."""
