"""Tests of functions_sql/45_safety."""
