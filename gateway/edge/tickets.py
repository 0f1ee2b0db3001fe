"""Visitors whose client sends no cookies: a ticket in the path says who they are.

Rule that holds here: below a ticket it is the only pass there is; the request's cookies say nothing. What it opens is
asked of the door at every request, as with any pass.
"""

from __future__ import annotations

from gateway import clock
from gateway.edge.cookies import Jar
from gateway.edge.parts import Call, Parts
from gateway.edge.requests import ReadHead
from gateway.signing import Pass, Signing
from rules.tickets import PREFIX


def ticket_prefix(signing: Signing, given: Pass, *, is_static: bool = False) -> str:
    """What the paths of this visitor's requests begin with, made now, without a slash behind it.

    `is_static`: the store is away, and what was true a short while ago still is: the ticket is as old as the pass.
    """
    return PREFIX + signing.sign_ticket(given, given.issued_at_ms if is_static else clock.now_ms())


def jar_of(parts: Parts, ticket: str) -> Jar:
    """What is known of whoever comes with this ticket: no cookie, and no pass where it is not ours or too old."""
    return Jar({}, parts.names, parts.signing, parts.signing.read_ticket(ticket, clock.now_ms()))


def go_by_ticket(parts: Parts, call: Call, head: ReadHead, ticket: str, path: str) -> None:
    """Have this request be the one that it is without its ticket, of whom the ticket says."""
    call.path, call.target = path, head.raw_target.removeprefix(PREFIX + ticket)
    call.jar, call.by_ticket = jar_of(parts, ticket), True
