"""Tests of functions_sql/32_files: files of messages and of submitted work, without bytes."""
