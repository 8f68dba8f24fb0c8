"""Recordings of Supabase Realtime, and what replays them."""
