"""The rules of the link gateway: pure decisions about doors.

Nothing in this package does I/O, reads a clock, draws a random number or logs. Time, identifiers and
limits are arguments. The shell (package ``gateway``) reads the facts, asks here, and writes what it is told.
"""
