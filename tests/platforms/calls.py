"""People in a call of Janus' own demo page, in real browsers, by WebSocket or by long polling.

Rule that holds here: the pages are Debian's, untouched; what is measured is measured in them, by this machine's clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import BrowserContext, Page, expect

from rules.model import Room
from tests.e2e.people import SOON_MS, WITHIN_MS, Guest, Host, People
from tests.e2e.places import House
from tests.platforms.janus import Janus

QUIET_S = 2.0  # nothing came for so long: the media has stopped
WITHIN_S = 30.0
EVERY_S = 0.1

# Counts the pictures that were decoded, and notes since when no media comes, whoever it came from. A tab behind another
# decodes no pictures and looks once a second, but what comes is counted all the same.
MEDIA = """
window.peers = []; window.decoded = 0; window.received = 0; window.stillSince = 0;
const Peer = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Peer {
  constructor(...given) { super(...given); window.peers.push(this); }
};
setInterval(async () => {
  let decoded = 0, received = 0;
  for (const peer of window.peers) for (const [, report] of await peer.getStats()) {
    if (report.type !== "inbound-rtp") continue;
    decoded += report.framesDecoded || 0;
    received += report.packetsReceived;
  }
  if (received > window.received) window.stillSince = 0;
  else window.stillSince ||= Date.now();
  Object.assign(window, {decoded, received});
}, 100);
"""
# Writes down each connection of the page with Janus: a WebSocket, or a request that is polled.
CONNECTIONS = """
window.connections = []; window.PlainSocket = window.WebSocket;
const ask = window.fetch;
const began = (kind) => {
  const at = {kind, began: Date.now(), ended: 0, good: true};
  window.connections.push(at);
  return at;
};
window.WebSocket = class extends PlainSocket {
  constructor(...given) {
    super(...given);
    const at = began("socket");
    this.addEventListener("close", () => { at.ended = Date.now(); });
  }
};
window.fetch = async (where, ...given) => {
  if (!String(where).includes("/janus/")) return ask(where, ...given);
  const at = began("poll");
  try {
    const answer = await ask(where, ...given);
    at.good = answer.ok;
    return answer;
  } finally { at.ended = Date.now(); }
};
"""
# A network on which WebSockets do not get through: janus.js then takes the next address, which is polled.
NO_SOCKETS = """
window.WebSocket = class extends EventTarget {
  constructor() { super(); setTimeout(() => this.dispatchEvent(new Event("error")), 0); }
  close() {}
};
"""


def now_s() -> float:
    """This machine's time, which browsers share; seconds since 1970."""
    return time.time()


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    """Ask until it holds: for what nobody announces. Raises TimeoutError after WITHIN_S."""
    async with asyncio.timeout(WITHIN_S):
        while not await holds():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(EVERY_S)


@dataclass
class Caller:
    """One person at the demo page."""

    page: Page

    async def kinds(self) -> set[str]:
        """How this page has spoken with Janus: socket, poll."""
        return set(await self.page.evaluate("connections.map((each) => each.kind)"))

    async def cut_s(self, since_s: float) -> float:
        """Wait until no connection is open. How long after `since_s` the last one ended; one refused then was none."""
        await until(lambda: self.page.evaluate("connections.every((each) => each.ended)"))
        counts = "connections.filter((each) => each.good || each.began < since).map((each) => each.ended)"
        return float(await self.page.evaluate(f"(since) => Math.max(...{counts})", since_s * 1000)) / 1000 - since_s

    @property
    def alias(self) -> str:
        """What the room is called in addresses."""
        return self.page.url.split("/")[4]

    async def number(self) -> int:
        """What the room is called by Janus."""
        return int(await self.page.evaluate("myroom"))

    async def ways(self) -> list[str]:
        """Every address by which this page may speak with Janus, and the one by which it learns its tokens."""
        socket, poll = await self.page.evaluate("server")
        plain = f"{poll.partition('/-/as/')[0]}/janus/{self.alias}"
        return [socket, poll, plain, f"{self.page.url.rpartition('/')[0]}/settings.js"]

    async def join(self, name: str, room: int = 0) -> None:
        """Press Start, write a name, and join the room that the page was told, or another."""
        await self.page.click("#start")
        await self.page.locator("#username").wait_for(timeout=SOON_MS)
        await self.page.fill("#username", name)
        if room:
            await self.page.evaluate("(number) => { myroom = number }", room)
        await self.page.click("#register")

    async def sees_pictures(self) -> None:
        """Wait until pictures of somebody else are decoded, and go on being."""
        await self.page.bring_to_front()
        await until(lambda: self.page.evaluate("decoded"))
        before = await self.page.evaluate("decoded")
        await until(lambda: self.page.evaluate("(before) => decoded > before + 3", before))

    async def still_since_s(self) -> float:
        """Wait until nothing comes for a while, no picture and no sound. Since when, in seconds since 1970."""
        await until(lambda: self.page.evaluate(f"stillSince && Date.now() - stillSince > {QUIET_S * 1000}"))
        return float(await self.page.evaluate("stillSince")) / 1000


