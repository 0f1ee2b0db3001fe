"""Forward-auth as each proxy asks it: every dialect by itself, with what it documents to send."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from multidict import CIMultiDict
from yarl import URL

from gateway.signing.identity import NAMES
from rules.model import Room
from tests.integration.conftest import Furnish, Start
from tests.integration.people import HTML, PUBLIC, Answer, Browser
from tests.integration.places import Clinics
from tests.integration.platform import Platform
from tests.integration.test_internal import metric

HOST = PUBLIC.partition("://")[2]
DIALECTS = ("nginx", "traefik", "caddy", "haproxy", "envoy")
TRUSTING = {"server": {"trusted_proxies": ["127.0.0.0/8"]}}
METHOD_IN = {"nginx": "X-Original-Method"}
TARGET_IN = {"nginx": "X-Original-URI"}
OURS = {*NAMES, "Cookie"}  # what an allowing answer says to the platform
FRAMING = {"Cache-Control", "Content-Length", "Date", "Server"}


@dataclass
class Asking:
    """A proxy that asks about one browser's requests."""

    clinics: Clinics
    dialect: str

    def question(self, browser: Browser | None, method: str, target: str, **guest: str) -> CIMultiDict[str]:
        """The headers of a check, as this proxy sets them, behind the guest's own."""
        headers = CIMultiDict({"Accept": HTML, "X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "http"})
        if browser is not None:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in browser.cookies().items())
        if self.dialect == "envoy":
            headers["Host"] = HOST
        else:
            headers[METHOD_IN.get(self.dialect, "X-Forwarded-Method")] = method
            headers[TARGET_IN.get(self.dialect, "X-Forwarded-Uri")] = target
            headers["X-Forwarded-Host"] = HOST
        headers.extend({name.replace("_", "-"): value for name, value in guest.items()})
        return headers

    async def ask(self, headers: Mapping[str, str], method: str = "GET", target: str = "/call/x") -> Answer:
        """Send a check. Envoy's carries the request line itself."""
        line = ("GET", f"/auth/{self.dialect}")
        if self.dialect == "envoy":
            line = (method, f"/auth/envoy{target}")
        session = self.clinics.browser().session
        session.headers.clear()
        url = URL(self.clinics.running.internal + line[1], encoded=True)
        async with session.request(line[0], url, headers=headers, allow_redirects=False) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def about(self, browser: Browser | None, target: str, method: str = "GET", **guest: str) -> Answer:
        """What it is told about this request."""
        return await self.ask(self.question(browser, method, target, **guest), method, target)


@pytest.fixture
async def trusting(start: Start, furnish: Furnish) -> Clinics:
    """Clinics on a gateway that trusts the proxies of its own machine."""
    return furnish(await start(TRUSTING))


@pytest.fixture(params=DIALECTS)
def asking(request: pytest.FixtureRequest, trusting: Clinics) -> Asking:
    """A proxy of each dialect."""
    return Asking(trusting, request.param)


@pytest.fixture
async def room(trusting: Clinics) -> Room:
    return await trusting.room()


async def _entry(clinics: Clinics, room: Room) -> tuple[Browser, str]:
    """A host with a pass, and the platform's page that it opens."""
    host = await clinics.host(room)
    return host, (await host.page(clinics.link(room))).location


async def test_whoever_may_go_in_is_allowed_with_every_name_of_theirs_and_nothing_else(asking: Asking, room: Room):
    host, entry = await _entry(asking.clinics, room)
    host.session.cookie_jar.update_cookies({"theirs": "kept"})
    for method in ("GET", "HEAD", "POST", "DELETE"):
        answer = await asking.about(host, entry, method)
        assert (answer.status, answer.body) == (200, b""), method
        assert set(answer.headers) - FRAMING == OURS
        assert (answer.headers["X-Gateway-Role"], answer.headers["Cookie"]) == ("host", "theirs=kept")
        assert answer.headers["X-Gateway-Visitor"] == host.visitor()
        assert answer.headers["Cache-Control"] == "no-store"


async def test_what_is_open_to_all_is_allowed_in_nobodys_name(asking: Asking):
    answer = await asking.about(None, "/static/call.css", X_Gateway_Role="host")
    assert answer.status == 200
    assert {name: answer.headers[name] for name in OURS} == dict.fromkeys(OURS, "")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/call/nobodys", 403),
        ("/signal/nobodys", 403),
        ("/elsewhere", 404),
        ("/call/..%2fadmin", 400),
        ("//call/x", 400),
    ],
)
async def test_whoever_may_not_is_refused_as_in_proxy_mode(asking: Asking, target: str, status: int):
    answer = await asking.about(None, target)
    plain = await asking.clinics.browser().page(target)
    assert plain.status == status
    if asking.dialect == "nginx":
        assert (answer.status, answer.body) == (403, b""), "nginx carries no other"
        return
    assert (answer.status, answer.verdict, answer.headers["Content-Type"]) == (
        status, plain.verdict, plain.headers["Content-Type"],
    )  # fmt: skip


