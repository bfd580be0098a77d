"""Suites for pytest-benchmark."""
