"""Tests of functions_sql/55_cleanup."""
