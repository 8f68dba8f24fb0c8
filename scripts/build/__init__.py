"""Writes migrations, their lock, tables and pages from the sources."""
