"""Benchmarks: our commands beside their peers in one run, as ratios."""
