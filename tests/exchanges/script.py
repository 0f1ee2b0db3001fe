"""The language of scripted exchanges: a name, and what each end says, hears and does, in order.

Rule that holds here: bytes are compared whole. Only what differs from run to run is replaced before: the request id by
`ID`, what identifies a person by `WHO`. An exchange that has left bytes unread at the client has failed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.exchanges.peers import Origin, Peer, connect

HOST = b"Host: gate.example\r\n"
REQUEST_ID = b"X-Request-Id: ID\r\n"
NEARLY_OURS_UP = (
    b"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: gate.example\r\n"
    b"Via: 1.1 link-gateway\r\n"
)  # behind these come the lines of identity, where somebody was admitted
OURS_UP = NEARLY_OURS_UP + REQUEST_ID
OURS_DOWN = b"Via: 1.1 link-gateway\r\nX-Gateway-Verdict: forward; reason=asset\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CLOSE = b"Connection: close\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
OK_DOWN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + OURS_DOWN + b"\r\nok"

_REQUEST_ID = re.compile(rb"(X-Request-Id: )[^\r]+")
_WHO = re.compile(rb"(X-Gateway-(?:Visitor|Role|Door|Name|Signature): )[^\r]+")


@dataclass
class Stage:
    """Where one exchange is played. `leg` is the origin's connection that was heard last."""

    port: int
    origin: Origin
    cookie: bytes = b""
    alias: bytes = b""
    client: Peer | None = None
    leg: Peer | None = None
    clients: list[Peer] = field(default_factory=list)

    async def at_client(self) -> Peer:
        if self.client is None:
            self.client = await connect(self.port)
            self.clients.append(self.client)
        return self.client

    async def at_leg(self) -> Peer:
        if self.leg is None:
            self.leg = await self.origin.accept()
        return self.leg

    def filled(self, raw: bytes) -> bytes:
        """With the host's cookie and the room's alias."""
        return raw.replace(b"COOKIE", self.cookie).replace(b"ALIAS", self.alias)


Step = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Exchange:
    """One named exchange."""

    name: str
    steps: tuple[Step, ...]


def exchange(name: str, *steps: Step) -> Exchange:
    return Exchange(name, steps)


async def play(exchange: Exchange, stage: Stage) -> None:
    """Play it to its end. Raises AssertionError that says at which step it failed."""
    for number, step in enumerate(exchange.steps, 1):
        try:
            await step(stage)
        except (AssertionError, TimeoutError) as error:
            heard = [bytes(peer.data[:300]) for peer in (stage.client, stage.leg) if peer is not None]
            raise AssertionError(f"step {number}: {type(error).__name__} {error}; unread {heard}") from None
    if stage.client is not None:
        assert not stage.client.data, f"unread at the client: {bytes(stage.client.data[:300])!r}"


# --- requests and their heads ---------------------------------------------------------------------------------
def request(
    *lines: bytes, method: bytes = b"GET", target: bytes = b"/static/x", version: bytes = b"1.1", body: bytes = b""
) -> bytes:
    """A request of a client's; lines without their ends."""
    return b"%b %b HTTP/%b\r\n" % (method, target, version) + HOST + _lines(lines) + b"\r\n" + body


def forwarded(*lines: bytes, method: bytes = b"GET", target: bytes = b"/static/x", last: bytes = b"") -> bytes:
    """The head as the origin must see it; `last` stands behind our lines."""
    return b"%b %b HTTP/1.1\r\n" % (method, target) + HOST + _lines(lines) + OURS_UP + last + b"\r\n"


def answer(*lines: bytes, status: bytes = b"200 OK", body: bytes = b"") -> bytes:
    """An answer of an origin's."""
    return b"HTTP/1.1 %b\r\n" % status + _lines(lines) + b"\r\n" + body


def relayed(*lines: bytes, status: bytes = b"200 OK", last: bytes = b"", body: bytes = b"") -> bytes:
    """The answer as the client must see it; `last` stands behind our lines."""
    return b"HTTP/1.1 %b\r\n" % status + _lines(lines) + OURS_DOWN + last + b"\r\n" + body


def _lines(lines: tuple[bytes, ...]) -> bytes:
    return b"".join(line + b"\r\n" for line in lines)


# --- steps: the client ----------------------------------------------------------------------------------------
def ask(raw: bytes) -> Step:
    """The client sends."""

    async def step(stage: Stage) -> None:
        (await stage.at_client()).send(stage.filled(raw))

    return step


