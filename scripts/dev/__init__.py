"""What the commands start: the local Supabase, the sandbox, the demo."""
