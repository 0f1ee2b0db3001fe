"""The demonstration: a small video platform of our own, a clinic, and the gateway between, on one command.

Rule that holds here: the platform knows nothing of links or passes; it believes the gateway's signed headers alone.
"""
