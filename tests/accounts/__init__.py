"""Logins, cards and accounts."""
