"""A real Prosody as Jitsi runs it: anonymous people, rooms, WebSocket and BOSH, and words about who comes and goes.

Rule that holds here: all of it is in a directory and on loopback ports of its own, and nothing else is spoken to than
the address it tells events to. What Jitsi adds to Prosody and tests need is in prosody_modules/, beside this file.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import jwt
from aiohttp import ClientSession, web

from tests.integration.people import WAIT_S, Document, eventually
from tests.ports import free_port

DOMAIN, ROOMS = "meet.jitsi", "muc.meet.jitsi"
HIBERNATION_S = 2  # a lost connection may be resumed this long; Prosody's own default is 600
INACTIVITY_S = 1  # who polls and is silent this long is out; Prosody's own default is 60
TOKEN_SECRET = "what Prosody and the gateway know, for a test 03"
EVENTS_BEARER = "a key for tests that is long enough: jitsi-events"
READY = f"GET {DOMAIN}/http-bind/ready"
_REQUEST = re.compile(rf"Firing event: ([A-Z]+ {re.escape(DOMAIN)}/\S*)$", re.MULTILINE)
MODULES = Path(__file__).parent / "prosody_modules"

CONFIG = """
run_as_root = true
pidfile = "{at}/prosody.pid"
data_path = "{at}"
plugin_paths = {{ "{modules}" }}
log = {{ debug = "{at}/log" }}
storage = "memory"
http_ports = {{ {port} }}
http_interfaces = {{ "127.0.0.1" }}
https_ports = {{ }}
c2s_ports = {{ }}
modules_enabled = {{ "saslauth", "bosh", "websocket", "smacks", "disco" }}
modules_disabled = {{ "s2s", "tls", "offline", "register" }}
http_default_host = "{domain}"
consider_websocket_secure = true
consider_bosh_secure = true
smacks_hibernation_time = {hibernation_s}
bosh_max_inactivity = {inactivity_s}
meet_token_secret = "{token_secret}"
meet_asks_for_tokens = {asks}
meet_events_bearer = "{events_bearer}"
meet_rooms = "{rooms}"
api_prefix = "http://127.0.0.1:{events_port}"

VirtualHost "{domain}"
    authentication = "meet"
    modules_enabled = {{ "meet_backend" }}

Component "{rooms}" "muc"
    muc_room_locking = false
    modules_enabled = {{ "meet_tokens", "meet_events" }}
"""


@dataclass
class Prosody:
    """One that runs. `events_port` is where it tells what happens, whether or not anybody listens there."""

    at: Path
    port: int
    events_port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def requests(self) -> list[str]:
        """Method and address of every request it heard since it has been ready, however it answered."""
        every = _REQUEST.findall((self.at / "log").read_text())
        return [request for request in every if request != READY]

    async def end_meeting(self, room: str) -> int:
        """What a backend of Prosody says that ends a room for everybody; the status of the answer."""
        token = jwt.encode({"exp": int(time.time()) + 60}, TOKEN_SECRET, "HS256")
        url, headers = f"{self.url}/end-meeting?conference={room}@{ROOMS}", {"Authorization": f"Bearer {token}"}
        async with ClientSession() as session, session.post(url, headers={**headers, "Host": DOMAIN}) as answer:
            return answer.status

    def stop(self) -> None:
        """End it at once: nothing that it holds is kept."""
        self.process.kill()
        self.process.wait()


def start_prosody(program: Path, at: Path, *, tokens: bool = False) -> Prosody:
    """Start it in `at`, and wait until it answers. With `tokens` a room is for who brings a token for it."""
    port, events_port = free_port(), free_port()
    config = CONFIG.format(
        at=at, modules=MODULES, port=port, events_port=events_port, domain=DOMAIN, rooms=ROOMS,
        hibernation_s=HIBERNATION_S, inactivity_s=INACTIVITY_S, events_bearer=EVENTS_BEARER,
        token_secret=TOKEN_SECRET, asks="true" if tokens else "false",
    )  # fmt: skip
    (at / "certs").mkdir()
    (at / "prosody.cfg.lua").write_text(config)
    with (at / "out").open("wb") as out:
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(at)}
        process = subprocess.Popen(
            [program, "--config", at / "prosody.cfg.lua", "-F"], cwd=at, stdout=out, stderr=out, env=environment
        )
    prosody = Prosody(at, port, events_port, process)
    until = time.monotonic() + WAIT_S
    try:
        while not _answers(prosody):
            assert process.poll() is None, (at / "out").read_text()
            assert time.monotonic() < until, (at / "log").read_text()
            time.sleep(0.02)
    except BaseException:
        prosody.stop()
        raise
    return prosody


def _answers(prosody: Prosody) -> bool:
    try:
        with urllib.request.urlopen(f"{prosody.url}/http-bind/ready", timeout=1):
            return True
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, ConnectionError):
        return False


@dataclass(frozen=True)
class Told:
    """One event as Prosody sent it, word for word."""

    path: str
    headers: dict[str, str]
    body: bytes
    said: Document

    @property
    def name(self) -> str:
        return str(self.said["event_name"]).removeprefix("muc-")


@dataclass
class Postbox:
    """Takes what Prosody tells. With `to` set each is passed on as it is, unless this `holds` them."""

    to: str = ""
    told: list[Told] = field(default_factory=list)
    holds: bool = False  # what comes is kept, to be sent when the test will
    _runner: web.ServerRunner | None = None

    async def start(self, port: int) -> None:
        self._runner = web.ServerRunner(web.Server(self._take, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        told = Told(request.path, dict(request.headers), body, json.loads(body))
        self.told.append(told)
        if self.to and not self.holds:
            await self.send(told)
        return web.Response()

    async def send(self, told: Told, **headers: str) -> int:
        """Send one, as it came or with other headers, to where events go; the status of the answer."""
        lines = {"Content-Type": "application/json", "Authorization": told.headers["Authorization"], **headers}
        async with (
            ClientSession() as session,
            session.post(self.to + told.path, data=told.body, headers=lines) as answer,
        ):
            return answer.status

    async def heard(self, name: str, room: str, count: int = 1) -> list[Told]:
        """Wait for that many events of that name about a room; all there are then."""

        async def are_there() -> bool:
            return len(self.of(name, room)) >= count

        await eventually(are_there)
        return self.of(name, room)

    def of(self, name: str, room: str) -> list[Told]:
        """What came so far of that name about a room."""
        return [told for told in self.told if told.name == name and told.said["room_name"] == room.lower()]
