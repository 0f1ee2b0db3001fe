"""One upstream: its connections, kept alive and lent out, the one used last first.

Rule that holds here: at most `max_connections` legs are lent out or idle at once, and each lent leg comes back by
exactly one of `give_back`, `discard` and `let_go`. A request that must not be sent twice never gets a leg that has
been idle long enough for the origin to be closing it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque

from gateway.edge.address import UpstreamAddress, UpstreamLimits
from gateway.edge.away import AwayKind, UpstreamAway
from gateway.edge.health import Health, HealthRules
from gateway.edge.leg import Leg

_IDLE_S = 60.0  # an idle leg older than this is closed rather than lent
_SURELY_OPEN_S = 1.0  # no server in use closes an idle connection sooner


class Upstream:
    """The pool of legs to one origin.

    Args:
        address: where it is.
        limits: time and room.
        context: verifies an https origin; none takes the system's authorities.
        health: what is thought of it; whoever lends a leg tells it how that went.
    """

    def __init__(
        self,
        address: UpstreamAddress,
        limits: UpstreamLimits | None = None,
        context: ssl.SSLContext | None = None,
        health: Health | None = None,
    ) -> None:
        self.address = address
        self.health = health or Health(HealthRules(), lambda _kind: None)
        self.limits = limits or UpstreamLimits()
        self._context = (context or ssl.create_default_context()) if address.tls else None
        self._idle: list[Leg] = []
        self._waiting: deque[asyncio.Future[Leg | None]] = deque()
        self._taken = 0  # lent out, or being opened

    @property
    def lent(self) -> int:
        """Legs in use now."""
        return self._taken

    @property
    def idle(self) -> int:
        """Legs kept for the next request."""
        return sum(leg.usable for leg in self._idle)

    async def take(self, *, replayable: bool) -> Leg:
        """Lend a leg, open a new one, or wait for a turn; all within connect_s.

        replayable: the request may be sent a second time, so a leg that turns out to be closed does no harm.
        Raises UpstreamAway: connect, tls, timeout, or full when no turn came.
        """
        leg = self.take_idle(replayable=replayable)
        if leg is not None:
            return leg
        now = asyncio.get_running_loop().time()
        self.health.asked(now)
        until = now + self.limits.connect_s
        try:
            async with asyncio.timeout_at(until):
                leg = await self._place()
        except TimeoutError as error:
            raise UpstreamAway(AwayKind.FULL, "no turn in time") from error
        return leg or await self._open(until)

    def take_idle(self, *, replayable: bool) -> Leg | None:
        """Lend a leg that is open already, or none."""
        leg = self._pop_idle(replayable)
        if leg is not None:
            self._taken += 1
            if self.health.aside:
                self.health.asked(asyncio.get_running_loop().time())
        return leg

    async def replace(self, leg: Leg) -> Leg:
        """Close a leg that turned out to be dead and open a new one in its place. Raises UpstreamAway as `take`."""
        leg.abort()
        return await self._open(asyncio.get_running_loop().time() + self.limits.connect_s)

    def give_back(self, leg: Leg, *, reusable: bool) -> None:
        """A leg whose exchange is complete; kept if it can serve another, and the origin lets it (`reusable`)."""
        self.health.succeeded()
        if not (leg.release() and reusable):
            self.discard(leg)
            return
        leg.idle_since = asyncio.get_running_loop().time()
        self._offer(leg)

    def discard(self, leg: Leg) -> None:
        """A leg that cannot serve another exchange is closed at once."""
        leg.abort()
        self.let_go()

    def let_go(self) -> None:
        """A leg has left the pool (it became a tunnel); its place is free."""
        self._taken -= 1
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)
                return

    async def probe(self) -> UpstreamAway | None:
        """Whether a connection can be opened now; the reason if not. For /readyz; counts for no place."""
        try:
            leg = await self._connect(asyncio.get_running_loop().time() + self.limits.connect_s)
        except UpstreamAway as away:
            return away
        leg.abort()
        return None

    def close(self) -> None:
        """Close the idle legs; those lent out end with their exchanges."""
        idle, self._idle = self._idle, []
        for leg in idle:
            leg.abort()

    def _pop_idle(self, replayable: bool) -> Leg | None:
        oldest = asyncio.get_running_loop().time() - (_IDLE_S if replayable else _SURELY_OPEN_S)
        while self._idle:
            leg = self._idle[-1]
            usable = leg.usable
            if usable and leg.idle_since < oldest:
                if replayable:
                    self.close()  # the newest is too old, so all are
                return None
            self._idle.pop()
            if usable:
                return leg
        return None

    async def _place(self) -> Leg | None:
        """A place for one more leg; where another's leg came with it, that one."""
        if self._taken + len(self._idle) >= self.limits.max_connections:
            self._shed_idle()
        if self._taken >= self.limits.max_connections:
            leg = await self._turn()
            return leg if leg is not None and leg.usable else None
        self._taken += 1
        return None

    def _shed_idle(self) -> None:
        """Make room: close what cannot be lent for this request."""
        usable = [leg for leg in self._idle if leg.usable]
        while usable and self._taken + len(usable) >= self.limits.max_connections:
            usable.pop(0).abort()
        self._idle = usable

    async def _turn(self) -> Leg | None:
        """Wait for a leg given back (it is ours then) or a free place (taken for us)."""
        turn: asyncio.Future[Leg | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came in the very moment the wait ended: pass it on
                leg = turn.result()
                if leg is None:
                    self.let_go()
                else:
                    self._offer(leg)
            raise

    def _offer(self, leg: Leg) -> None:
        """Hand a leg that can serve to who waits longest, or keep it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(leg)
                return
        self._taken -= 1
        self._idle.append(leg)

    async def _open(self, until: float) -> Leg:
        """Open a leg in a place that is taken already; gives the place back when that fails."""
        try:
            return await self._connect(until)
        except UpstreamAway as away:
            self.let_go()
            self.health.failed(away.kind, asyncio.get_running_loop().time())
            raise
        except BaseException:
            self.let_go()
            raise

    async def _connect(self, until: float) -> Leg:
        loop = asyncio.get_running_loop()
        address = self.address
        try:
            async with asyncio.timeout_at(until):
                if address.path:
                    _, leg = await loop.create_unix_connection(Leg, address.path)
                else:
                    _, leg = await loop.create_connection(Leg, address.host, address.port, ssl=self._context)
        except ssl.SSLError as error:
            raise _refused(error) from error
        except TimeoutError as error:
            raise UpstreamAway(AwayKind.TIMEOUT, "no connection in time", "connection_timeout") from error
        except socket.gaierror as error:
            raise UpstreamAway(AwayKind.CONNECT, "its name is not known", "dns_error") from error
        except OSError as error:
            said = "connection_refused" if isinstance(error, ConnectionRefusedError) else "destination_unavailable"
            raise UpstreamAway(AwayKind.CONNECT, error.strerror or type(error).__name__, said) from error
        return leg


def _refused(error: ssl.SSLError) -> UpstreamAway:
    """In the library's words: which check of the certificate failed, or which step of the handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return UpstreamAway(AwayKind.TLS, f"its certificate is refused: {error.verify_message}")
    return UpstreamAway(AwayKind.TLS, error.reason or "handshake failed", "tls_protocol_error")
