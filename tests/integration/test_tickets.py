"""Tickets: visitors whose client sends no cookies are who a prefix of the path says, and nobody else."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.edge.tickets import ticket_prefix
from gateway.edge.tunnels import REVOKED
from gateway.signing import Pass
from gateway.store import StoreAway
from rules.model import Room
from tests.integration.conftest import Furnish, Start
from tests.integration.people import JSON, PUBLIC, Answer, Browser
from tests.integration.places import Clinics
from tests.integration.platform import Platform
from tests.integration.raw import ask_raw

ROUTES = (
    {"path": "/call/{alias}", "class": "entry"},
    {"path": "/signal/{alias}", "class": "signal", "cookieless": True},
    {"path": "/bosh/{alias}", "class": "poll", "cookieless": True},
    {"path": "/janus", "class": "poll", "binds": "unbound", "cookieless": True},
    {"path": "/rpc/{alias}/**", "class": "api", "cookieless": True},
    {"path": "/host/{alias}", "class": "api", "role": "host", "cookieless": True},
    {"path": "**/below", "class": "api", "binds": "unbound", "cookieless": True},
    {"path": "/rest/{alias}/**", "class": "api"},
    {
        "path": "/settings.js",
        "class": "mint",
        "binds": "unbound",
        "answer": "{ticket}",
        "answer_type": "text/javascript",
    },
    {"path": "/static/**", "class": "asset"},
    {"path": "/admin/**", "class": "internal"},
)


@dataclass
class Scene:
    """Two rooms with a call in each. `ada` is at the first, `bob` at the second."""

    clinics: Clinics
    first: Room
    second: Room
    host: Browser
    ada: Browser
    bob: Browser

    @property
    def stranger(self) -> Browser:
        """A client without any cookie."""
        return self.clinics.browser()

    def given(self, browser: Browser) -> Pass:
        """The pass of somebody."""
        names, signing = self.clinics.gateway.parts.names, self.clinics.gateway.parts.signing
        (value,) = (v for n, v in browser.cookies().items() if n.startswith(names.pass_prefix))
        found = signing.read_pass(value)
        assert found is not None
        return found

    def prefix(self, browser: Browser) -> str:
        return ticket_prefix(self.clinics.gateway.parts.signing, self.given(browser))

    def alias(self, browser: Browser) -> str:
        return self.given(browser).alias

    async def ask(self, by: Browser, path: str, method: str = "GET", **headers: str) -> Answer:
        return await by.ask(method, path, JSON, headers, **({"data": b""} if method == "POST" else {}))


async def admit(clinics: Clinics, room: Room, name: str) -> tuple[Browser, Browser]:
    """A host inside, and a guest inside."""
    host, _ = await clinics.host_inside(room)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), name)
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    await clinics.go_in(guest, clinics.link(room), room)
    return host, guest


@pytest.fixture(params=[True, False], ids=["express", "full"])
async def scene(start: Start, furnish: Furnish, request: pytest.FixtureRequest) -> Scene:
    clinics = furnish(await start({"server": {"express": request.param}}, routes=ROUTES))
    first, second = await clinics.room(), await clinics.room("dr-kim")
    host, ada = await admit(clinics, first, "Ada")
    _, bob = await admit(clinics, second, "Bob")
    return Scene(clinics, first, second, host, ada, bob)


async def test_a_ticket_is_enough_and_the_platform_never_hears_of_it(scene: Scene, platform: Platform):
    path = f"/rpc/{scene.alias(scene.ada)}/x?a=%2f&b"
    for _ in range(3):
        answer = await scene.ask(scene.stranger, scene.prefix(scene.ada) + path)
        assert (answer.status, answer.reason) == (200, "admitted")
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert (answer.headers["Cache-Control"], "Set-Cookie" in answer.headers) == ("no-store", False)
    seen = platform.last("/rpc/")
    assert (seen.path, seen.one("x-gateway-visitor")) == (path, scene.ada.visitor())
    assert not any("/-/as/" in value for _, value in seen.headers)
    lane = scene.clinics.gateway.lane
    assert lane is None or lane.taken > 0


async def test_a_page_learns_its_visitors_ticket_from_a_mint_route(scene: Scene):
    answer = await scene.ask(scene.ada, "/settings.js")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert (await scene.ask(scene.stranger, f"{answer.text}/rpc/{scene.alias(scene.ada)}/x")).status == 200
    assert (await scene.ask(scene.stranger, f"{answer.text}/settings.js")).status == 404


async def test_a_ticket_made_while_the_store_is_away_is_as_old_as_what_it_was_made_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    """Else nobody's time without the store would ever end: a ticket could be had for the last one."""
    parts = scene.clinics.gateway.parts

    async def away(*_: object) -> None:
        raise StoreAway("down")

    monkeypatch.setattr(parts.hub, "snapshot", away)
    answer = await scene.ask(scene.ada, "/settings.js")
    assert (answer.status, answer.reason) == (200, "fail_static")
    made = parts.signing.read_ticket(answer.text.removeprefix("/-/as/"))
    assert made == scene.given(scene.ada)