async def prepare(context: BrowserContext, *, polls: bool) -> None:
    """Have every page of this browser note its pictures, and poll if it is to."""
    await context.add_init_script(MEDIA)
    await context.add_init_script(CONNECTIONS + (NO_SOCKETS if polls else ""))


async def at_the_call(page: Page) -> None:
    """Wait until this is the demo page, ready to start."""
    await expect(page.locator("#start")).to_be_enabled(timeout=SOON_MS)


OPENS = """async (way) => {
  if (!way.startsWith("ws")) {
    const asked = way.endsWith(".js") ? {} : {method: "POST", body: JSON.stringify({janus: "info", transaction: "t"})};
    return (await fetch(way, asked)).ok;
  }
  return await new Promise((done) => {
    const socket = new PlainSocket(way, "janus-protocol");
    socket.onopen = () => { socket.close(); done(true); };
    socket.onerror = () => done(false);
  });
}"""


async def opens(page: Page, way: str) -> bool:
    """Whether this page reaches Janus by that address."""
    return bool(await page.evaluate(OPENS, way))


@dataclass
class Clinic:
    """The gateway, Janus behind it, and people."""

    house: House
    janus: Janus
    people: People

    async def host_in_call(self, room: Room, *, polls: bool) -> tuple[Host, Caller]:
        """The owner, at the desk and in the call."""
        host = await self.people.host(room)
        await prepare(host.context, polls=polls)
        await host.go_in()
        await at_the_call(host.inside)
        caller = Caller(host.inside)
        await caller.join("DrLee")
        await host.desk.get_by_text("You are inside").wait_for(timeout=WITHIN_MS)
        return host, caller

    async def admitted(self, host: Host, room: Room, *, polls: bool) -> tuple[Guest, Caller]:
        """A guest who knocked and was let in, at the demo page."""
        guest = await self.people.guest(self.house.link(room))
        await prepare(guest.context, polls=polls)
        caller = Caller(guest.page)
        await guest.join("Ben")
        await host.press("Let in", "Ben")
        await at_the_call(guest.page)
        return guest, caller

    async def platform_says(self, room: Room, roles: set[str]) -> bool:
        """Whether Janus' own events have told that just these are inside."""
        owner = (await self.house.gateway.store.doors.read(room.id)).owner
        (door,) = owner.doors.values()
        told = {there.role.value for there in door.presence if there.connection.startswith("platform_")}
        return told == roles

    async def sessions_of(self, room: Room, role: str) -> set[str]:
        """What Janus calls the connections of whoever is in the room in this role, as far as it told."""
        (door,) = (await self.house.gateway.store.doors.read(room.id)).owner.doors
        known = await self.house.gateway.parts.platform.known(room.id, door)
        found = {name for facts in known.values() if facts.role.value == role for name in facts.connections}
        assert found
        return found

    async def asked_of_janus(self, *words: str) -> bool:
        """Whether the gateway asked each of these of the Admin API."""
        asked = {said.get("request", said).get("request", said["janus"]) for said in self.janus.admin.heard}
        return asked >= set(words)
