"""What the real Janus takes of the gateway's tokens and calls, and what it refuses; asked at its own ports."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway import clock
from gateway.cli.probing import Outcome, probe
from gateway.config import Config
from gateway.config.platform_sections import On
from gateway.edge.platform_client import PlatformClient
from gateway.integrations.platforms.calls import Named, PlatformCalls, Result
from gateway.integrations.platforms.prepared import prepared_calls
from gateway.signing import Credentials
from rules.credentials import Terms
from rules.model import Role
from rules.templates import Place, fill_template
from tests.platforms.janus import SHIPPED, Janus, media_interface, start_janus, with_ports
from tests.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIDEOROOM = "janus.plugin.videoroom"
CONFIG = tomllib.loads((SHIPPED / "link-gateway.toml").read_text())
KEY = CONFIG["identity"]["keys"][-1].encode()
ROOM, OTHER = {"number": "271828182845904"}, {"number": "314159265358979"}
FACTS = {"visitor": "v1", **ROOM}
UNAUTHORIZED = 403  # of Janus itself
PLUGIN_REFUSED = 405
MISSING_SECRET, WRONG_TOKEN = 429, 433  # of the video rooms
LONG_AGO_MS = -100_000_000


def credentials(key: bytes = KEY, shift_ms: int = 0, **terms: Any) -> Credentials:
    """The gateway's, as it is configured but for what is said; made some time from now."""
    given = {"plugins": (VIDEOROOM,), "room_realm": VIDEOROOM, "room_opens": "room={number}", **terms}
    return Credentials("hmac-token", "SHA1", [key], Terms(**given), now_ms=lambda: clock.now_ms() + shift_ms)


def token(made: Credentials) -> str:
    return made.make(Role.GUEST, FACTS, None)


FORGER = b"a key of somebody else, who forges tokens"
TOKENS: dict[str, tuple[Callable[[], str], int]] = {
    "none": (str, UNAUTHORIZED),
    "forged": (lambda: token(credentials(FORGER)), UNAUTHORIZED),
    "expired": (lambda: token(credentials(shift_ms=LONG_AGO_MS)), UNAUTHORIZED),
    "other realm": (lambda: token(credentials(issuer="clinic")), UNAUTHORIZED),
    "a room's": (lambda: credentials().make_room(ROOM, None), UNAUTHORIZED),
    "other plugin": (lambda: token(credentials(plugins=("janus.plugin.echotest",))), PLUGIN_REFUSED),
}
ROOM_TOKENS: dict[str, Callable[[], dict[str, Any]]] = {
    "none": dict,
    "the other room's": lambda: {"token": credentials().make_room(OTHER, None)},
    "the one for Janus": lambda: {"token": token(credentials())},
    "forged": lambda: {"token": credentials(FORGER).make_room(ROOM, None)},
    "expired": lambda: {"token": credentials(shift_ms=LONG_AGO_MS).make_room(ROOM, None)},
    "other plugin": lambda: {"token": credentials(room_realm="janus.plugin.textroom").make_room(ROOM, None)},
    "in the other room": lambda: {"token": credentials().make_room(ROOM, None), "room": int(OTHER["number"])},
}


def config_of(janus: Janus, wrong_key: str = "") -> Config:
    """What is shipped, at this Janus' ports; one of its keys may be a wrong one."""
    text = with_ports((SHIPPED / "link-gateway.toml").read_text(), janus.ports)
    return Config.model_validate(tomllib.loads(text.replace(wrong_key, "another") if wrong_key else text))


async def ask(config: Config, on: On, named: Named) -> Result:
    """All calls of one kind, about somebody whom Janus calls so."""
    client = PlatformClient()
    try:
        calls = PlatformCalls(lambda: prepared_calls(config, clock.now_ms), client, lambda _on, _outcome: None)
        return await calls.make(on, {**FACTS, "alias": "a"}, [named])
    finally:
        await client.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def janus(tmp_path_factory: pytest.TempPathFactory, program: Callable[..., Path]) -> AsyncIterator[Janus]:
    """One with two rooms, made as the gateway is configured to make them, with somebody who speaks in each."""
    with media_interface() as interface:
        started = await start_janus(tmp_path_factory.mktemp("janus"), free_port(), interface, program)
        for room in (ROOM, OTHER):
            body = fill_template(CONFIG["platform"]["calls"][0]["body"], room, Place.JSON)
            with_speaker = body.replace('"publishers": 8', '"publishers": 8, "dummy_publisher": true')
            answer = await started.admin.ask(with_speaker)
            assert answer["response"]["videoroom"] == "created"
        yield started
        await started.stop()


