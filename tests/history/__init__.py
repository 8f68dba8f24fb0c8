"""Tests of functions_sql/46_history, and of the tables that only grow."""
