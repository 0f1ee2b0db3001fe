"""A tunnel: a client's and an upstream's connection as one byte pipe.

Rule that holds here: bytes cross unchanged and no faster than the other side takes them; when one side ends, so does
the other, and neither outlives the tunnel. `on_close` is called once.

An idle tunnel is two transports and the three small objects below; no task, no buffer, no timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum

from gateway.edge.frames import FrameTracker, close_frame, ends_in_answer

_FLUSH_S = 5.0  # for the last bytes to a side that still takes them
_CLOSING_S = 0.5  # for a client to answer a close frame before its connection is ended hard


class TunnelEnd(StrEnum):
    """Why a tunnel ended; also the label of gateway_tunnels_total."""

    CLIENT = "client"  # the client hung up
    UPSTREAM = "upstream"  # the upstream hung up
    STALLED = "stalled"  # one side took nothing for too long
    REVOKED = "revoked"  # the pass is gone: ended, removed
    DRAINED = "drained"  # this process is going away


class PipeEnd(asyncio.Protocol):
    """One side of a tunnel: what it reads, the other side is sent."""

    __slots__ = ("bytes_read", "peer", "transport", "tunnel")

    def __init__(self, tunnel: Tunnel) -> None:
        self.tunnel = tunnel
        self.transport: asyncio.Transport | None = None
        self.peer: asyncio.Transport | None = None  # where what is read goes
        self.bytes_read = 0

    def data_received(self, data: bytes) -> None:
        self.bytes_read += len(data)
        if self.peer is not None:
            self.peer.write(data)
        elif self.transport is not None and ends_in_answer(data):
            self.transport.close()  # it was cut and told so: a browser waits for us to hang up

    def eof_received(self) -> bool:
        return False  # True would keep the half of a connection, and so the tunnel, for ever

    def pause_writing(self) -> None:
        if self.peer is not None:
            self.peer.pause_reading()
        self.tunnel.side_paused()

    def resume_writing(self) -> None:
        self.tunnel.side_resumed()
        if self.peer is not None:
            self.peer.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it was lost changes nothing
        self.tunnel.side_lost(self)


class UpstreamEnd(PipeEnd):
    """The upstream's side: also watches where its frames end, so that a close frame can follow one."""

    __slots__ = ("frames",)

    def __init__(self, tunnel: Tunnel) -> None:
        super().__init__(tunnel)
        self.frames = FrameTracker()

    def data_received(self, data: bytes) -> None:
        self.bytes_read += len(data)
        self.frames.feed(data)
        if self.peer is not None:
            self.peer.write(data)


class Tunnel:
    """One tunnel. Made by `Tunnels.join`.

    Args:
        ident: unique in this process.
        door, visitor: whose it is; empty when the route is nobody's.
        stall_s: seconds one side may take nothing while bytes wait for it.
        forget: takes the tunnel out of its registry.
    """

    __slots__ = (
        "_end",
        "_forget",
        "_stall_s",
        "_stalled",
        "client",
        "door",
        "ident",
        "on_close",
        "upstream",
        "visitor",
    )

    def __init__(self, ident: int, door: str, visitor: str, stall_s: float, forget: Callable[[Tunnel], None]) -> None:
        self.ident = ident
        self.door = door
        self.visitor = visitor
        self.client = PipeEnd(self)
        self.upstream = UpstreamEnd(self)
        self.on_close: Callable[[TunnelEnd], None] | None = None
        self._stall_s = stall_s
        self._stalled: asyncio.TimerHandle | None = None
        self._end: TunnelEnd | None = None
        self._forget = forget

    @property
    def end(self) -> TunnelEnd | None:
        """Why it ended; none while it lives."""
        return self._end

    @property
    def closed(self) -> bool:
        """The tunnel has ended, though the last bytes may still be on their way out."""
        return self._end is not None

    @property
    def bytes_up(self) -> int:
        """From the client to the upstream."""
        return self.client.bytes_read

    @property
    def bytes_down(self) -> int:
        """From the upstream to the client."""
        return self.upstream.bytes_read

    def close(self, code: int, end: TunnelEnd = TunnelEnd.REVOKED) -> None:
        """Cut both sides now.

        code: told to the client in a close frame (4403 revoked, 1012 restart) where the upstream's last frame is
        whole; it then has half a second to answer. Its own bytes go nowhere, but where this process goes away: there
        its answer, a close frame, has the upstream close in good order.
        """
        client, upstream = self.client.transport, self.upstream.transport
        if self.closed or client is None:
            return
        is_told = self.upstream.frames.between_frames
        if is_told:
            client.write(close_frame(code))
            client.resume_reading()
            asyncio.get_running_loop().call_later(_CLOSING_S, client.abort)
        else:
            client.abort()
        self._finish(end)
        if is_told and end is TunnelEnd.DRAINED and upstream is not None:
            self.client.peer = upstream
            asyncio.get_running_loop().call_later(_CLOSING_S, upstream.abort)
        else:
            _abort(upstream)

    def side_paused(self) -> None:
        """One side's write buffer is full."""
        if self._stalled is None and not self.closed:
            self._stalled = asyncio.get_running_loop().call_later(self._stall_s, self._stall)

    def side_resumed(self) -> None:
        """One side takes bytes again."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def side_lost(self, side: PipeEnd) -> None:
        """One side's connection is gone: flush and end the other."""
        side.transport = None
        if self.closed:
            return
        other = self.upstream if side is self.client else self.client
        transport = other.transport
        self._finish(TunnelEnd.CLIENT if side is self.client else TunnelEnd.UPSTREAM)
        if transport is None:
            return
        transport.close()
        if transport.get_write_buffer_size() > 0:
            asyncio.get_running_loop().call_later(_FLUSH_S, transport.abort)

    def _stall(self) -> None:
        self._finish(TunnelEnd.STALLED)
        _abort(self.client.transport)
        _abort(self.upstream.transport)

    def _finish(self, end: TunnelEnd) -> None:
        self._end = end
        self.side_resumed()
        self.client.peer = self.upstream.peer = None
        self._forget(self)
        told, self.on_close = self.on_close, None
        if told is not None:
            told(end)


def _abort(transport: asyncio.Transport | None) -> None:
    if transport is not None:
        transport.abort()
