"""Pushes: the outbox, Web Push, and the network that keeps off private addresses."""
