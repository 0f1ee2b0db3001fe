"""What a service manager hears, over the socket that systemd would listen on."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.cli.notices import Notices

WAIT_S = 10.0


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A socket to listen on, and what NOTIFY_SOCKET says of it."""
    name = f"gateway-{os.getpid()}-{time.monotonic_ns()}"
    bound, told = (f"\0{name}", f"@{name}") if request.param == "abstract" else 2 * (str(tmp_path / "notify"),)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(bound)
        listening.settimeout(WAIT_S)
        yield listening, told


def heard(listening: socket.socket) -> list[str]:
    return listening.recv(4096).decode().split("\n")


def test_each_notice_is_one_datagram_in_the_words_of_the_protocol(manager) -> None:
    listening, address = manager
    notices = Notices({"NOTIFY_SOCKET": address})
    notices.serving()
    before = time.monotonic_ns() // 1000
    notices.reloading()
    notices.stopping()
    notices.draining(7, 90)
    assert heard(listening) == ["READY=1", "STATUS=Serving."]
    reloading, at = heard(listening)
    assert (reloading, at.partition("=")[0]) == ("RELOADING=1", "MONOTONIC_USEC")
    assert before <= int(at.partition("=")[2]) <= time.monotonic_ns() // 1000
    assert heard(listening) == ["STOPPING=1"]
    assert heard(listening) == ["STATUS=Taking nobody new; calls that go on: 7.", "EXTEND_TIMEOUT_USEC=90000000"]
    notices.close()


async def test_signs_of_life_come_as_often_as_awaited_and_only_while_the_loop_turns(manager) -> None:
    listening, address = manager
    notices = Notices({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "250000", "WATCHDOG_PID": str(os.getpid())})
    showing = asyncio.create_task(notices.show_life())
    for _ in range(3):
        assert await asyncio.to_thread(heard, listening) == ["WATCHDOG=1"]
    listening.settimeout(0.5)  # from here on this thread, and with it the loop, stands still
    already_sent = 0
    with suppress(TimeoutError):
        while heard(listening):
            already_sent += 1
    assert already_sent < 3
    showing.cancel()
    await asyncio.gather(showing, return_exceptions=True)
    notices.close()


@pytest.mark.parametrize(
    ("environ", "every_s"),
    [
        ({}, 0),
        ({"WATCHDOG_USEC": "30000000"}, 12),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "41"}, 12),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"}, 0),
        ({"WATCHDOG_USEC": "often"}, 0),
    ],
    ids=["none", "any process", "this process", "another process", "nonsense"],
)
def test_signs_of_life_are_sent_where_they_are_awaited_of_this_process(environ: dict[str, str], every_s: float) -> None:
    assert Notices(environ, pid=41).signs_every_s == every_s


@pytest.mark.parametrize("address", ["", "vsock:2:1", "/nowhere/at/all"])
def test_nobody_listening_is_no_fault(address: str) -> None:
    notices = Notices({"NOTIFY_SOCKET": address} if address else {})
    notices.serving()
    notices.close()


def test_a_gateway_tells_its_manager_of_its_whole_life(program, gateway, manager) -> None:
    listening, address = manager
    sockets = gateway.config.parent / "public.sock", gateway.config.parent / "internal.sock"
    listeners = f'[server]\npublic = "unix:{sockets[0]}"\ninternal = "unix:{sockets[1]}"\n'
    gateway.config.write_text(gateway.config.read_text().replace("[server]\n", listeners))
    environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "2000000"}
    process = program("serve", "--config", str(gateway.config), **environ)
    listening.settimeout(30)

    def first(word: str) -> list[str]:
        """The next notice that is no mere sign of life."""
        while (words := heard(listening)) == ["WATCHDOG=1"]:
            pass
        assert word in words
        return words

    first("READY=1")
    for path in sockets:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(WAIT_S)
            asking.connect(str(path))
            asking.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert asking.recv(9) == b"HTTP/1.1 "
    process.send_signal(signal.SIGHUP)
    assert first("RELOADING=1")[1].startswith("MONOTONIC_USEC=")
    first("READY=1")
    while heard(listening) != ["WATCHDOG=1"]:
        pass
    process.send_signal(signal.SIGTERM)
    first("STOPPING=1")
    assert process.wait(20) == 0
