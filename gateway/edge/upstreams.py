"""All upstreams of this process: made of their addresses, chosen by door and by health.

Rule that holds here: of several addresses, all requests of one door go to the same one while it answers, so that the
people of a call meet in one place; what belongs to no door goes where the fewest requests are under way. One that
keeps failing is set aside (gateway.edge.health). Where an address names a door it is forgotten once nobody uses it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

from gateway.edge.address import UpstreamLimits, parse_upstream
from gateway.edge.away import AwayKind, UpstreamAway
from gateway.edge.health import Health, HealthRules
from gateway.edge.upstream import Upstream

ROUTES_OWN = "route"  # the label of every upstream that a route names
_MOST_KEPT = 1024

OnAside = Callable[[str, AwayKind | None], None]


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """What all upstreams have in common.

    context: verifies https origins; none takes the system's authorities.
    """

    limits: UpstreamLimits
    health: HealthRules
    context: ssl.SSLContext | None = None


class Upstreams:
    """Every upstream of this process.

    Args:
        general: the addresses for routes that name none of their own.
        settings: for all of them.
        on_aside: told the label of an upstream ("1" for the first general one, and so on; "route") that is set aside,
            with the kind of its last failure, or is back, with none.
    """

    def __init__(self, general: Sequence[str], settings: UpstreamSettings, on_aside: OnAside) -> None:
        self._settings = settings
        self._on_aside = on_aside
        self._general = [self._make(url, str(number)) for number, url in enumerate(general, 1)]
        self._of_routes: dict[str, list[Upstream]] = {}

    def __call__(self, address: str = "", door: str = "", tried: Collection[Upstream] = ()) -> Upstream:
        """The upstream to ask.

        address: as a route gives it, several separated by spaces; empty for the general ones.
        door: its id, where the request is for one.
        tried: those that could not be reached; the last of them again where no other is left.
        """
        members = self._members(address)
        if len(members) == 1:
            return members[0]
        now = asyncio.get_running_loop().time()
        ranked = [each for each in _ranked(members, door) if each not in tried] or [*tried][-1:]
        healthy = (each for each in ranked if each.health.may_be_asked(now))
        return next(healthy, None) or min(ranked, key=lambda each: each.health.aside_until)

    async def probe(self) -> UpstreamAway | None:
        """Whether any general upstream can be reached now; why not, of the last one asked. For /readyz."""
        away = None
        for upstream in sorted(self._general, key=lambda each: each.health.aside):
            away = await upstream.probe()
            if away is None:
                return None
        return away

    def close(self) -> None:
        """Close all idle legs; those lent out end with their exchanges."""
        for members in ([*self._general], *self._of_routes.values()):
            for upstream in members:
                upstream.close()

    def _members(self, address: str) -> list[Upstream]:
        if not address:
            return self._general
        members = self._of_routes.get(address)
        if members is None:
            if len(self._of_routes) >= _MOST_KEPT:
                self._forget_unused()
            members = self._of_routes[address] = [self._make(url, ROUTES_OWN) for url in address.split()]
        return members

    def _make(self, url: str, label: str) -> Upstream:
        settings = self._settings
        health = Health(settings.health, partial(self._on_aside, label))
        return Upstream(parse_upstream(url), settings.limits, settings.context, health)

    def _forget_unused(self) -> None:
        for address, members in [*self._of_routes.items()]:
            if any(upstream.lent for upstream in members):
                continue
            for upstream in members:
                upstream.close()
                upstream.health.succeeded()  # nobody will find out: it is not counted as aside for ever
            del self._of_routes[address]


def _ranked(members: list[Upstream], door: str) -> list[Upstream]:
    """In the order in which they are asked: the door's own order, the same in every process (rendezvous hashing)."""
    if not door:
        return sorted(members, key=lambda each: each.lent)
    weights = {id(each): _weight(door, number) for number, each in enumerate(members)}
    return sorted(members, key=lambda each: weights[id(each)])


def _weight(door: str, number: int) -> bytes:
    return blake2b(f"{number} {door}".encode(), digest_size=8).digest()
