"""Measures every figure of the product beside its limit, in one run: ``python -m benchmarks``."""
