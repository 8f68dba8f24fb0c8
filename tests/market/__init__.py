"""Tests of functions_sql/38_market."""
