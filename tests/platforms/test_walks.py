"""Every ready configuration of deploy/platforms, before an echoing platform: who reaches which of its addresses."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.conftest import Furnish, Start
from tests.integration.people import Browser, Socket, eventually
from tests.integration.places import Clinics
from tests.platforms import walking
from tests.platforms.walking import ANSWERED, NAMES, PEOPLE, UPGRADED, Scripted, Step

ADMITTED = PEOPLE.index("admitted")


@dataclass
class Walkers:
    """The people of a walk, each with a browser that stays signed in, and what they carry."""

    browsers: tuple[Browser, ...]  # in the order of PEOPLE
    tokens: tuple[str, ...]  # each one's own
    tickets: tuple[str, ...]  # likewise
    alias: str
    inside: list[Socket]
    clinics: Clinics


@pytest.fixture
async def scripted() -> AsyncIterator[Scripted]:
    platform = Scripted()
    await platform.start()
    yield platform
    await platform.stop()


@pytest.fixture
async def walkers(
    request: pytest.FixtureRequest, start: Start, furnish: Furnish, keys: Path, scripted: Scripted
) -> Walkers:
    """Everybody where a table says they are, with the configuration of `request.param`."""
    given = walking.sections_of(request.param, keys, scripted.url)
    sections = {name: given.pop(name) for name in ("upstream", "identity")}
    running = await start({**sections, "store": {"deadline_s": 1.5}}, **given)
    clinics, steps = furnish(running), walking.steps_of(request.param)
    signal = next(step for step in steps if step.method == "WS" and step.expected[-1] == UPGRADED)
    here = await _call(clinics, "dr-lee", signal)
    there = await _call(clinics, "dr-fox", signal)
    waiting = clinics.browser()
    await waiting.wait(clinics.link(await clinics.room()), "Eve")
    nothing = ("", "")
    tokens, tickets = zip(nothing, here.of_guest, there.of_guest, here.of_host, strict=True)
    browsers = (waiting, here.guest, there.guest, here.host)
    return Walkers(browsers, tokens, tickets, here.alias, [here.socket, there.socket], clinics)


@dataclass
class _Call:
    host: Browser
    guest: Browser
    alias: str
    of_host: tuple[str, str]  # the credential and the ticket
    of_guest: tuple[str, str]
    socket: Socket


async def _call(clinics: Clinics, owner: str, signal: Step) -> _Call:
    """A host inside their room, and a guest whom they let in, each by their link."""
    room = await clinics.room(owner)
    table = clinics.gateway.parts.routes
    host, guest = await clinics.host(room), clinics.browser()
    entry = (await host.page(clinics.link(room))).location
    alias = walking.alias_in(entry, clinics.gateway.parts.config.upstream.entry)
    of_host = await walking.carried(host, entry, table, alias)
    socket = await host.socket(signal.filled(alias=alias, token=of_host[0]))
    await clinics.until_inside(room, bool)
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    entry = (await guest.page(clinics.link(room))).location
    return _Call(host, guest, alias, of_host, await walking.carried(guest, entry, table, alias), socket)


@pytest.mark.parametrize("walkers", NAMES, indirect=True)
async def test_everybody_is_answered_as_its_table_says_and_only_what_is_allowed_reaches_the_platform(
    request: pytest.FixtureRequest, walkers: Walkers, scripted: Scripted
):
    name, wrong = request.node.callspec.params["walkers"], []
    for step in walking.steps_of(name):
        for number, (who, browser) in enumerate(zip(PEOPLE, walkers.browsers, strict=True)):
            own = {"token": walkers.tokens[number], "ticket": walkers.tickets[number]}
            given = {"alias": walkers.alias, "copied": walkers.tokens[ADMITTED], **own}
            expected = step.expected[number]
            target = step.filled(**given)
            scripted.seen.clear()
            status = await walking.status_of(browser, step, target)
            reached = [seen.path for seen in scripted.seen]
            if status != expected or (reached and status not in {ANSWERED, UPGRADED}):
                wrong.append(
                    f"{step.method} {step.target} by somebody {who}: {status}, not {expected}; reached {reached}"
                )
    assert wrong == []


ENDED = {  # what ends the guest's part of a call, by each platform's own documents; Jitsi needs an event first
    "bigbluebutton": ("GET", "/bigbluebutton/api/end?meetingID={alias}&checksum={checksum}"),
    "livekit": ("POST", "/twirp/livekit.RoomService/RemoveParticipant"),  # whoever can be sent out alone, is
    "mirotalk-sfu": ("DELETE", "/api/v1/meeting/{alias}"),
    "nextcloud-talk": ("DELETE", "/ocs/v2.php/apps/spreed/api/v4/room/abcd1234"),
    "openvidu-meet": ("DELETE", "/meet/api/v1/rooms/probe-1?withMeeting=force&withRecordings=close"),
}


@pytest.mark.parametrize("walkers", ENDED, indirect=True)
async def test_a_host_who_ends_the_call_has_the_platform_told_in_its_own_words(
    request: pytest.FixtureRequest, walkers: Walkers, scripted: Scripted, keys: Path
):
    method, told = ENDED[request.node.callspec.params["walkers"]]
    secret = (keys / "bigbluebutton.key").read_text().strip()
    checksum = hashlib.sha256(f"endmeetingID={walkers.alias}{secret}".encode()).hexdigest()
    told = told.replace("{alias}", walkers.alias).replace("{checksum}", checksum)
    await walkers.clinics.act(walkers.browsers[-1], await walkers.clinics.room(), "end")

    async def heard() -> bool:
        return any((seen.method, seen.path) == (method, told) for seen in scripted.asked)

    await eventually(heard)
