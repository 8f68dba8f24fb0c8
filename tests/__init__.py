"""The tests; folders repeat those of supabase/functions_sql."""
