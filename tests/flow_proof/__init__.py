"""Tests of the proof that every flow must pass before it is published."""
