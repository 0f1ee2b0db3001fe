"""The documented addresses of each platform, and what a gateway with its ready configuration answers there to whom.

Rule that holds here: the tables in walks/ were written from the platforms' own documents and sources, not from the
configurations, so that an address that a configuration forgot is seen. A line is a method (WS: a WebSocket), a target,
and the statuses that four people get. In a target, {alias} is the door's, {token} the person's own credential, which is
of another door for somebody of another room, and {copied} that of the guest who was admitted.
"""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import WSServerHandshakeError, web

from rules.routes import Match, Route, RouteClass, RouteTable
from tests.integration.people import Browser
from tests.integration.platform import Platform, Seen

READY = Path(__file__).parents[2] / "deploy" / "platforms"
NAMES = sorted(path.parent.name for path in READY.glob("*/link-gateway.toml"))
PEOPLE = ("not admitted", "admitted", "of another room", "host")
KEYS = "/etc/link-gateway"
KEY = "a key for tests that is long enough"
KEYED = ("mirotalk-sfu", "nextcloud-talk", "openvidu-meet")  # whose API the gateway asks with a key
ANSWERED, UPGRADED = 200, 101
_FIELD = re.compile(r"\{([a-z]+)\}")
_TICKET = re.compile(r"/-/as/[^/\\\"']+")
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")

_ROLES = {role: {"url": f"https://gate.example/meet/room/probe-1?secret={role}"} for role in ("moderator", "speaker")}
# What a platform answers to the gateway's own requests; everything else is echoed.
ANSWERS: Mapping[str, tuple[str, str]] = {
    "/bigbluebutton/api/create": ("text/xml", "<response><returncode>SUCCESS</returncode></response>"),
    "/api/v1/join": ("application/json", '{"join": "https://gate.example/join?room=x&token=y"}'),
    "/meet/api/v1/rooms": ("application/json", json.dumps({"roomId": "probe-1", "access": {"anonymous": _ROLES}})),
    "/ocs/v2.php/apps/spreed/api/v4/room": ("application/json", '{"ocs": {"data": {"token": "abcd1234"}}}'),
    "/admin": ("application/json", '{"janus": "success"}'),
}


BY_KEY = ("/api/v1/join", "/meet/api/v1/rooms", "/ocs/v2.php/apps/spreed/api/v4/room")


@dataclass(frozen=True)
class Step:
    """One line of a table."""

    method: str
    target: str
    expected: tuple[int, ...]  # in the order of PEOPLE

    @property
    def verb(self) -> str:
        """The method as it stands in a request line."""
        return "GET" if self.method == "WS" else self.method

    @property
    def path(self) -> str:
        """Its path at some door."""
        return self.filled(alias="0" * 20, token="t", copied="t").partition("?")[0]

    def route(self, table: RouteTable) -> Route | None:
        """The route that names it; none when nothing does, or not with this method."""
        found = table.find(self.verb, self.path, self.target.partition("?")[2])
        return found.route if isinstance(found, Match) else None

    def filled(self, **facts: str) -> str:
        """Its target with these in place of what stands in braces."""
        return _FIELD.sub(lambda found: facts.get(found.group(1), ""), self.target)


def make_keys(at: Path) -> Path:
    """Every key file that a ready configuration names, in the directory `at`."""
    for name in (*KEYED, "bigbluebutton", "galene", "jitsi-events", "livekit"):
        (at / f"{name}.key").write_text(f"{KEY}: {name}\n")
    command = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    subprocess.run([*command, "-out", str(at / "jitsi.pem")], check=True, capture_output=True, timeout=30)
    return at


def steps_of(name: str) -> list[Step]:
    """The table of one platform."""
    steps = []
    for line in (Path(__file__).parent / "walks" / f"{name}.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            method, target, *expected = line.split()
            assert len(expected) == len(PEOPLE), line
            steps.append(Step(method, target, tuple(map(int, expected))))
    return steps


def text_of(name: str, keys: Path) -> str:
    """A ready configuration with its key files in `keys`."""
    return (READY / name / "link-gateway.toml").read_text().replace(KEYS, str(keys))


def sections_of(name: str, keys: Path, platform: str) -> dict[str, Any]:
    """The same, before a platform at `platform`; without what says where the gateway is."""
    given = tomllib.loads(text_of(name, keys))
    for section in ("server", "store", "secrets"):
        given.pop(section, None)
    given["upstream"]["url"] = platform
    for route in given["routes"]:
        if "upstream" in route:
            route["upstream"] = platform
    identity = given.setdefault("identity", {})
    if "keys" not in identity:
        identity["keys"] = ()
    if "call" in identity:
        identity["call"]["url"] = _at(platform, identity["call"]["url"])
    asked = given.get("platform", {})
    for call in (*asked.get("calls", ()), *asked.get("probes", ())):
        call["url"] = _at(platform, call["url"])
    return given


def _at(platform: str, url: str) -> str:
    parts = urlsplit(url)
    return platform + url[len(f"{parts.scheme}://{parts.netloc}") :]


@dataclass
class Scripted(Platform):
    """A platform that echoes what is forwarded, and answers the gateway's own requests as a real one would."""

    asked: list[Seen] = field(default_factory=list)  # the gateway's own requests

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if "Via" in request.headers:
            return await super()._answer(request)
        headers = [(name.decode(), value.decode("latin-1")) for name, value in request.raw_headers]
        self.asked.append(Seen(request.method, request.raw_path, headers, await request.read()))
        known = next((path for path in ANSWERS if request.path.startswith(path)), "")
        if known in BY_KEY and not any(KEY in value for _, value in headers):
            return web.Response(status=401)
        kind, text = ANSWERS.get(known, ("application/json", "{}"))
        return web.Response(text=text, content_type=kind)


def alias_in(entry: str, pattern: str) -> str:
    """The door's alias in the address that its link forwards to."""
    shape = re.escape(pattern).replace(re.escape("{alias}"), "([^/?]+)")
    found = re.match(shape, entry)
    assert found is not None, entry
    return found.group(1)


async def carried(browser: Browser, entry: str, table: RouteTable, alias: str) -> tuple[str, str]:
    """What the gateway hands this person for that door: a credential and the prefix for clients without cookies.

    Each empty where there is none.
    """
    told = (await browser.page(entry)).headers.get("Location", "")
    for route in table.routes:
        if route.kind is RouteClass.MINT:
            query = f"?{route.binding.parameter}={alias}" if route.binding.parameter else ""
            told += (await browser.page(route.path.replace("{alias}", alias) + query)).text
    token, ticket = _TOKEN.search(told), _TICKET.search(told)
    return token.group() if token else "", ticket.group() if ticket else ""


async def status_of(browser: Browser, step: Step, target: str) -> int:
    """What this person is answered."""
    if step.method != "WS":
        return (await browser.ask(step.method, target)).status
    try:
        socket = await browser.socket(target)
    except WSServerHandshakeError as refusal:
        return refusal.status
    await socket.close()
    return UPGRADED
