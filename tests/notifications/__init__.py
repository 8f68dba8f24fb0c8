"""Tests of functions_sql/35_notifications."""
