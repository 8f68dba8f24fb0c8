"""Tests of functions_sql/48_screens."""