def got(expected: bytes) -> Step:
    """The client hears exactly these bytes."""

    async def step(stage: Stage) -> None:
        heard = await (await stage.at_client()).read(len(expected))
        assert heard == expected, f"the client heard {heard!r}, not {expected!r}"

    return step


def got_status(status: int, mark: bytes = b"") -> Step:
    """The client hears an answer of the gateway's own; its text is not compared, but `mark` stands in it."""

    async def step(stage: Stage) -> None:
        client = await stage.at_client()
        head = await client.read_until(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.1 %d " % status, b"HTTP/1.0 %d " % status)), f"the client heard {head!r}"
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = await client.read(int(length[1]) if length else 0)
        assert mark in head + body, f"{mark!r} is not in {head + body!r}"
        assert b"aiohttp" not in head

    return step


def client_ended(how: str) -> Step:
    """The gateway ends the client's connection: "eof" or "reset"."""

    async def step(stage: Stage) -> None:
        client = await stage.at_client()
        assert not await client.until(lambda: client.data), f"unread: {bytes(client.data[:300])!r}"
        assert client.ended == how, f"the client's connection ended by {client.ended or 'nothing'}"

    return step


async def leave(stage: Stage) -> None:
    """The client closes its connection."""
    (await stage.at_client()).close()


async def crash(stage: Stage) -> None:
    """The client's connection is reset."""
    (await stage.at_client()).reset()


async def another_client(stage: Stage) -> None:
    """From now on another client speaks."""
    stage.client = None


# --- steps: the origin ----------------------------------------------------------------------------------------
def saw(expected: bytes) -> Step:
    """The origin hears exactly this head; on a new connection when it has none."""

    async def step(stage: Stage) -> None:
        leg = await stage.at_leg()
        heard = _WHO.sub(rb"\1WHO", _REQUEST_ID.sub(rb"\1ID", await leg.read_until(b"\r\n\r\n")))
        wanted = stage.filled(expected)
        assert heard == wanted, f"the origin heard {heard!r}, not {wanted!r}"

    return step


def saw_body(expected: bytes) -> Step:
    """The origin hears exactly these bytes behind the head."""

    async def step(stage: Stage) -> None:
        heard = await (await stage.at_leg()).read(len(expected))
        assert heard == expected, f"the origin heard {heard!r}, not {expected!r}"

    return step


def saw_chunks(content: bytes, *trailers: bytes) -> Step:
    """The origin hears this content in chunks of whatever size, and then these trailers."""

    async def step(stage: Stage) -> None:
        leg = await stage.at_leg()
        heard = b""
        while size := int(await leg.read_until(b"\r\n") or b"0", 16):
            heard += (await leg.read(size + 2))[:-2]
        lines = b""
        while (line := await leg.read_until(b"\r\n")) not in {b"\r\n", b""}:
            lines += line
        assert (heard, lines) == (content, _lines(trailers)), f"the origin heard {heard!r} and {lines!r}"

    return step


def tell(raw: bytes) -> Step:
    """The origin sends."""

    async def step(stage: Stage) -> None:
        (await stage.at_leg()).send(raw)

    return step


def leg_ended(*how: str) -> Step:
    """The gateway ends the origin's connection, in one of these ways; nothing more was sent on it."""

    async def step(stage: Stage) -> None:
        leg = await stage.at_leg()
        ended = await leg.end()
        assert ended in (how or ("eof", "reset")), f"the origin's connection ended by {ended or 'nothing'}"
        assert not leg.data, f"unread at the origin: {bytes(leg.data[:300])!r}"

    return step


async def hang_up(stage: Stage) -> None:
    """The origin closes its connection in good order."""
    leg = await stage.at_leg()
    leg.close()
    await leg.until(lambda: leg.transport is None)


async def break_down(stage: Stage) -> None:
    """The origin's connection is reset."""
    (await stage.at_leg()).reset()


async def new_leg(stage: Stage) -> None:
    """What comes next comes on another connection."""
    stage.leg = None


async def same_leg(stage: Stage) -> None:
    """No other connection was opened."""
    assert stage.origin.waiting.empty(), "another connection was opened"


async def unseen(stage: Stage) -> None:
    """The origin was not even connected to."""
    await asyncio.sleep(0)
    assert not stage.origin.peers, "a connection was opened"
