"""Measuring programs: `python -m benchmarks`. They start what they measure on this machine, and end it."""
