"""Every way to a room - class, binding, method - and people inside who try them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from gateway.edge.tickets import ticket_prefix
from gateway.signing import Pass
from rules.model import Room
from tests.integration.people import JSON, Answer, Browser
from tests.integration.places import Clinics

BINDINGS = {
    "alias": ("/{kind}/{{alias}}", "path"),
    "prefix": ("/{kind}-under/{{alias}}/**", "path"),
    "suffix": ("**/{{alias}}/{kind}-below", "path"),
    "slugs": ("/{{clinic}}/{{owner}}/{kind}", "path"),
    "query": ("/{kind}-q", "query:room"),
    "query token": ("/{kind}-t", "credential:query:jwt:room"),
    "header token": ("/{kind}-h", "credential:header:X-Token:room"),
    "both": ("/{kind}-both/{{alias}}", "query:room"),
}
ASKED = {  # the same addresses, as somebody asks for them
    "alias": "/{kind}/{alias}",
    "prefix": "/{kind}-under/{alias}/a/b",
    "suffix": "/any/where/{alias}/{kind}-below",
    "slugs": "/{clinic}/{owner}/{kind}",
    "query": "/{kind}-q?x=1&room={alias}",
    "query token": "/{kind}-t?jwt={token}",
    "header token": "/{kind}-h",
    "both": "/{kind}-both/{alias}?room={alias}",
}
KINDS = ("signal", "poll", "api", "mint")
METHODS = ("GET", "POST", "websocket")
WAYS = [(kind, binding, method) for method, kind, binding in itertools.product(METHODS, KINDS, BINDINGS)]
ROUTES = (
    {"path": "/call/{alias}", "class": "entry"},
    {"path": "/socket/{alias}", "class": "signal", "cookieless": True},
    {"path": "/token/{alias}", "class": "mint", "answer": "{credential}", "answer_type": "text/plain"},
    *(
        {
            "path": path.format(kind=kind),
            "class": kind,
            "binds": binds,
            "cookieless": True,
            "answer": "{alias}" if kind == "mint" else "",
        }
        for kind in KINDS
        for path, binds in BINDINGS.values()
    ),
    {"path": "/free", "class": "api", "binds": "unbound", "cookieless": True},
    {"path": "/static/**", "class": "asset"},
)
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


@dataclass
class Person:
    """A guest inside a room, and what names that room in an address."""

    browser: Browser
    room: Room
    given: Pass
    prefix: str
    token: str = ""

    def path(self, kind: str, binding: str) -> str:
        facts = {"alias": self.given.alias, "clinic": self.room.clinic, "owner": self.room.owner, "token": self.token}
        return ASKED[binding].format(kind=kind, **facts)

    def headers(self, binding: str, method: str) -> dict[str, str]:
        token = {"X-Token": self.token} if binding == "header token" else {}
        return {**token, **(UPGRADE if method == "websocket" else {})}


async def ask(browser: Browser, path: str, method: str, headers: dict[str, str]) -> Answer:
    verb = "POST" if method == "POST" else "GET"
    return await browser.ask(verb, path, JSON, headers, **({"data": b"x"} if verb == "POST" else {}))


def pass_of(clinics: Clinics, browser: Browser) -> Pass:
    """The newest pass of somebody."""
    signing = clinics.gateway.parts.signing
    found = [signing.read_pass(value) for name, value in browser.cookies().items() if name.startswith("lg_p_")]
    return max((given for given in found if given is not None), key=lambda given: given.issued_at_ms)


async def let_in(clinics: Clinics, host: Browser, room: Room, guest: Browser) -> Person:
    """A guest whom the host of that room lets in."""
    page = await guest.wait(clinics.link(room), "Guest")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    assert (await guest.page(clinics.link(room))).status == 303
    given = pass_of(clinics, guest)
    socket = await guest.socket(f"/socket/{given.alias}")
    assert await socket.echo("in") == "in"
    person = Person(guest, room, given, ticket_prefix(clinics.gateway.parts.signing, given))
    person.token = (await guest.ask("GET", f"/token/{given.alias}", JSON)).text
    return person
