"""Answers recorded from the real servers, replayed against the local stack."""
