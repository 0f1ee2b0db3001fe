"""A real Janus with the pages of Debian's janus-demos, configured by the files operators copy.

Rule that holds here: ports, and the one interface that media takes, are all that is put in place of what is shipped.
Media needs an interface besides loopback: the machine's own, else a pair made for the test, which takes root.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, web

from tests.integration.people import WAIT_S, Document, eventually
from tests.ports import free_port

SHIPPED = Path(__file__).parents[2] / "deploy" / "platforms" / "janus"
DEMOS = Path("/usr/share/janus/demos")
ADMIN_SECRET = "admin-key-of-janus-change-me"
WS, HTTP, ADMIN, ORIGIN, EVENTS = "8188", "8088", "7088", "8080", "9000"
_PORTS = re.compile(r"(?<=[: ])(8188|8088|7088|8080|9000)(?=[ ;/$\n\"])")
_SIOCGIFADDR = 0x8915


def with_ports(text: str, ports: Mapping[str, int]) -> str:
    """A shipped file with these ports in place of the documented ones; those not named stay."""
    return _PORTS.sub(lambda found: str(ports.get(found[1], found[1])), text)


def _interface() -> str | None:
    """An interface besides loopback that is up and has an IPv4 address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            if name == "lo":
                continue
            with suppress(OSError):  # has no address
                fcntl.ioctl(asked, _SIOCGIFADDR, struct.pack("256s", name.encode()))
                return name
    return None


@contextmanager
def media_interface() -> Iterator[str]:
    """The interface that media takes; a pair of virtual ones is made for the while where there is none."""
    if (found := _interface()) is not None:
        yield found
        return
    ip = shutil.which("ip") or shutil.which("ip", path="/usr/sbin:/sbin")
    if os.geteuid() != 0 or ip is None:
        pytest.skip("media needs an interface besides loopback: there is none, and none can be made here")
    ends = (f"lgj{os.getpid()}a", f"lgj{os.getpid()}b")
    for arguments in (
        ("link", "add", ends[0], "type", "veth", "peer", "name", ends[1]),
        ("addr", "add", "10.199.77.1/24", "dev", ends[0]),
        # Without addresses that come later by themselves: a browser drops what it loads when any comes.
        ("link", "set", ends[0], "addrgenmode", "none"),
        ("link", "set", ends[1], "addrgenmode", "none"),
        ("link", "set", ends[0], "up"),
        ("link", "set", ends[1], "up"),
    ):
        subprocess.run([ip, *arguments], check=True, timeout=10)
    try:
        yield ends[0]
    finally:
        subprocess.run([ip, "link", "del", ends[0]], check=True, timeout=10)


@dataclass
class AdminApi:
    """Janus' Admin API as the gateway reaches it: what is said goes through, and is written down."""

    to: str
    heard: list[Document] = field(default_factory=list)
    port: int = 0
    _runner: web.ServerRunner | None = None

    async def ask(self, said: str) -> Document:
        """One request as whoever runs Janus would send it, past the gateway."""
        async with ClientSession() as session, session.post(f"{self.to}/admin", data=said) as answer:
            told: Document = await answer.json()
            return told

    async def sessions(self) -> set[str]:
        """What there is, by Janus' own word: a session holds all that somebody sends and receives."""
        said = {"janus": "list_sessions", "transaction": "t", "admin_secret": ADMIN_SECRET}
        return {str(session) for session in (await self.ask(json.dumps(said)))["sessions"]}

    async def start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._pass_on, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _pass_on(self, request: web.BaseRequest) -> web.StreamResponse:
        said = await request.json()
        async with ClientSession() as session, session.post(f"{self.to}{request.raw_path}", json=said) as answer:
            told = await answer.json()
        self.heard.append(said)
        return web.json_response(told, status=answer.status)


