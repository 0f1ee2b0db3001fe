"""Tickets: a visitor's pass at the beginning of a path, for clients that send no cookies.

Rule that holds here: a ticket is a key. It is taken off the path before anything else reads it, and wherever an address
that holds one could go on by itself - to the platform, into a Referer - it goes no further.
"""

from __future__ import annotations

PREFIX = "/-/as/"


def cut_ticket(path: str) -> tuple[str, str] | None:
    """The ticket of a raw path and the path that it is for; none where it is below no ticket."""
    if not path.startswith(PREFIX):
        return None
    ticket, slash, rest = path[len(PREFIX) :].partition("/")
    return (ticket, slash + rest) if ticket and slash else None


def holds_ticket(address: bytes) -> bool:
    """Whether an address in a header, such as Referer, may hold a ticket."""
    return PREFIX.encode() in address
