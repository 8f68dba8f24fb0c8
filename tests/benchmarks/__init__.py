"""Tests of scripts/benchmarks: that it measures work that was done. Never that it was fast."""
