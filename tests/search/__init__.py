"""Tests of functions_sql/33_search."""