async def test_a_ticket_opens_sockets_polls_and_what_names_no_door(scene: Scene, platform: Platform):
    stranger, prefix = scene.stranger, scene.prefix(scene.ada)
    socket = await stranger.socket(f"{prefix}/signal/{scene.alias(scene.ada)}")
    assert await socket.echo("hello") == "hello"
    assert platform.last("/signal/").one("x-gateway-visitor") == scene.ada.visitor()
    for method in ("GET", "POST"):
        assert (await scene.ask(stranger, f"{prefix}/janus", method)).status == 200
        assert (await scene.ask(stranger, f"{prefix}/bosh/{scene.alias(scene.ada)}", method)).status == 200
    await scene.clinics.act(scene.host, scene.first, "remove", guest=scene.ada.visitor())
    assert await socket.cut() == REVOKED


async def test_who_was_removed_has_a_ticket_that_opens_nothing(scene: Scene, platform: Platform):
    prefix, alias = scene.prefix(scene.ada), scene.alias(scene.ada)
    assert (await scene.ask(scene.stranger, f"{prefix}/rpc/{alias}/x")).status == 200
    await scene.clinics.act(scene.host, scene.first, "remove", guest=scene.ada.visitor())
    count = len(platform.seen)
    for path in (f"/rpc/{alias}/x", f"/bosh/{alias}", "/janus", f"/signal/{alias}"):
        answer = await scene.ask(scene.stranger, prefix + path)
        assert (answer.status, answer.reason) == (403, "no_pass"), path
    assert len(platform.seen) == count


async def test_the_ticket_alone_counts_whatever_cookies_come_with_it(scene: Scene, platform: Platform):
    ada, bob = scene.alias(scene.ada), scene.alias(scene.bob)
    prefix = scene.prefix(scene.ada)
    assert (await scene.ask(scene.bob, f"{prefix}/rpc/{bob}/x")).status == 403
    assert (await scene.ask(scene.bob, f"{prefix}/rpc/{ada}/x")).status == 200
    assert platform.last("/rpc/").one("x-gateway-visitor") == scene.ada.visitor()
    assert (await scene.ask(scene.bob, f"{prefix}/janus")).status == 200  # two passes, if cookies counted
    assert platform.last("/janus").one("x-gateway-visitor") == scene.ada.visitor()
    assert (await scene.ask(scene.host, f"{prefix}/host/{ada}")).status == 403  # a guest's ticket makes no host
    forged = prefix[:-1] + ("A" if prefix[-1] != "A" else "B")
    assert (await scene.ask(scene.ada, f"{forged}/rpc/{ada}/x")).status == 403


HOSTILE: Mapping[str, tuple[str, int]] = {
    # what is asked: {t} a good ticket's prefix, {v} the ticket alone, {p} the pass in the cookie, {a} the alias
    "an entry": ("{t}/call/{a}", 404),
    "an asset": ("{t}/static/x.js", 404),
    "what is internal": ("{t}/admin/x", 404),
    "a route for cookies": ("{t}/rest/{a}/x", 404),
    "no route": ("{t}/nowhere", 404),
    "a link": ("{t}/sunrise/room/dr-lee", 404),
    "the desk": ("{t}/-/desk/sunrise/dr-lee", 404),
    "the prefix twice": ("{t}{t}/rpc/{a}/x", 404),
    "the prefix twice before what ends alike": ("{t}{t}/any/below", 404),
    "the gateway's own before what ends alike": ("{t}/-/below", 404),
    "a link before what ends alike": ("{t}/below/room/below", 404),
    "another's prefix inside": ("{t}/-/as/x/rpc/{a}/x", 404),
    "nothing behind it": ("{t}", 404),
    "a slash behind it": ("{t}/", 404),
    "no ticket": ("/-/as//rpc/{a}/x", 400),
    "a word for a ticket": ("/-/as/ticket/rpc/{a}/x", 403),
    "a pass for a ticket": ("/-/as/{p}/rpc/{a}/x", 403),
    "a ticket that was cut": ("{t1}/rpc/{a}/x", 403),
    "a ticket that was lengthened": ("{t}A/rpc/{a}/x", 403),
    "a capital letter": ("/-/As/{v}/rpc/{a}/x", 404),
    "a parameter": ("/-/as;x/{v}/rpc/{a}/x", 404),
    "a parameter of the ticket": ("{t};x/rpc/{a}/x", 403),
    "an encoded prefix": ("/%2D/as/{v}/rpc/{a}/x", 400),
    "an encoded slash": ("/-%2Fas/{v}/rpc/{a}/x", 400),
    "an encoded letter": ("/-/%61s/{v}/rpc/{a}/x", 400),
    "dots before it": ("/x/../-/as/{v}/rpc/{a}/x", 400),
    "dots behind it": ("{t}/../call/{a}", 400),
    "two slashes behind it": ("{t}//rpc/{a}/x", 400),
    "in the query": ("/rpc/{a}/x?{t}", 403),
    "behind the path": ("/rpc/{a}{t}", 403),
}


