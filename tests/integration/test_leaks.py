"""Names, words, tokens and addresses of people stay where they belong: never in logs, metrics, keys or events."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from gateway.logs import configure
from rules.model import Room
from tests.integration.conftest import Furnish, Start, Stored
from tests.integration.people import HTML, WAIT_S, Browser
from tests.integration.places import Clinics, Session

NAME = "Canarybird Zzyzx"
WORDS = "canary-words-qqxx"
ADDRESS = "203.0.113.77"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged, as it would be written in earnest."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure(stream, "json", "debug")
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
async def clinics(log: io.StringIO, start: Start, furnish: Furnish) -> Clinics:
    return furnish(await start({"server": {"trusted_proxies": ["127.0.0.1/32"]}}))


def from_afar(browser: Browser) -> Browser:
    """Their requests come through a proxy that says from where."""
    browser.session.headers["X-Forwarded-For"] = ADDRESS
    return browser


async def live_through(clinics: Clinics, room: Room, session: Session, host: Browser) -> list[Browser]:
    """Everything people do at a room and a session."""
    people = []
    await clinics.act(host, room, "add_seat", door=session.id, name=NAME)
    for link, door in ((clinics.link(room), room.id), (session.guest, session.id)):
        guest = from_afar(clinics.browser())
        people.append(guest)
        page = await guest.wait(link, NAME)
        seated = await host.go_in(clinics.link(room) if door == room.id else session.host)
        await page.reason("knocking")
        ada = {"guest": guest.visitor(), "door": door}
        await clinics.act(host, room, "hold", text=WORDS, **ada)
        await page.next("message")
        await clinics.act(host, room, "message", text=WORDS + "!", **ada)
        await clinics.act(host, room, "admit", **ada)
        await page.reason("admitted")
        await clinics.go_in(guest, link, room)
        await guest.drop()
        await clinics.go_in(guest, link, room)
        await clinics.act(host, room, "remove", **ada)
        await page.reason("removed")
        await clinics.act(host, room, "let_back", **ada)
        await guest.press(link, NAME)
        await clinics.act(host, room, "deny", text=WORDS, **ada)
        await clinics.act(host, room, "end", door=door)
        await seated.close()
        await guest.ask("POST", link, HTML, {"Origin": "https://evil.example"}, data={"name": NAME})
        await guest.ask("GET", link + "x")
        await guest.ask("GET", f"/{NAME.split(maxsplit=1)[0]}/room/{NAME.split()[1]}")
    return people


async def test_nothing_of_a_person_is_logged_counted_or_published(clinics: Clinics, log: io.StringIO, stored: Stored):
    room = await clinics.room("canary-owner", "canary-clinic")
    session = await clinics.session(room)
    sign_in = clinics.sign_in_link(room)
    host = from_afar(clinics.browser())
    await host.page(sign_in)
    await host.ask("POST", sign_in)
    with stored.client() as client, client.pubsub(ignore_subscribe_messages=True) as listening:
        listening.psubscribe(f"{stored.prefix}:*")
        listening.get_message(timeout=WAIT_S)
        people = await live_through(clinics, room, session, host)
        published = []
        while message := listening.get_message(timeout=0.05):
            published.append(str(message["data"]) + str(message["channel"]))
        keys = [key.decode() for key in client.scan_iter(f"{stored.prefix}:*")]
        events = [str(client.xrange(key)) for key in keys if key.endswith(":outbox") or ":events:" in key]
    async with host.session.get(f"{clinics.running.internal}/metrics") as answer:
        metrics = await answer.text()
    secrets = [NAME, NAME.split(maxsplit=1)[0], WORDS, ADDRESS, sign_in.rpartition("/")[2]]
    secrets += [link.rpartition("/")[2] for link in session.links.values()]
    secrets += [value for person in (*people, host) for value in person.cookies().values()]
    slugs = ["canary-owner", "canary-clinic"]
    visitors = [person.visitor() for person in people]
    assert events
    assert len(published) > 10
    assert len(log.getvalue().splitlines()) > 40
    places = {
        "log": (log.getvalue(), secrets + slugs + visitors),
        "metrics": (metrics, secrets + slugs + visitors),
        "keys": ("\n".join(keys), secrets + slugs + visitors),
        "published": ("\n".join(published), secrets + slugs + visitors),
        "events": ("\n".join(events), secrets),  # who joined is in there by id, never by name
    }
    hits = {(place, word) for place, (text, words) in places.items() for word in words if word and word in text}
    assert hits == set()


async def test_a_line_in_the_log_says_what_was_decided_and_whose_network_asked(clinics: Clinics, log: io.StringIO):
    room = await clinics.room()
    await from_afar(clinics.browser()).page(clinics.link(room))
    line = json.loads(log.getvalue().splitlines()[-1])
    assert (line["event"], line["link"], line["reason"], line["status"]) == ("request", "room", "invited", 200)
    assert line["address"] == "203.0.113.0/24"
    assert line["duration_ms"] >= 0
    assert "dropped" not in line
