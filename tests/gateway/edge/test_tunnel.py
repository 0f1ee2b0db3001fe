"""A WebSocket upgrade becomes a byte pipe that neither side outlives."""

from __future__ import annotations

import asyncio
import os

import pytest

from gateway.edge.address import UpstreamLimits
from gateway.edge.frames import close_frame
from gateway.edge.tunnel import Tunnel, TunnelEnd
from gateway.edge.tunnels import RESTART, Tunnels
from tests.gateway.edge.scripted import Gateway, Origin, Setting, gateway, origin
from tests.gateway.edge.wire import WAIT_S, Wire, eventually

HOST = b"Host: gate.example\r\n"
OURS = b"Origin: http://gate.example\r\n"
KEY = b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"
UPGRADE = b"GET /ws HTTP/1.1\r\n" + HOST + OURS + b"Upgrade: websocket\r\nConnection: Upgrade\r\n" + KEY + b"\r\n"
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: y\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
)
HELLO = b"\x81\x05hello"


async def opened(
    gate: Gateway, platform: Origin, *, tail: bytes = b"", surplus: bytes = b""
) -> tuple[Wire, Wire, Tunnel]:
    """A tunnel: the client's side, the upstream's side, and the gateway's view."""
    client = await gate.client()
    await client.send(UPGRADE + tail)
    leg = await platform.accept()
    await leg.head()
    await leg.send(SWITCHED + surplus)
    assert (await client.head()).status == 101
    newest = max(gate.tunnels.at("d1", "v1"), key=lambda tunnel: tunnel.ident)
    return client, leg, newest


async def over(tunnel: Tunnel) -> TunnelEnd:
    """Why the tunnel ended, once it has."""
    await eventually(lambda: tunnel.closed)
    assert tunnel.end is not None
    return tunnel.end


async def test_the_handshake_crosses_with_its_own_headers() -> None:
    """Key, version and protocol both ways; Upgrade and Connection are added again."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(UPGRADE)
        leg = await platform.accept()
        asked = await leg.head()
        assert (asked.one("Upgrade"), asked.one("Connection")) == ("websocket", "Upgrade")
        assert (asked.one("Sec-WebSocket-Key"), asked.one("Content-Length")) == ("x", None)
        await leg.send(SWITCHED)
        head = await client.head()
        assert head.first == "HTTP/1.1 101 Switching Protocols"
        assert (head.one("Sec-WebSocket-Accept"), head.one("Sec-WebSocket-Protocol")) == ("y", "chat")
        assert (head.one("Upgrade"), head.one("Connection")) == ("websocket", "Upgrade")


async def test_bytes_cross_exactly_both_ways() -> None:
    """Whatever they are, however they are cut."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, tunnel = await opened(gate, platform)
        up, down = os.urandom(300_000), os.urandom(300_000)
        client.writer.write(up)
        leg.writer.write(down)
        assert await leg.read(len(up)) == up
        assert await client.read(len(down)) == down
        assert (tunnel.bytes_up, tunnel.bytes_down) == (len(up), len(down))


async def test_surplus_bytes_behind_the_101_are_not_lost() -> None:
    """Both sides may speak in the same packet as the handshake."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, tunnel = await opened(gate, platform, tail=b"early", surplus=HELLO)
        assert await client.read(len(HELLO)) == HELLO
        assert await leg.read(5) == b"early"
        assert (tunnel.bytes_up, tunnel.bytes_down) == (5, len(HELLO))


async def test_a_long_tail_before_the_101_is_not_lost() -> None:
    """Even one that made aiohttp stop reading."""
    tail = os.urandom(400_000)
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        client.writer.write(UPGRADE + tail)
        leg = await platform.accept()
        await leg.head()
        await leg.send(SWITCHED)
        assert await leg.read(len(tail)) == tail


@pytest.mark.parametrize("side", ["client", "upstream"])
@pytest.mark.parametrize("how", ["close", "abort", "half-close"])
async def test_when_one_side_ends_so_does_the_other(side: str, how: str) -> None:
    """Orderly, by a reset, or by half: nothing is left."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, tunnel = await opened(gate, platform)
        ends: list[TunnelEnd] = []
        tunnel.on_close = ends.append
        this, other = (client, leg) if side == "client" else (leg, client)
        this.writer.write(b"last words")
        if how == "half-close":
            this.writer.write_eof()
        elif how == "close":
            this.writer.close()
        else:
            assert await other.read(10) == b"last words"
            this.abort()
        assert await other.gone() == (b"" if how == "abort" else b"last words")
        assert ends == [TunnelEnd(side)]
        assert (len(gate.tunnels), gate.tunnels.at("d1")) == (0, [])
        assert gate.upstream is not None
        assert gate.upstream.lent == 0
        await eventually(lambda: tunnel.client.transport is None and tunnel.upstream.transport is None)


async def test_a_cut_tells_the_client_and_ends_both_sides_within_a_second() -> None:
    """Between two frames of the upstream's a close frame is possible."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, tunnel = await opened(gate, platform, surplus=HELLO)
        ends: list[TunnelEnd] = []
        tunnel.on_close = ends.append
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert gate.tunnels.cut("d1", "v1") == 1
        assert ends == [TunnelEnd.REVOKED]
        client.writer.write(b"still talking")
        assert await client.gone() == HELLO + close_frame(4403)
        assert await leg.gone() == b""
        assert loop.time() - began < 1.0
        assert len(gate.tunnels) == 0


async def test_a_client_that_answers_a_cut_is_let_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser calls its socket closed only when the other side has hung up."""
    monkeypatch.setattr("gateway.edge.tunnel._CLOSING_S", 60.0)
    async with origin() as platform, gateway(platform.address) as gate:
        client, _, tunnel = await opened(gate, platform)
        tunnel.close(4403)
        assert await client.read(len(close_frame(4403))) == close_frame(4403)
        await client.send(b"\x81\x80\x00\x00\x00\x00")
        await client.send(b"\x88\x82\x00\x00\x00\x00\x11\x33")
        assert await client.gone() == b""