async def test_a_pass_that_is_over_leads_back_to_its_link(asking: Asking, room: Room):
    host, entry = await _entry(asking.clinics, room)
    await asking.clinics.gateway.store.directory.raise_host_generation(room.id)
    asking.clinics.gateway.parts.hub._kept._owners.clear()
    answer = await asking.about(host, entry)
    if asking.dialect == "nginx":
        assert answer.status == 401, "the gateway answers in its place"
    else:
        assert (answer.status, answer.location) == (303, PUBLIC + asking.clinics.link(room))


async def test_the_gateways_own_addresses_are_never_let_through(asking: Asking, room: Room):
    host, _ = await _entry(asking.clinics, room)
    for target in (asking.clinics.link(room), asking.clinics.desk(room), "/-/static/gateway.css", "/-/as/x/call/y"):
        assert (await asking.about(host, target)).status == 403, "a link's page is 200, which would let through"


async def test_an_upgrade_is_checked_with_its_origin(asking: Asking, room: Room):
    host, entry = await _entry(asking.clinics, room)
    signal = entry.replace("/call/", "/signal/")
    shake = {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec_WebSocket_Version": "13"}
    assert (await asking.about(host, signal, Origin=PUBLIC, **shake)).status == 200
    assert (await asking.about(host, signal, Origin="https://evil.example", **shake)).status == 403
    assert (await asking.about(host, signal, Origin="https://evil.example")).status == 200, "a plain GET"
    assert (await asking.about(host, entry, "POST", Origin="https://evil.example")).status == 403
    assert (await asking.about(None, signal, Origin=PUBLIC, **shake)).status == 403


async def test_a_question_with_a_header_missing_or_doubled_is_refused_and_counted(asking: Asking, room: Room):
    host, entry = await _entry(asking.clinics, room)
    good = asking.question(host, "GET", entry)
    assert (await asking.ask(good, "GET", entry)).status == 200
    names = [name for name in good if name.startswith(("X-Forwarded", "X-Original"))]
    for name in names:
        without, twice, spelt = good.copy(), good.copy(), good.copy()
        del without[name]
        twice.add(name, good[name])
        spelt.add(name.replace("-", "_"), good[name])
        for question in (without, twice, spelt):
            answer = await asking.ask(question, "GET", entry)
            assert (answer.status, answer.body) == (403, b""), (name, question)
    faulty = f'gateway_auth_checks_total{{dialect="{asking.dialect}",verdict="faulty"}}'
    text = await _metrics(asking.clinics)
    assert f"{faulty} {3.0 * len(names)}" in text


async def test_what_another_proxy_would_say_is_not_read(trusting: Clinics, room: Room):
    _, entry = await _entry(trusting, room)
    open_ = "/static/open.css"
    assert (await Asking(trusting, "nginx").about(None, entry, X_Forwarded_Uri=open_)).status == 403
    assert (await Asking(trusting, "envoy").about(None, entry, X_Forwarded_Uri=open_)).status == 403
    assert (await Asking(trusting, "traefik").about(None, entry, X_Original_URI=open_)).status == 403


async def test_only_trusted_proxies_may_ask(start: Start, furnish: Furnish, caplog: pytest.LogCaptureFixture):
    clinics = furnish(await start())
    with caplog.at_level(logging.WARNING):
        for dialect in DIALECTS:
            for _ in range(3):
                answer = await Asking(clinics, dialect).about(None, "/static/call.css")
                assert (answer.status, answer.body) == (403, b"")
    told = [record for record in caplog.records if "checks are refused" in record.message]
    assert [record.__dict__["dialect"] for record in told] == list(DIALECTS), "once a minute each"
    assert await metric(clinics, "gateway_auth_checks_total") == 3 * len(DIALECTS)


async def test_a_pass_grown_old_is_renewed_by_one_cookie(asking: Asking, room: Room, monkeypatch: pytest.MonkeyPatch):
    host, entry = await _entry(asking.clinics, room)
    monkeypatch.setattr("gateway.edge.gate.RENEW_AFTER_MS", -1)
    answer = await asking.about(host, entry)
    assert [cookie.partition("=")[0] for cookie in answer.headers.getall("Set-Cookie")] == [f"lg_p_{room.id[:8]}"]


async def test_store_away_is_a_page_that_tries_again_where_the_proxy_carries_one(asking: Asking, room: Room):
    status = {"nginx": 401, "envoy": 403}.get(asking.dialect, 503)
    host, entry = await _entry(asking.clinics, room)
    parts = asking.clinics.gateway.parts
    parts.hub._kept._owners.clear()
    object.__setattr__(parts.config.store, "fail_static_s", 0)
    await asking.clinics.gateway.store.store.close()
    answer = await asking.about(host, entry)
    assert answer.status == status
    if asking.dialect != "nginx":
        assert (answer.verdict, answer.headers["Retry-After"]) == ("hold; reason=store_away", "5")
        assert b"<title" in answer.body


async def test_a_checked_poll_is_presence(start: Start, furnish: Furnish):
    routes = [{"path": "/call/{alias}", "class": "entry"}, {"path": "/poll/{alias}", "class": "poll"}]
    clinics = furnish(await start(TRUSTING, routes=routes))
    room = await clinics.room()
    host, entry = await _entry(clinics, room)
    assert (await Asking(clinics, "nginx").about(host, entry.replace("/call/", "/poll/"))).status == 200
    await clinics.until_inside(room, lambda now: len(now) == 1)


@pytest.mark.parametrize(
    "target", ["/../../metrics", "/../../auth/nginx", "//metrics", "/..%2f..%2fmetrics", "/%2e%2e/x"]
)
async def test_no_target_behind_envoys_prefix_leads_elsewhere_on_the_internal_listener(trusting: Clinics, target: str):
    head = f"GET /auth/envoy{target} HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-For: 198.51.100.7\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", trusting.gateway.internal_port)
    writer.write(f"{head}X-Forwarded-Proto: http\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 8)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 "), "the gateway refuses what could be read in two ways"
    assert b"gateway_" not in answer


@pytest.mark.parametrize("trusted", [True, False])
async def test_only_a_trusted_proxy_is_told_to_move_the_bytes_itself(
    start: Start, furnish: Furnish, platform: Platform, trusted: bool
):
    trusting = TRUSTING if trusted else {"server": {"trusted_proxies": ["10.0.0.0/8"]}}
    clinics = furnish(await start({**trusting, "upstream": {"accel": "@platform"}}))
    room = await clinics.room()
    host, entry = await _entry(clinics, room)
    answer = await host.page(entry)
    assert answer.headers.get("X-Accel-Redirect", "") == ("@platform" if trusted else "")
    assert len(platform.seen) == (0 if trusted else 1)
    assert ("X-Gateway-Visitor" in answer.headers) is trusted, "who comes is told to proxies alone"
    signal = await host.socket(entry.replace("/call/", "/signal/"))
    assert await signal.echo("here") == "here", "signalling is forwarded in either case"


async def _metrics(clinics: Clinics) -> str:
    async with clinics.browser().session.get(clinics.running.internal + "/metrics") as answer:
        return await answer.text()
