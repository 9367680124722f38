"""Benchmarks: every figure a ratio, both sides measured in one run on one machine."""
