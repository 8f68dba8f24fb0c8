"""Pushes: the outbox, Web Push, and a network without private addresses."""
