"""Tests of the functions that clients call about deals, and of what deals leave in the tables."""
