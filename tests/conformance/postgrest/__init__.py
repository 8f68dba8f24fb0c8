"""What a real PostgREST 14.12 answered, and the means to ask again and compare.

`goldens.jsonl` has one request and response a line, `schema.sql` and `seed.sql` the database
behind them.
"""
