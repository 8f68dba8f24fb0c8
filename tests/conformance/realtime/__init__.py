"""Recordings of Supabase Realtime v2.129.8, and what replays them.

`transcripts/` has one recording a file (replay.py tells their form), `sample_schema.sql` the
database behind them. A new recording is replayed as soon as its file is there; one that the local
server does not follow is named in `LEFT_OUT` of ../test_realtime.py, with the reason.
"""
