"""What a real Supabase Storage 1.11.2 answered, and the means to ask again and compare.

`goldens.jsonl` has one request and response a line, in the order in which they were recorded: later
ones use what earlier ones made. `fixture.sql` has the buckets and policies behind them.
"""