async def test_a_cut_within_a_frame_is_hard() -> None:
    """A close frame there would become part of a message."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, tunnel = await opened(gate, platform, surplus=HELLO[:4])
        assert await client.read(4) == HELLO[:4]
        tunnel.close(4403)
        assert await client.gone() == b""
        assert await leg.gone() == b""


async def test_a_cut_ends_even_a_stalled_tunnel_within_a_second() -> None:
    """A client that reads nothing is no reason to stay."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, tunnel = await opened(gate, platform)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        leg.writer.write(bytes((0x82, 127)) + (20_000_000).to_bytes(8, "big") + bytes(20_000_000))
        await eventually(lambda: tunnel.client.transport is not None and bool(tunnel._stalled))
        loop = asyncio.get_running_loop()
        began = loop.time()
        tunnel.close(4403)
        await leg.gone()
        await eventually(lambda: tunnel.client.transport is None)
        assert loop.time() - began < 1.0


async def test_a_cut_takes_only_whom_it_names() -> None:
    """One visitor's tunnels at one door; then the door's."""
    async with origin() as platform, gateway(platform.address) as gate:
        await opened(gate, platform)
        assert gate.tunnels.cut("d1", "somebody else") == 0
        assert gate.tunnels.cut("another door") == 0
        assert len(gate.tunnels) == 1
        assert gate.tunnels.cut("d1") == 1


async def test_draining_ends_all_with_a_restart() -> None:
    """1012: clients come back to another process."""
    async with origin() as platform, gateway(platform.address) as gate:
        ended: list[TunnelEnd] = []
        gate.tunnels.on_end = lambda _tunnel, end: ended.append(end)
        clients = []
        for _ in range(3):
            client = await gate.client()
            await client.send(UPGRADE)
            leg = await platform.accept()
            await leg.head()
            await leg.send(SWITCHED)
            await client.head()
            clients.append(client)
        assert await gate.tunnels.drain(0.1) == 3
        for client in clients:
            assert await client.gone() == close_frame(RESTART)
        assert ended == [TunnelEnd.DRAINED] * 3


async def test_a_drained_client_closes_towards_the_platform_in_good_order() -> None:
    """Its answer to the close frame, masked as only a client's is, is the last the platform hears."""
    answer = b"\x88\x82\x00\x00\x00\x00\x03\xf4"
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, tunnel = await opened(gate, platform, surplus=HELLO)
        assert await gate.tunnels.drain(0) == 1
        assert tunnel.end is TunnelEnd.DRAINED
        told = HELLO + close_frame(RESTART)
        assert await client.read(len(told)) == told
        await client.send(answer)
        assert await leg.gone() == answer
        assert await client.gone() == b""
        await eventually(lambda: tunnel.client.transport is None and tunnel.upstream.transport is None)


@pytest.mark.parametrize("side", ["client", "upstream"])
async def test_behind_a_stalled_side_nothing_piles_up(side: str) -> None:
    """A flood is held back at its source; all of it arrives in the end."""
    size = 20_000_000
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, tunnel = await opened(gate, platform)
        slow, fast = (client, leg) if side == "client" else (leg, client)
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
        fast.writer.write(bytes((0x82, 127)) + (size - 10).to_bytes(8, "big") + bytes(size - 10))  # one long frame
        end = tunnel.client if side == "client" else tunnel.upstream
        await eventually(lambda: bool(tunnel._stalled))
        assert end.transport is not None
        assert end.transport.get_write_buffer_size() < 600_000
        slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
        got = 0
        async with asyncio.timeout(4 * WAIT_S):
            while got < size:
                got += len(await slow.reader.read(2**20))
        assert got == size
        assert not tunnel.closed


async def test_a_side_that_stalls_for_too_long_ends_the_tunnel() -> None:
    """A paused pipe would not notice that its ends are dead."""
    async with origin() as platform, gateway(platform.address, Setting(tunnels=Tunnels(stall_s=0.1))) as gate:
        client, leg, tunnel = await opened(gate, platform)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        leg.writer.write(bytes((0x82, 127)) + (20_000_000).to_bytes(8, "big") + bytes(20_000_000))
        assert await over(tunnel) is TunnelEnd.STALLED
        await leg.gone()


async def test_a_client_that_left_before_the_101_leaves_no_tunnel() -> None:
    """The leg is closed, nothing is registered."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(UPGRADE)
        leg = await platform.accept()
        await leg.head()
        client.abort()
        assert await leg.gone() == b""
        assert len(gate.tunnels) == 0


async def test_over_the_cap_no_upgrade_is_forwarded() -> None:
    """503 while all tunnels are taken."""
    async with origin() as platform, gateway(platform.address, Setting(tunnels=Tunnels(limit=1))) as gate:
        client, _, _ = await opened(gate, platform)
        assert (await gate.ask(UPGRADE)).status == 503
        client.abort()
        await eventually(lambda: len(gate.tunnels) == 0)
        await opened(gate, platform)


async def test_a_tunnel_takes_no_place_of_a_request() -> None:
    """max_connections is for exchanges."""
    async with origin() as platform, gateway(platform.address, Setting(UpstreamLimits(max_connections=1))) as gate:
        await opened(gate, platform)
        await opened(gate, platform)
        assert len(gate.tunnels) == 2