async def test_no_other_address_is_opened_by_a_ticket(scene: Scene, platform: Platform):
    prefix = scene.prefix(scene.ada)
    (cookie,) = (v for n, v in scene.ada.cookies().items() if n.startswith("lg_p_"))
    facts = {"t": prefix, "t1": prefix[:-1], "v": prefix.removeprefix("/-/as/"), "p": cookie}
    assert (
        await scene.ask(scene.ada, "/static/x.js")
    ).status == 200  # leaves a connection that the express lane may use
    count, stranger = len(platform.seen), scene.stranger
    for method in ("GET", "POST"):  # one after the other: behind a body comes nothing express
        for case, (path, status) in HOSTILE.items():
            answer = await scene.ask(stranger, path.format(**facts, a=scene.alias(scene.ada)), method)
            assert answer.status == status, case
    assert len(platform.seen) == count


async def test_pages_of_another_origin_use_no_ticket(scene: Scene, platform: Platform):
    path = f"{scene.prefix(scene.ada)}/rpc/{scene.alias(scene.ada)}/x"
    platform.added.append(("Access-Control-Allow-Origin", "*"))
    foreign = {"Origin": "https://elsewhere.example"}
    count = len(platform.seen)
    assert (await scene.ask(scene.stranger, path, "POST", **foreign)).status == 403
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "x", "Sec-WebSocket-Version": "13"}
    signal = path.replace("/rpc/", "/signal/").removesuffix("/x")
    assert (await scene.ask(scene.stranger, signal, **foreign, **upgrade)).status == 403
    assert len(platform.seen) == count
    own = await scene.ask(scene.stranger, path, "POST", Origin=PUBLIC)
    assert (own.status, "Access-Control-Allow-Origin" in own.headers) == (200, False)
    assert "Access-Control-Allow-Origin" not in (await scene.ask(scene.stranger, path)).headers


async def test_a_ticket_shows_in_no_log_no_metric_and_no_referer(
    scene: Scene, platform: Platform, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    prefix, alias = scene.prefix(scene.ada), scene.alias(scene.ada)
    referer = {"Referer": f"{PUBLIC}{prefix}/rpc/{alias}/page"}
    for path in (f"{prefix}/rpc/{alias}/x", f"{prefix}/call/{alias}", f"{prefix}A/rpc/{alias}/x", f"{prefix}/%zz"):
        await scene.ask(scene.stranger, path, **referer)
    assert (await scene.ask(scene.ada, f"/rest/{alias}/x", **referer)).status == 200
    assert platform.last("/rest/").all("referer") == []
    assert (await scene.ask(scene.ada, f"/rest/{alias}/x", Referer=f"{PUBLIC}/call/{alias}")).status == 200
    assert platform.last("/rest/").all("referer") == [f"{PUBLIC}/call/{alias}"]
    await platform.stop()
    assert (await scene.ask(scene.stranger, f"{prefix}/rpc/{alias}/x", **referer)).status == 502
    ticket = prefix.removeprefix("/-/as/")
    async with ClientSession() as client, client.get(f"{scene.clinics.running.internal}/metrics") as metrics:
        told: list[Any] = [*(record.__dict__ for record in caplog.records), await metrics.text()]
    assert len(told) > 5
    assert ticket not in repr(told)
    assert ticket[:40] not in repr(told)
    assert not any(ticket in repr(seen) for seen in platform.seen)


async def test_the_pass_that_a_ticket_is_made_of_goes_on_as_before(scene: Scene):
    alias = scene.alias(scene.ada)
    assert (await scene.ask(scene.ada, f"/rest/{alias}/x")).status == 200
    assert (await scene.ask(scene.stranger, f"/rpc/{alias}/x")).status == 403


async def test_a_whole_address_with_a_ticket_is_the_same_request(scene: Scene, platform: Platform):
    """RFC 9112 section 3.2.2: a request line may hold the authority as well."""
    path = f"/rpc/{scene.alias(scene.ada)}/x?"
    head = f"GET {PUBLIC}{scene.prefix(scene.ada)}{path} HTTP/1.1\r\nHost: gate.example\r\n\r\n"
    assert (await ask_raw(scene.clinics.running, head)).status == 200
    assert platform.last("/rpc/").path == path
