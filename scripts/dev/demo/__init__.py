"""Starts everything on one machine and shows two people at work; `./scripts/run`."""
