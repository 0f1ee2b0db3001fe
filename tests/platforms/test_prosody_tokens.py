"""The tokens that the gateway hands over for Prosody: one room each, looked at by the gateway and by Prosody."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from gateway.cli.probing import Outcome, probe
from gateway.config import Config
from tests.integration.places import SHORT
from tests.platforms.conftest import Hold
from tests.platforms.meetings import WAYS, Entered, Meeting, as_shipped
from tests.platforms.prosody import DOMAIN, TOKEN_SECRET, Prosody
from tests.platforms.streams import Polls, Refused
from tests.platforms.test_prosody import answer

BOTH = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
async def meeting(meet: Hold) -> Meeting:
    """A room before a Prosody that lets nobody join without a token, by the configuration that operators copy."""
    return await meet(shipped=True)


def read(token: str) -> dict[str, Any]:
    """As Jitsi's documentation says that Prosody does it."""
    claims: dict[str, Any] = jwt.decode(
        token, TOKEN_SECRET, ["HS256"], audience="jitsi", issuer="link-gateway", options={"require": ["exp", "sub"]}
    )
    return claims


@BOTH
async def test_the_token_that_a_page_is_given_lets_its_person_into_its_room(meeting: Meeting, way: str):
    host = await meeting.host_joins(way)
    browser = await meeting.admitted("Ada")
    entered = await meeting.enter(browser)
    guest = await meeting.connect(browser, way, entered)
    await guest.join(entered.alias)
    await host.sees(guest)
    user, guests = {"id": browser.visitor(), "name": "Ada"}, {"affiliation": "member", "moderator": False}
    claims = read(entered.token)
    assert (claims["sub"], claims["room"], claims["context"]) == (DOMAIN, entered.alias, {"user": user | guests})
    assert read((await meeting.enter(meeting.host)).token)["context"]["user"]["affiliation"] == "owner"
    told = await meeting.postbox.heard("occupant-joined", entered.alias, 2)
    assert {key: told[1].said["occupant"][key] for key in user} == user


@BOTH
async def test_no_other_token_passes_the_gateway_and_prosody_hears_of_none(meeting: Meeting, way: str):
    await meeting.host_joins(way)
    guest = await meeting.admitted()
    own = await meeting.enter(guest)
    hosts_own = await meeting.enter(meeting.host)
    owner = await meeting.clinics.room("dr-kay")
    other = await meeting.enter(await meeting.clinics.host(owner), meeting.clinics.link(owner))
    claims = read(own.token)
    past = {**claims, "exp": int(time.time()) - 5, "iat": int(time.time()) - 90, "nbf": int(time.time()) - 90}
    tokens = {
        "none": "",
        "no token": "x.y.z",
        "of another key": jwt.encode(claims, "a key of somebody else, long enough 001", "HS256"),
        "unsigned": jwt.encode(claims, "", "none"),
        "expired": jwt.encode(past, TOKEN_SECRET, "HS256"),
        "cut short": own.token[:-3],
        "of another room": other.token,
        "of somebody else in the same room": hosts_own.token,
    }
    heard = len(meeting.prosody.requests())
    for name, token in tokens.items():
        assert await answer(meeting, guest, way, Entered(own.alias, token).address(way)) == 403, name
    assert await answer(meeting, guest, way, other.address(way)) == 403
    twice = f"{own.address(way)}&token={other.token}"
    assert await answer(meeting, guest, way, twice) == 400
    assert len(meeting.prosody.requests()) == heard


@BOTH
async def test_whoever_has_a_token_of_one_room_is_not_let_into_another_by_what_they_say_once_connected(
    meeting: Meeting, way: str
):
    await meeting.host_joins(way)
    browser = await meeting.admitted()
    entered, other = await meeting.enter(browser), await meeting.another_room()
    guest = await meeting.connect(browser, way, entered)
    await guest.join(other)
    assert (guest.error, guest.there) == ("not-allowed", set())
    if isinstance(guest.stream, Polls):  # a poll that leaves its token out is nobody's
        guest.stream.path = f"{WAYS[way]}?room={entered.alias}"
        with pytest.raises(Refused, match="403"):
            await guest.stream.poll()


@BOTH
async def test_the_removed_keep_a_token_that_opens_nothing_here(meeting: Meeting, way: str):
    host = await meeting.host_joins(way)
    browser = await meeting.admitted()
    entered = await meeting.enter(browser)
    guest = await meeting.connect(browser, way, entered)
    await guest.join(entered.alias)
    await host.sees(guest)
    await meeting.act("remove", guest=browser.visitor())
    await guest.cut()
    for other in WAYS:
        assert await answer(meeting, browser, other, entered.address(other)) == 403
    page = await browser.page(f"/{entered.alias}?jwt={entered.token}")
    assert page.status == 303
    assert "jwt" not in page.location


async def test_check_finds_a_prosody_that_asks_for_tokens_closed_and_one_that_does_not_open(
    begin_prosody: Callable[..., Prosody], keys: Path
):
    asks, asks_nobody = begin_prosody(tokens=True), begin_prosody(tokens=False)
    for prosody, first in ((asks, Outcome.REFUSED), (asks_nobody, Outcome.OPEN)):
        given = as_shipped(prosody, keys)
        config = Config.model_validate({**SHORT, **given})
        outcomes = {probed.name: probed.outcome for probed in await probe(config)}
        assert outcomes == {
            "log in to Prosody without a token": first,
            "log in to the guests' domain": Outcome.REFUSED,
            "end a meeting without a token": Outcome.REFUSED,
        }
