"""The demonstration: a small video platform of our own, to have something real behind the gateway.

Rule that holds here: the platform knows nothing of links or passes; it believes the gateway's signed headers alone.
"""
