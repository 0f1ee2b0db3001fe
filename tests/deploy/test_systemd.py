"""The units that are shipped: without a fault, hardened, and started as they say a gateway serves."""

from __future__ import annotations

import asyncio
import configparser
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.app import NOTICE_S, SPREAD_PAGES_S, SPREAD_TUNNELS_S
from gateway.config import Config
from tests.deploy.processes import ROOT, SERVE, Gateway, listens, start, status
from tests.ports import free_port

SHIPPED = ROOT / "deploy/systemd"
UNITS = ["link-gateway.service", "link-gateway@.service", "link-gateway.socket"]
SERVICES = UNITS[:2]
MOST_EXPOSURE = 2.0


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The shipped directory, with a program that exists in place of one that need not be installed here."""
    for path in [*SHIPPED.glob("*.service"), *SHIPPED.glob("*.socket")]:
        (tmp_path / path.name).write_text(path.read_text().replace("/opt/link-gateway/bin/link-gateway", "/bin/true"))
    (tmp_path / "link-gateway@9001.service").write_text((tmp_path / "link-gateway@.service").read_text())
    drop_in = tmp_path / "link-gateway.service.d"
    drop_in.mkdir()
    (drop_in / "socket.conf").write_text((SHIPPED / "link-gateway.service.d/socket.conf").read_text())
    return tmp_path


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Starts gateways; those that still run afterwards are ended."""
    started: list[Gateway] = []

    def start_one(command, environ, internal: int) -> Gateway:
        log = tmp_path / f"{internal}.log"
        common = {"LINK_GATEWAY__STORE__STATE_DIR": str(tmp_path / "state"), "LINK_GATEWAY__STORE__DEADLINE_S": "2"}
        started.append(start(command, {**common, **environ}, internal, log))
        return started[-1]

    yield start_one
    for gateway in started:
        gateway.end()


def service(name: str) -> dict[str, list[str]]:
    """Every key of a unit's [Service], with all its values."""
    found: dict[str, list[str]] = {}
    section = (SHIPPED / name).read_text().partition("[Service]")[2].partition("\n[")[0]
    for line in section.splitlines():
        key, equals, value = line.partition("=")
        if equals and not key.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def environment(name: str, **specifiers: str) -> dict[str, str]:
    """What a unit puts into the environment, but for the directory that only root may use."""
    pairs = (value.partition("=") for value in service(name)["Environment"])
    given = {key: re.sub(r"%(\w)", lambda found: specifiers[found[1]], value) for key, _, value in pairs}
    return {key: value for key, value in given.items() if key != "LINK_GATEWAY__STORE__STATE_DIR"}


@pytest.mark.parametrize("unit", [*SERVICES[:1], "link-gateway@9001.service", "link-gateway.socket"])
def test_systemd_finds_no_fault(program, units, unit) -> None:
    """Every line is known to systemd, also with the drop-in for a socket."""
    command = [program("systemd-analyze"), "verify", "--man=no", units / unit]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", SERVICES)
def test_a_unit_is_hardened(program, units, unit) -> None:
    """What systemd says of its exposure is at most 2.0."""
    command = [program("systemd-analyze"), "security", "--offline=true", "--no-pager", units / unit]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    (exposure,) = re.findall(r"Overall exposure level for .*: ([\d.]+)", told)
    assert float(exposure) <= MOST_EXPOSURE, told


@pytest.mark.parametrize("unit", SERVICES)
def test_a_unit_is_more_patient_than_a_drain(unit) -> None:
    """No call is killed by systemd: it waits longer than the longest drain of the default configuration."""
    given = service(unit)
    (patience,) = re.findall(r"^(\d+)min$", given["TimeoutStopSec"][0])
    longest_s = NOTICE_S + SPREAD_PAGES_S + Config().server.drain_max_s + SPREAD_TUNNELS_S
    assert int(patience) * 60 > longest_s + 60
    assert (given["KillMode"], given["Type"]) == (["mixed"], ["notify"])


def test_the_template_differs_only_where_it_must() -> None:
    """Both services are one text but for the instance's port."""
    one, many = (set((SHIPPED / name).read_text().splitlines()) for name in SERVICES)
    assert {line for line in one ^ many if not line.startswith("#")} == {
        "Description=Link gateway",
        "Description=Link gateway %i",
        "Environment=LINK_GATEWAY__SERVER__INTERNAL=127.0.0.1:%i",
        "Environment=LINK_GATEWAY__SERVER__REUSE_PORT=true",
    }


async def test_two_instances_of_the_template_share_the_public_port(begin) -> None:
    """Each has its own internal listener; the public port answers as long as one of them is there."""
    public, ports = free_port(), (free_port(), free_port())
    listen = {"LINK_GATEWAY__SERVER__PUBLIC": f"127.0.0.1:{public}"}
    one, other = (begin(SERVE, listen | environment(SERVICES[1], i=str(port)), port) for port in ports)
    await asyncio.gather(one.serves(), other.serves())
    assert await asyncio.to_thread(status, f"http://127.0.0.1:{public}/no/room/where") == 404
    await asyncio.to_thread(one.end)
    await other.serves()
    assert await asyncio.to_thread(status, f"http://127.0.0.1:{public}/no/room/where") == 404


async def test_a_socket_that_systemd_hands_over_is_the_public_listener(begin, program) -> None:
    """As the drop-in has it; the first guest waits for the gateway's start, and is answered."""
    socket_unit = configparser.ConfigParser(strict=False)
    socket_unit.read(SHIPPED / "link-gateway.socket")
    assert socket_unit["Socket"]["ListenStream"] == "127.0.0.1:8000"
    public, internal = free_port(), free_port()
    given = environment("link-gateway.service.d/socket.conf") | {
        "LINK_GATEWAY__SERVER__INTERNAL": f"127.0.0.1:{internal}"
    }
    handed = [f"--setenv={name}" for name in (*given, "LINK_GATEWAY__STORE__STATE_DIR", "PYTHONPATH")]
    command = [program("systemd-socket-activate"), f"--listen=127.0.0.1:{public}", *handed, *SERVE]
    gateway = begin(command, given, internal)
    await listens(public)
    answer = asyncio.to_thread(status, f"http://127.0.0.1:{public}/no/room/where")
    assert await answer == 404
    await gateway.serves()
