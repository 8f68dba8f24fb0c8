"""Tests of functions_sql/25_points."""
