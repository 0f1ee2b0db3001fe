"""The express lane beside the full one: the same answers, the same requests upstream, and never a stale pass."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import random
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from gateway.edge.express.lane import Lane
from gateway.edge.front import FrontServer
from gateway.edge.tickets import ticket_prefix
from gateway.signing import Pass
from rules.model import Role, Room
from tests.gateway.edge.wire import Message, Wire
from tests.integration.conftest import Furnish, Start
from tests.integration.places import Clinics, Running, now_ms
from tests.integration.raw import connect

ROUTES = (
    {"path": "/call/{alias}", "class": "entry"},
    {"path": "/signal/{alias}", "class": "signal"},
    {"path": "/api/{alias}/**", "class": "api"},
    {"path": "/rpc/**", "class": "api", "binds": "query:room", "cookieless": True},
    {"path": "/bosh/{connection}/**", "class": "poll", "binds": "unbound", "cookieless": True, "counts": "event"},
    {"path": "/static/**", "class": "asset"},
    {"path": "/token", "class": "mint", "binds": "unbound", "answer": '{"room": "{alias}"}'},
    {"path": "/admin/**", "class": "internal"},
)
REQUESTS = 250
LINES = (
    b"Set-Cookie: lg_v=theirs\r\nSet-Cookie: own=1\r\nX_Gateway_Role: host\r\nAlt-Svc: h3\r\n"
    b"Connection: x-mine\r\nX-Mine: 1\r\n"
)
ANSWERS = {
    "/static/ok": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: x\r\n\r\nok",
    "/static/lines": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + LINES + b"Access-Control-Allow-Origin: *\r\n\r\nok",
    "/static/chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\nDigest: x\r\n\r\n"
    ),
    "/static/none": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/static/hints": (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    ),
    "/static/same": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    "/static/closing": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
    "/static/nonsense": b"nonsense\r\n\r\n",
    "/static/two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "/static/large": b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + bytes(300_000),
}
ENDING = {
    "/static/until-close": b"HTTP/1.1 200 OK\r\n\r\nuntil",
    "/static/short": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
    "/static/gone": b"",
}


@dataclass
class Script:
    """A platform that answers by path, and writes down the raw head of whatever reaches it."""

    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)  # clear: /static/held waits for it
    ended: asyncio.Event = field(default_factory=asyncio.Event)  # a connection of ours was closed from the other side
    deaf: bool = False  # connections are closed when the next request comes on them
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if self.deaf:
                    self.deaf = False
                    break
                length = re.search(rb"(?i)\r\nContent-Length: (\d+)\r\n", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                if b"\r\nTransfer-Encoding: chunked" in head:
                    body = await reader.readuntil(b"0\r\n\r\n")
                self.heads.append(head + body)
                if not await self._answer(reader, writer, head):
                    break
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> bool:
        method, target = head.split(b" ", 2)[:2]
        path = target.decode("latin-1").partition("?")[0]
        key = re.search(rb"Sec-WebSocket-Key: ([^\r]*)", head)
        if key is not None:
            accept = base64.b64encode(hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            lines = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n" % accept
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\n" + lines)
            await reader.read(1)  # whoever closes says so
            return False
        if path == "/static/held":
            held, gone = asyncio.ensure_future(self.hold.wait()), asyncio.ensure_future(reader.read(1))
            await asyncio.wait({held, gone}, return_when=asyncio.FIRST_COMPLETED)
            held.cancel()
            if gone.done():
                self.ended.set()
                return False
            gone.cancel()
            await asyncio.wait({gone})  # else it still reads when the next request is
        if path in ENDING:
            writer.write(ENDING[path])
            await writer.drain()
            return False
        answer = ANSWERS.get(path, ANSWERS["/static/ok"])
        if method == b"HEAD":
            answer = answer[: answer.rindex(b"\r\n\r\n") + 4] if path != "/static/hints" else answer
        writer.write(answer)
        await writer.drain()
        return path != "/static/closing"


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    script = Script()
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0, limit=2**20)
    script.port = server.sockets[0].getsockname()[1]
    yield script
    server.close()
    for writer in script.writers:
        writer.transport.abort()


@dataclass
class Lanes:
    """A gateway, its express lane, and somebody inside who speaks raw HTTP."""

    running: Running
    clinics: Clinics
    room: Room
    alias: str = ""
    cookie: str = ""
    ticket: str = ""  # the prefix that holds it
    wires: list[Wire] = field(default_factory=list)

    async def connect(self) -> Wire:
        self.wires.append(await connect(self.running))
        return self.wires[-1]

    def close(self) -> None:
        for wire in self.wires:
            wire.abort()

    @property
    def lane(self) -> Lane:
        lane = self.running.gateway.lane
        assert lane is not None
        return lane

    def head(self, path: str, method: str = "GET", more: str = "") -> bytes:
        lines = f"Host: gate.example\r\nAccept: */*\r\nCookie: own=1; {self.cookie}\r\n{more}"
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()

    async def ask(self, wire: Wire, path: str, method: str = "GET", more: str = "") -> Message:
        await wire.send(self.head(path, method, more))
        return await wire.message(method=method)

    async def by_express(self, ask: Callable[[], Any]) -> Any:
        """What `ask` comes to, which must go by the express lane."""
        before = self.lane.taken
        result = await ask()
        assert self.lane.taken == before + 1, "it went by the full lane"
        return result


async def opened(running: Running, clinics: Clinics, *, age_ms: int = 0) -> Lanes:
    room = await clinics.room()
    snapshot = await running.gateway.store.doors.read(room.id, room.id)
    parts, visitor = running.gateway.parts, "g_" + "A" * 16
    alias = snapshot.owner.doors[room.id].alias
    place = (alias, room.clinic, room.owner)
    given = Pass(room.id, room.id, visitor, Role.HOST, None, now_ms() - age_ms, *place, room.host_generation)
    names, signing = parts.names, parts.signing
    cookie = f"{names.visitor}={signing.sign_visitor(visitor)}; {names.door_pass(room.id)}={signing.sign_pass(given)}"
    return Lanes(running, clinics, room, alias, cookie, ticket_prefix(signing, given))


@pytest.fixture
async def lanes(start: Start, furnish: Furnish, script: Script) -> AsyncIterator[Lanes]:
    """A gateway with both lanes; one leg is open and one answer was had, so that the express lane can be taken."""
    upstream = {"url": f"http://127.0.0.1:{script.port}", "head_s": 1}
    running = await start({"upstream": upstream, "server": {"express": True}}, routes=ROUTES)
    lanes = await opened(running, furnish(running))
    warm = await lanes.connect()
    assert (await lanes.ask(warm, f"/api/{lanes.alias}/x")).status == 200
    assert (await lanes.ask(warm, f"/api/{lanes.alias}/x")).status == 200
    script.heads.clear()
    yield lanes
    lanes.close()


async def test_a_plain_request_goes_by_the_express_lane_on_a_new_and_on_a_kept_connection(lanes: Lanes):
    wire = await lanes.connect()
    for path in (f"/api/{lanes.alias}/x", "/static/ok", f"/call/{lanes.alias}", f"/rpc/y?room={lanes.alias}"):
        message = await lanes.by_express(partial(lanes.ask, wire, path))
        assert (message.status, message.body) == (200, b"ok")


async def test_lines_that_do_not_say_who_comes_cost_no_new_decision_and_are_heeded_all_the_same(lanes: Lanes):
    wire, path = await lanes.connect(), f"/api/{lanes.alias}/x"
    for more in ("", "Range: bytes=0-1\r\n", "Sec-Fetch-Dest: script\r\n"):
        assert (await lanes.by_express(partial(lanes.ask, wire, path, more=more))).status == 200
    (person,) = lanes.lane._people.values()
    assert len(person.permits) == 1
    assert (await lanes.ask(wire, path, more="Service-Worker: script\r\n")).status == 403


async def test_a_pass_grown_old_is_renewed_by_the_express_lane_as_by_the_full_one(lanes: Lanes):
    """Nobody is left in the full lane for a cookie that their client does not take up."""
    old = await opened(lanes.running, lanes.clinics, age_ms=120_000)
    wire, path = await lanes.connect(), f"/api/{old.alias}/x"
    assert (await old.ask(wire, path)).status == 200  # the full lane reads the door
    renewed = ""
    for _ in range(2):
        message = await old.by_express(partial(old.ask, wire, path))
        renewed = message.one("set-cookie") or ""
        given = lanes.running.gateway.parts.signing.read_pass(renewed.partition("=")[2].partition(";")[0])
        assert given is not None
        assert now_ms() - given.issued_at_ms < 60_000
    old.cookie = f"{old.cookie.partition('; ')[0]}; {renewed.partition(';')[0]}"
    assert not (await old.by_express(partial(old.ask, wire, path))).all("set-cookie")


async def test_lanes_take_turns_on_one_connection_in_any_order(lanes: Lanes, script: Script):
    wire = await lanes.connect()
    dice = random.Random(7)
    kinds = [dice.choice(("express", "body", "chunks", "pipelined", "halves", "large")) for _ in range(60)]
    before = lanes.lane.taken
    for number, kind in enumerate(kinds):
        path = f"/static/{'large' if kind == 'large' else 'ok'}?{number}"
        size = 300_000 if kind == "large" else 2
        if kind in {"express", "large"}:
            assert len((await lanes.ask(wire, path)).body) == size
        elif kind == "body":
            await wire.send(lanes.head(path, "POST", "Content-Length: 4\r\n") + b"\r\n\r\n")
            assert (await wire.message()).status == 200
        elif kind == "chunks":
            await wire.send(lanes.head(path, "POST", "Transfer-Encoding: chunked\r\n") + b"2\r\nab\r\n0\r\n\r\n")
            assert (await wire.message()).status == 200
        elif kind == "pipelined":
            await wire.send(lanes.head(path) + lanes.head(path + "b") + lanes.head(path + "c"))
            assert [(await wire.message()).status for _ in range(3)] == [200, 200, 200]
        else:
            await wire.send(lanes.head(path)[:20])
            await asyncio.sleep(0)
            await wire.send(lanes.head(path)[20:])
            assert (await wire.message()).status == 200
    asked = [head.split(b" ")[1] for head in script.heads]
    wanted: list[bytes] = []
    for number, kind in enumerate(kinds):
        target = f"/static/{'large' if kind == 'large' else 'ok'}?{number}".encode()
        wanted += [target, target + b"b", target + b"c"] if kind == "pipelined" else [target]
    assert asked == wanted
    assert lanes.lane.taken - before > 15


async def test_what_comes_behind_a_running_answer_waits_for_its_turn(lanes: Lanes, script: Script):
    wire = await lanes.connect()
    await wire.send(lanes.head("/static/held"))
    await until(lambda: bool(script.heads))
    await wire.send(lanes.head("/static/none") + lanes.head("/static/ok"))
    script.hold.set()
    assert [(await wire.message()).status for _ in range(3)] == [200, 204, 200]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.005)


async def test_whoever_is_sent_out_is_refused_by_the_very_next_request_on_a_warm_connection(
    lanes: Lanes, script: Script
):
    clinics, room = lanes.clinics, lanes.room
    host, _ = await clinics.host_inside(room)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    await guest.page(clinics.link(room))
    lanes.cookie = "; ".join(f"{name}={value}" for name, value in guest.cookies().items())
    wire, path = await lanes.connect(), f"/api/{lanes.alias}/x"
    assert (await lanes.ask(wire, path)).status == 200
    assert (await lanes.by_express(lambda: lanes.ask(wire, path))).status == 200
    await clinics.act(host, room, "remove", guest=guest.visitor())
    seen = len(script.heads)
    assert (await lanes.ask(wire, path)).status == 403
    assert len(script.heads) == seen


async def test_a_leg_that_died_idle_costs_nobody_an_answer(lanes: Lanes, script: Script):
    """The request goes to the full lane with its id, and out once more."""
    wire = await lanes.connect()
    script.deaf = True
    assert (await lanes.by_express(lambda: lanes.ask(wire, "/static/ok"))).status == 200
    assert len(script.heads) == 1
    assert (await lanes.ask(wire, "/static/ok")).status == 200


async def test_a_platform_that_says_nothing_is_answered_for_in_time(lanes: Lanes, script: Script):
    wire = await lanes.connect()
    message = await lanes.by_express(lambda: lanes.ask(wire, "/static/held"))
    assert message.status == 504
    assert message.one("Proxy-Status") == "link-gateway; error=http_response_timeout"
    assert len(script.heads) == 1, "a request that may have been heard is not sent again"
    assert lanes.running.gateway.parts.upstream_for("").lent == 0


async def test_a_truncated_answer_ends_abruptly(lanes: Lanes):
    wire = await lanes.connect()
    await wire.send(lanes.head("/static/short"))
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await wire.message()
    assert lanes.running.gateway.parts.upstream_for("").lent == 0


async def test_a_client_that_goes_away_takes_its_request_along(lanes: Lanes, script: Script):
    wire = await lanes.connect()
    await wire.send(lanes.head("/static/held"))
    await until(lambda: bool(script.heads))
    wire.abort()
    async with asyncio.timeout(5):
        await script.ended.wait()
    await until(lambda: lanes.running.gateway.parts.upstream_for("").lent == 0)


async def test_an_answer_under_way_is_not_cut_when_the_listener_ends(lanes: Lanes, script: Script):
    wire = await lanes.connect()
    await wire.send(lanes.head("/static/held"))
    await until(lambda: bool(script.heads))
    ending = asyncio.ensure_future(lanes.running.gateway.public.cleanup())
    await asyncio.sleep(0)
    script.hold.set()
    assert (await wire.message()).body == b"ok"
    assert await wire.gone() == b""
    await ending


@pytest.mark.parametrize("more", ["", "Accept: again\r\n"], ids=["express", "full"])
async def test_a_drain_ends_idle_connections_at_once_and_others_with_their_answer(
    lanes: Lanes, script: Script, more: str
):
    idle, busy = await lanes.connect(), await lanes.connect()
    for wire in (idle, busy):
        assert (await lanes.ask(wire, "/static/ok")).status == 200
    taken = lanes.lane.taken
    await busy.send(lanes.head("/static/held", more=more))
    await until(lambda: len(script.heads) == 3)
    assert lanes.lane.taken == taken + (not more)
    draining = asyncio.ensure_future(lanes.running.gateway.drain())
    assert await idle.gone() == b""
    script.hold.set()
    assert (await busy.message()).body == b"ok"
    assert await busy.gone() == b""
    await draining


@pytest.mark.parametrize("path", ["/static/ok", "/static/held"], ids=["idle", "running"])
async def test_a_connection_that_is_retired_is_kept_no_longer_than_its_express_answer(
    lanes: Lanes, script: Script, path: str
):
    wire = await lanes.connect()
    assert (await lanes.by_express(partial(lanes.ask, wire, "/static/ok"))).status == 200
    asked = len(script.heads)
    if path == "/static/held":
        await wire.send(lanes.head(path))
        await until(lambda: len(script.heads) > asked)
    front = lanes.running.gateway.public.server
    assert isinstance(front, FrontServer)
    front.retire()
    script.hold.set()
    if path == "/static/held":
        assert (await wire.message()).body == b"ok"
    assert await wire.gone() == b""


# --- both lanes, the same bytes -------------------------------------------------------------------------------------
PATHS = (
    *ANSWERS,
    *ENDING,
    "/call/{alias}",
    "/api/{alias}/x?a=b",
    "/rpc/x?room={alias}",
    "/rpc/x",
    "/nowhere",
    "/token",
    "/bosh/1/a",
    "{ticket}/bosh/1/a?b",
    "{ticket}/rpc/x?room={alias}",
)
ODD_PATHS = (
    "{ticket}/api/{alias}/x",
    "{ticket}/static/ok",
    "{ticket}{ticket}/bosh/1/a",
    "{ticket}A/bosh/1/a",
    "{ticket}",
    "/-/as/x/rpc/x?room={alias}",
    "/bosh/1;2/a",
    "/api/{alias}/../x",
    "/admin/x",
    "/static//x",
    "/static/%2e",
    "/rpc/x?room={alias}&room=b",
    "/-/x",
    "/static/ok#",
)
ODD_LINES = (
    *(
        "Expect: 100-continue",
        "Connection: close",
        "Content-Length: 0",
        "Upgrade: h2c",
        "X_Gateway_Role: host",
        "TE: trailers",
    ),
    *(
        "Connection: x-mine\r\nX-Mine: 1",
        "Host: twice",
        "Service-Worker: script",
        "Transfer-Encoding: gzip",
        "A : b",
        "A: b\r\n c",
    ),
    *(
        "Via: 1.1 link-gateway\r\nVia: 1.1 link-gateway",
        "X-Gateway-Role: host",
        "X-Original-URL: /admin",
        "X-HTTP-Method: PUT",
        "Referer: http://gate.example/-/as/x/y",
        "Referer: http://gate.example/call/x",
    ),
    *(
        "Range: bytes=0-1",
        "X-Forwarded-For: 192.0.2.1",
        "Proxy-Authorization: x",
        "X: \x01",
        "X: \xe9",
        "User-Agent: a\r\nUser-Agent: b",
    ),
)


def random_request(dice: random.Random, lanes: Lanes) -> bytes:
    path = dice.choice(PATHS if dice.random() < 0.8 else ODD_PATHS).replace("{alias}", lanes.alias)
    path = path.replace("{ticket}", lanes.ticket)
    method = (
        dice.choice(("GET", "GET", "GET", "HEAD", "OPTIONS")) if dice.random() < 0.9 else dice.choice(("POST", "TRACE"))
    )
    more = "".join(f"{line}\r\n" for line in dice.sample(ODD_LINES, dice.choice((0, 0, 0, 1, 2))))
    if dice.random() < (0.5 if lanes.ticket in path else 0.1):
        return lanes.head(path, method, more).replace(lanes.cookie.encode(), b"lg_v=forged")
    return lanes.head(path, method, more)


VARYING = (
    (re.compile(rb"(?i)(X-Request-Id: |Date: |X-Gateway-Signature: )[^\r]*"), rb"\1-"),
    (re.compile(rb'"request_id": "[0-9a-f]*"'), b"id"),
    (re.compile(rb"nonce[=-]\S+"), b"nonce"),
    (re.compile(rb"[A-Z0-9]{4}-[A-Z0-9]{2}"), b"code"),
    (re.compile(rb'server_time"?: ?"[^"]*"'), b"time"),
    (re.compile(rb"\d{4}-\d\d-\d\dT[^\"]*"), b"time"),
)


def settled(raw: bytes) -> bytes:
    """`raw` without what differs between any two requests."""
    for pattern, instead in VARYING:
        raw = pattern.sub(instead, raw)
    return raw


async def answer_to(lanes: Lanes, raw: bytes) -> bytes:
    """Every byte that comes back for a request, and whether the connection lives on."""
    wire = await lanes.connect()
    method = raw.split(b" ", 1)[0].decode()
    await wire.send(raw)
    try:
        first = await wire.message(method=method)
        while first.status < 200:
            first = await wire.message(method=method)
        came = first.raw + first.body
    except (asyncio.IncompleteReadError, ConnectionError, ValueError, AssertionError) as error:
        came = type(error).__name__.encode()
    try:
        lives_on = (await lanes.ask(wire, "/static/none")).status == 204
    except (asyncio.IncompleteReadError, ConnectionError, RuntimeError):  # the last: uvloop's word for a closed one
        lives_on = False
    wire.abort()
    return settled(came) + (b" open" if lives_on else b" closed")


async def test_both_lanes_answer_and_forward_the_same(start: Start, furnish: Furnish, script: Script):
    """Random valid and invalid requests; what the platform saw and what came back are the same bytes."""
    sides = []
    for express in (True, False):
        sections = {"upstream": {"url": f"http://127.0.0.1:{script.port}", "head_s": 1}, "server": {"express": express}}
        running = await start(sections, routes=ROUTES)
        sides.append(await opened(running, furnish(running)))
    sides[1].cookie, sides[1].ticket = sides[0].cookie, sides[0].ticket
    dice = random.Random(11)
    for number in range(REQUESTS):
        raw = random_request(dice, sides[0])
        seen = []
        for side in sides:
            script.heads.clear()
            came = await answer_to(side, raw)
            seen.append((came, [settled(head) for head in script.heads]))
        assert seen[0] == seen[1], f"{number}: {raw!r}"
    assert sides[0].lane.taken > REQUESTS / 3
    assert sides[1].running.gateway.lane is None
    for side in sides:
        side.close()
