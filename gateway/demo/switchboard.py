"""Who is in which call, and what each page is told: the signalling between the pages of one alias.

Rule that holds here: people meet only when both the door and the alias are the same, and a page whose socket dropped
keeps its place (and its messages) for ``grace_s`` seconds, so that the media between the browsers simply goes on.

    page says   join, signal, media, leave, ping
    page hears  welcome {you, peers}, joined {peer}, away {id}, back {id}, left {id}, media {id, audio, video},
                signal {from, data}, pong
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from gateway.demo.caller import Caller
from gateway.demo.messages import Join, Leave, Media, Message, Ping, Relay, Switched, parse_message

REPLACED = 4000  # the same page came back on another socket
MALFORMED = 4400  # the first message was no join, or a later one none of ours
CUT = 4403  # the gateway ended it
FULL = 4409  # every further person costs every other one an upload

MAX_PEOPLE = 8
MAX_UNSENT_MESSAGES = 128
JOIN_WITHIN_S = 10.0

CallKey = tuple[str, str]  # door, alias


@dataclass(slots=True, eq=False)
class Peer:
    """One page in a call, whether its socket is open at the moment or not."""

    id: str
    caller: Caller
    media: Media
    socket: web.WebSocketResponse | None = None
    writer: asyncio.Task[None] | None = None
    lapse: asyncio.TimerHandle | None = None
    unsent: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(MAX_UNSENT_MESSAGES))

    def tell(self, kind: str, **facts: Any) -> None:
        """Queue a message; one that finds the queue full is lost, and the page restarts what it missed by itself."""
        if not self.unsent.full():
            self.unsent.put_nowait(json.dumps({"type": kind, **facts}))

    def document(self) -> dict[str, Any]:
        """What the other pages see of this one."""
        return {
            "id": self.id,
            "name": self.caller.name,
            "role": self.caller.role,
            "audio": self.media.audio,
            "video": self.media.video,
            "away": self.socket is None,
        }


class Switchboard:
    """All calls of the platform. ``grace_s``: seconds a dropped page keeps its place."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._calls: dict[CallKey, dict[str, Peer]] = {}
        self._closing: set[asyncio.Task[bool]] = set()

    def people(self, key: CallKey) -> int:
        """How many pages hold a place in the call."""
        return len(self._calls.get(key, {}))

    async def attend(self, key: CallKey, caller: Caller, socket: web.WebSocketResponse) -> None:
        """Serve one open socket until it closes; how it closed decides whether its page is away or gone."""
        join = await _first_message(socket)
        if join is None:
            await socket.close(code=MALFORMED)
            return
        peer = self._enter(key, caller, join, socket)
        if peer is None:
            await socket.close(code=FULL)
            return
        hung_up, writer = False, peer.writer
        try:
            hung_up = await self._read(key, peer, socket)
        finally:
            if writer is not None:
                writer.cancel()
            self._dropped(key, peer, socket, gone=hung_up or socket.close_code in {1000, CUT})

    async def close(self) -> None:
        """Close every socket as a restart does (1012): the pages come back by themselves."""
        peers = [peer for call in self._calls.values() for peer in call.values()]
        self._calls.clear()
        for peer in peers:
            if peer.lapse is not None:
                peer.lapse.cancel()
        sockets = [peer.socket.close(code=1012) for peer in peers if peer.socket is not None]
        await asyncio.gather(*sockets, *self._closing)

    def _enter(self, key: CallKey, caller: Caller, join: Join, socket: web.WebSocketResponse) -> Peer | None:
        call = self._calls.setdefault(key, {})
        peer_id = _peer_id(caller, join.tab)
        peer = call.get(peer_id)
        if peer is None:
            if len(call) >= MAX_PEOPLE:
                return None
            peer = call[peer_id] = Peer(peer_id, caller, join.media, socket)
            self._tell_others(key, peer, "joined", peer=peer.document())
        else:
            self._replace(peer, socket)
            peer.caller, peer.media = caller, join.media  # the gateway may know a better name by now
            self._tell_others(key, peer, "back", peer=peer.document())
        # A page whose socket dropped is told of when it is back: nobody meets the name of whoever left a moment ago.
        others = [other.document() for other in call.values() if other is not peer and other.socket is not None]
        welcome = json.dumps({"type": "welcome", "you": peer.id, "peers": others})
        peer.writer = asyncio.create_task(_write(peer, socket, welcome))
        return peer

    def _replace(self, peer: Peer, socket: web.WebSocketResponse) -> None:
        old, peer.socket = peer.socket, socket
        if peer.lapse is not None:
            peer.lapse.cancel()
            peer.lapse = None
        if peer.writer is not None:
            peer.writer.cancel()
        if old is not None:  # half open: its own close may take a while, nobody waits for it
            closing = asyncio.create_task(old.close(code=REPLACED))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _read(self, key: CallKey, peer: Peer, socket: web.WebSocketResponse) -> bool:
        """Carry messages until the socket closes; returns whether the person hung up."""
        async for frame in socket:
            message = parse_message(frame.data) if frame.type is WSMsgType.TEXT else None
            if isinstance(message, Leave):
                return True
            if message is None or isinstance(message, Join):
                await socket.close(code=MALFORMED)
                return False
            self._carry(key, peer, message)
        return False

    def _carry(self, key: CallKey, peer: Peer, message: Relay | Switched | Ping) -> None:
        match message:
            case Relay(to, data):
                other = self._calls.get(key, {}).get(to)
                if other is not None:  # else it left meanwhile: the sender hears so by itself
                    other.tell("signal", **{"from": peer.id, "data": data})
            case Switched(media):
                peer.media = media
                self._tell_others(key, peer, "media", id=peer.id, audio=media.audio, video=media.video)
            case Ping():
                peer.tell("pong")

    def _dropped(self, key: CallKey, peer: Peer, socket: web.WebSocketResponse, *, gone: bool) -> None:
        if peer.socket is not socket or key not in self._calls:  # replaced by a newer socket, or all is being closed
            return
        peer.socket = None
        if gone:
            self._remove(key, peer)
            return
        self._tell_others(key, peer, "away", id=peer.id)
        peer.lapse = asyncio.get_running_loop().call_later(self._grace_s, self._remove, key, peer)

    def _remove(self, key: CallKey, peer: Peer) -> None:
        call = self._calls.get(key, {})
        call.pop(peer.id, None)
        self._tell_others(key, peer, "left", id=peer.id)
        if not call:
            self._calls.pop(key, None)

    def _tell_others(self, key: CallKey, sender: Peer, kind: str, /, **facts: Any) -> None:
        for other in self._calls.get(key, {}).values():
            if other is not sender:
                other.tell(kind, **facts)


def _peer_id(caller: Caller, tab: str) -> str:
    """The same page of the same visitor has the same id, also after a restart; nobody can take another visitor's."""
    return hashlib.sha256(f"{caller.visitor}\0{tab}".encode()).hexdigest()[:16]


async def _first_message(socket: web.WebSocketResponse) -> Join | None:
    try:
        frame = await socket.receive(timeout=JOIN_WITHIN_S)
    except TimeoutError:
        return None
    message: Message | None = parse_message(frame.data) if frame.type is WSMsgType.TEXT else None
    return message if isinstance(message, Join) else None


async def _write(peer: Peer, socket: web.WebSocketResponse, welcome: str) -> None:
    try:
        await socket.send_str(welcome)
        while True:
            await socket.send_str(await peer.unsent.get())
    except ConnectionError:
        return  # the reader sees the same end and decides what it means
