"""Both lanes, the same bytes: what the platform hears and what comes back do not tell which lane a request took."""

from __future__ import annotations

import asyncio
import random
import re

from tests.integration.conftest import Furnish, Start
from tests.integration.lanes import LANE_ROUTES, Lanes, opened
from tests.integration.scripted import ANSWERS, ENDING, Script

REQUESTS = 250
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
        running = await start(sections, routes=LANE_ROUTES)
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