async def test_whoever_brings_both_tokens_joins(janus: Janus) -> None:
    """What the gateway makes is what Janus reads."""
    ours = credentials()
    handle, _ = await janus.attach(token(ours))
    joined = await janus.join(handle, token(ours), {"room": int(ROOM["number"]), "token": ours.make_room(ROOM, None)})
    assert (joined["videoroom"], joined["room"]) == ("joined", int(ROOM["number"]))


@pytest.mark.parametrize(("brings", "code"), TOKENS.values(), ids=TOKENS)
async def test_janus_refuses_every_other_token(janus: Janus, brings: Callable[[], str], code: int) -> None:
    """No token, one that is forged, expired or for something else: there is no handle to be had."""
    handle, answer = await janus.attach(brings())
    assert (handle, answer["error"]["code"]) == ("", code)


@pytest.mark.parametrize("brings", ROOM_TOKENS.values(), ids=ROOM_TOKENS)
@pytest.mark.parametrize("ptype", ["publisher", "subscriber"])
async def test_a_room_lets_in_nobody_without_its_own_token(
    janus: Janus, brings: Callable[[], dict[str, Any]], ptype: str
) -> None:
    """Inside Janus, with a good session: neither speaking nor listening in a room whose token one does not have."""
    ours = token(credentials())
    handle, _ = await janus.attach(ours)
    refused = await janus.join(handle, ours, {"room": int(ROOM["number"]), "ptype": ptype, "streams": [], **brings()})
    assert refused["error_code"] == WRONG_TOKEN, refused


async def test_nobody_listens_who_has_not_joined(janus: Janus) -> None:
    """Who would only listen, in a room whose token they have, must say who of those in the room they are."""
    ours, room = credentials(), int(OTHER["number"])
    brings = {"room": room, "token": ours.make_room(OTHER, None)}
    speaker, _ = await janus.attach(token(ours))
    joined = await janus.join(speaker, token(ours), brings)
    listens = {**brings, "ptype": "subscriber", "streams": [{"feed": joined["publishers"][0]["id"]}]}
    listener, _ = await janus.attach(token(ours))
    refused = await janus.join(listener, token(ours), listens)
    assert refused["error_code"] == WRONG_TOKEN, refused
    let_in = await janus.join(listener, token(ours), {**listens, "private_id": joined["private_id"]})
    assert let_in["videoroom"] == "attached", let_in


@pytest.mark.parametrize("asked", ["create", "destroy", "edit", "kick", "moderate", "rtp_forward"])
async def test_guests_manage_no_room(janus: Janus, asked: str) -> None:
    """Making rooms takes a key, and everything else done to them a secret: pages are told neither."""
    ours = token(credentials())
    handle, _ = await janus.attach(ours)
    room = int(ROOM["number"]) + (asked == "create")
    body = {"request": asked, "room": room, "id": 1, "mid": "0", "mute": True, "publisher_id": 1, "host": "127.0.0.1"}
    answer = await janus.ask({"janus": "message", "token": ours, "body": body}, handle)
    assert answer["plugindata"]["data"]["error_code"] in {MISSING_SECRET, WRONG_TOKEN}, answer


async def test_check_live_tells_what_janus_leaves_open(
    janus: Janus, tmp_path: Path, program: Callable[..., Path]
) -> None:
    """As it is shipped, it refuses all that is tried; without tokens and without a key of its Admin API, nothing."""
    careless = await start_janus(
        tmp_path,
        free_port(),
        "lo",
        program,
        lambda text: text.replace("token_auth =", "#").replace("admin_secret =", "#"),
    )
    found = {}
    for tried in (janus, careless):
        found[tried.port] = {each.outcome for each in await probe(config_of(tried))}
    await careless.stop()
    assert found == {janus.port: {Outcome.REFUSED}, careless.port: {Outcome.OPEN}}


@pytest.mark.parametrize("named", [Named(), Named(("1",), ("2",))], ids=["unknown", "known"])
async def test_whoever_is_not_there_has_been_removed(janus: Janus, named: Named) -> None:
    """Somebody who never joined, or has gone already, is no reason to alarm the host."""
    result = await ask(config_of(janus), "remove", named)
    assert (result.done, result.made > 0) == (True, True), result.answers


@pytest.mark.parametrize(
    ("key", "on"),
    [("", "open"), ("admin-key-of", "open"), ("admin-key-of", "remove"), ("admin-key-of", "end"),
     ("room-key-of", "open"), ("secret-of-rooms", "remove")],
)  # fmt: skip
async def test_a_call_with_a_wrong_key_is_known_not_to_be_done(janus: Janus, key: str, on: On) -> None:
    """Janus says so in an answer whose status is good; that somebody or something is gone already is no refusal."""
    result = await ask(config_of(janus, key), on, Named(("1",), ("2",)))
    assert (result.done, result.made > 0) == (not key, True), result.answers