@dataclass
class Janus:
    """One that runs, nginx before it."""

    at: Path
    ports: dict[str, int]
    admin: AdminApi
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where the gateway finds it."""
        return self.ports[ORIGIN]

    @property
    def url(self) -> str:
        """The same as an address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api(self) -> str:
        """Its own HTTP address, past nginx and gateway."""
        return f"http://127.0.0.1:{self.ports[HTTP]}/janus"

    async def ask(self, said: Document, path: str = "") -> Document:
        """One request to Janus itself, as somebody who found its port would send it."""
        said = {"transaction": "t", **said}
        async with ClientSession() as session, session.post(f"{self.api}{path}", json=said) as answer:
            told: Document = await answer.json()
            return told

    async def attach(self, token: str, **more: str) -> tuple[str, Document]:
        """A session of one's own and a handle of the video rooms; the handle's path, and the last answer."""
        made = await self.ask({"janus": "create", "token": token})
        if made["janus"] != "success":
            return "", made
        session = f"/{made['data']['id']}"
        asked = {"janus": "attach", "plugin": "janus.plugin.videoroom", "token": token, **more}
        attached = await self.ask(asked, session)
        return f"{session}/{attached['data']['id']}" if attached["janus"] == "success" else "", attached

    async def join(self, handle: str, token: str, body: Document) -> Document:
        """Ask to join a room; what the plugin says to that."""
        asked = {"request": "join", "ptype": "publisher", **body}
        acknowledged = await self.ask({"janus": "message", "token": token, "body": asked}, handle)
        assert acknowledged["janus"] == "ack", acknowledged
        events = f"{self.api}{handle.rpartition('/')[0]}"
        async with asyncio.timeout(WAIT_S), ClientSession() as session:
            while True:
                async with session.get(events, params={"token": token}) as answer:
                    told = await answer.json()
                if "plugindata" in told:
                    data: Document = told["plugindata"]["data"]
                    return data

    async def stop(self) -> None:
        for process, signal_number in zip(self.processes, (signal.SIGKILL, signal.SIGTERM), strict=False):
            with suppress(ProcessLookupError):  # it has ended
                process.send_signal(signal_number)  # asked kindly, Janus would answer everybody who polls first
            await asyncio.wait_for(process.wait(), 5)
        await self.admin.stop()


async def start_janus(
    at: Path, events_port: int, interface: str, program: Callable[..., Path], edit: Callable[[str], str] = str
) -> Janus:
    """Start it in `at`, with media on that interface, telling events to that port; and wait until it answers.

    `edit` makes of what is shipped what somebody else might run.
    """
    janus_program, nginx = program("janus"), program("nginx")
    if not DEMOS.exists():
        pytest.skip("janus-demos is not installed")
    ports = {name: free_port() for name in (WS, HTTP, ADMIN, ORIGIN)} | {EVENTS: events_port}
    for source in (*(SHIPPED / "conf").iterdir(), SHIPPED / "nginx.conf"):
        text = with_ports(source.read_text(), ports)
        text = text.replace('#ice_enforce_list = "eth0"', f'ice_enforce_list = "{interface}"')
        (at / source.name).write_text(edit(text))
    janus = Janus(at, ports, AdminApi(f"http://127.0.0.1:{ports[ADMIN]}"))
    await janus.admin.start()
    for command in (
        (janus_program, "-F", str(at)),
        (nginx, "-p", str(at), "-c", str(at / "nginx.conf"), "-g", "daemon off;"),
    ):
        with (at / f"{command[0].name}.log").open("wb") as log:
            janus.processes.append(
                await asyncio.create_subprocess_exec(*command, cwd=at, stdout=log, stderr=log, env={"HOME": str(at)})
            )

    async def answers() -> bool:
        for process, log in zip(janus.processes, ("janus.log", "nginx.log"), strict=True):
            assert process.returncode is None, (at / log).read_text()
        try:
            async with ClientSession() as session, session.get(f"{janus.url}/janus/room") as answer:
                return answer.status != web.HTTPBadGateway.status_code
        except ClientError:
            return False

    try:
        await eventually(answers, 0.05)
    except BaseException:
        await janus.stop()
        raise
    return janus
