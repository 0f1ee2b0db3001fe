"""All tunnels of this process: made, counted, cut and drained here.

Rule that holds here: a tunnel is in the registry from the moment both sides are joined until it ends, and never after.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

from aiohttp import web

from gateway.edge.leg import Leg
from gateway.edge.spread import spread_out
from gateway.edge.takeover import take_socket
from gateway.edge.tunnel import Tunnel, TunnelEnd

RESTART = 1012  # RFC 6455's registry: Service Restart; clients come back
REVOKED = 4403


class Tunnels:
    """The registry.

    Args:
        limit: tunnels at once; over it no upgrade is forwarded.
        stall_s: seconds one side of a tunnel may take nothing while bytes wait for it.
        on_join, on_end: told of every tunnel that begins, and that ends (for metrics).
    """

    def __init__(
        self,
        limit: int = 20_000,
        stall_s: float = 60.0,
        on_end: Callable[[Tunnel, TunnelEnd], None] | None = None,
        on_join: Callable[[], None] | None = None,
    ) -> None:
        self._limit = limit
        self._stall_s = stall_s
        self._by_door: dict[str, set[Tunnel]] = {}
        self._ids = count(1)
        self._count = 0
        self.on_end = on_end
        self.on_join = on_join

    def __len__(self) -> int:
        return self._count

    @property
    def full(self) -> bool:
        """No further tunnel may be made."""
        return self._count >= self._limit

    def at(self, door: str, visitor: str | None = None) -> list[Tunnel]:
        """The tunnels at a door, or those of one visitor there."""
        found = self._by_door.get(door, ())
        return [tunnel for tunnel in found if visitor is None or tunnel.visitor == visitor]

    def count_at(self, door: str) -> int:
        """How many tunnels a door has."""
        return len(self._by_door.get(door, ()))

    def join(self, request: web.BaseRequest, leg: Leg, head: bytes, *, door: str, visitor: str) -> Tunnel | None:
        """Make a tunnel of a request's connection and a leg that is paused behind a 101.

        head: the 101 for the client; what the upstream sent behind its own follows.
        Returns none when the client has gone; the leg is then still the caller's.
        """
        upstream = leg.transport
        tunnel = Tunnel(next(self._ids), door, visitor, self._stall_s, self._forget)
        taken = None if upstream is None or upstream.is_closing() else take_socket(request, tunnel.client)
        if taken is None or upstream is None:
            return None
        self._by_door.setdefault(door, set()).add(tunnel)
        self._count += 1
        if self.on_join is not None:
            self.on_join()
        client = taken.transport
        tunnel.client.transport = tunnel.upstream.peer = client
        tunnel.upstream.transport = tunnel.client.peer = upstream
        surplus = leg.surplus
        leg.transport = None
        upstream.set_protocol(tunnel.upstream)
        client.resume_reading()
        upstream.resume_reading()
        if taken.writing_paused:
            tunnel.client.pause_writing()
        if leg.writing_paused:
            tunnel.upstream.pause_writing()
        client.write(head)
        if surplus:
            tunnel.upstream.data_received(surplus)
        if taken.tail:
            tunnel.client.data_received(taken.tail)
        return tunnel

    def cut(self, door: str, visitor: str | None = None, code: int = REVOKED) -> int:
        """End the tunnels at a door, or those of one visitor there; returns how many there were."""
        doomed = self.at(door, visitor)
        for tunnel in doomed:
            tunnel.close(code, TunnelEnd.REVOKED)
        return len(doomed)

    async def drain(self, spread_s: float) -> int:
        """End all tunnels with 1012, evenly over `spread_s` seconds, so that not everybody comes back at once."""
        doomed = [tunnel for found in self._by_door.values() for tunnel in found]
        await spread_out([partial(tunnel.close, RESTART, TunnelEnd.DRAINED) for tunnel in doomed], spread_s)
        return len(doomed)

    def _forget(self, tunnel: Tunnel) -> None:
        found = self._by_door.get(tunnel.door)
        if found is None or tunnel not in found:
            return
        found.discard(tunnel)
        if not found:
            del self._by_door[tunnel.door]
        self._count -= 1
        if self.on_end is not None and tunnel.end is not None:
            self.on_end(tunnel, tunnel.end)
