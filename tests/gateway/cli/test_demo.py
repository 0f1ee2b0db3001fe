"""`demo`: one command, and everything answers."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.api.keys import is_key
from gateway.demo.setting import default_state_dir, demo_config

WITHIN_S = 30
KEYS = [
    "public_url",
    "internal_url",
    "api_key",
    "room_link",
    "host_link",
    "desk_link",
    "session_id",
    "session_guest_link",
    "session_host_link",
]


def _announced(process: Any) -> str:
    """Everything printed until the demonstration has said all it says."""
    text = ""
    for line in process.stdout:
        text += str(line)
        if line.startswith("Ctrl-C"):
            return text
    raise AssertionError(f"it ended before it told its links: {text} {process.stderr.read()}")


@pytest.fixture
def demo(program, tmp_path: Path):
    """Starts a demonstration on free ports, and reads its links."""

    def start(**environ: str) -> tuple[Any, dict[str, str], str]:
        file = tmp_path / "links.json"
        file.unlink(missing_ok=True)
        ports = ("--port", "0", "--internal-port", "0")
        places = ("--links-file", str(file), "--state-dir", str(tmp_path / "state"))
        process = program("demo", *ports, *places, **environ)
        text = _announced(process)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        return process, json.loads(file.read_text()), text

    return start


def _stopped(process) -> None:
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, err) == (0, "")


async def _answers(links: dict[str, str]) -> Iterator[tuple[str, int, str]]:
    """What each link answers: its status and its verdict."""
    found = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN_S)) as client:
        for name in ("room_link", "session_guest_link", "session_host_link", "desk_link", "host_link"):
            async with client.get(links[name], allow_redirects=False) as answer:
                found.append((name, answer.status, answer.headers.get("X-Gateway-Verdict", "")))
        async with client.get(links["internal_url"] + "/readyz") as answer:
            found.append(("ready", answer.status, ""))
    return iter(found)


async def _sign_in_and_enter(links: dict[str, str]) -> tuple[int, int]:
    """The host's way in: sign in, go in through the room link; the statuses of the desk and of the call page."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=WITHIN_S)) as client:
        async with client.post(links["host_link"]) as desk:
            assert str(desk.url) == links["desk_link"]
        async with client.get(links["room_link"]) as call:
            assert call.url.path.startswith("/call/")
            return desk.status, call.status


def test_every_link_answers_as_it_should_and_what_is_printed_holds_them(demo):
    process, links, text = demo()
    assert list(links) == KEYS
    assert is_key(links["api_key"])
    assert all(links[name] in text for name in KEYS if name not in {"public_url", "session_id"})
    assert list(asyncio.run(_answers(links))) == [
        ("room_link", 200, "hold; reason=invited"),
        ("session_guest_link", 200, "hold; reason=invited"),
        ("session_host_link", 200, "hold; reason=invited"),
        ("desk_link", 403, "refuse; reason=no_pass"),
        ("host_link", 200, "hold; reason=invited"),
        ("ready", 200, ""),
    ]
    assert asyncio.run(_sign_in_and_enter(links)) == (200, 200)
    _stopped(process)


def test_a_second_run_finds_the_clinic_and_makes_a_session_of_its_own(demo):
    process, first, _ = demo()
    _stopped(process)
    process, second, _ = demo()
    assert first["session_id"] != second["session_id"]
    assert first["api_key"] != second["api_key"]
    assert asyncio.run(_sign_in_and_enter(second)) == (200, 200)
    _stopped(process)


def test_the_other_commands_work_on_the_demonstration_while_it_runs(demo, gateway, tmp_path: Path):
    process, links, _ = demo()
    config = str(tmp_path / "state" / "demo.toml")
    shown = gateway.json("session", "show", links["session_id"], "--config", config)
    assert [seat["link"] for seat in shown["seats"]] == [links["session_host_link"], links["session_guest_link"]]
    assert [each["name"] for each in gateway.json("key", "list", "--config", config)] == ["demo"]
    _stopped(process)


def test_a_port_in_use_is_one_line_and_exit_code_1(program, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = program("demo", "--port", str(port), "--state-dir", str(tmp_path / "state"))
        out, err = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, out) == (1, "")
    assert err.splitlines() == [f"cannot listen on 127.0.0.1:{port}: Address already in use"]


def test_a_links_file_that_cannot_be_written_is_one_line(program, tmp_path: Path):
    places = ("--links-file", str(tmp_path / "none" / "links.json"), "--state-dir", str(tmp_path / "state"))
    process = program("demo", "--port", "0", "--internal-port", "0", *places)
    _, err = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 1
    assert len(err.splitlines()) == 1


def test_the_environment_sets_short_times_and_never_another_store(tmp_path: Path):
    environ = {
        "LINK_GATEWAY__ROOMS__ADMISSION_TTL_S": "3",
        "LINK_GATEWAY__STORE__URL": "redis://elsewhere:6379",
        "LINK_GATEWAY__STORE__STATE_DIR": "/elsewhere",
        "LINK_GATEWAY__UPSTREAM__URL": "http://elsewhere:1",
        "LINK_GATEWAY__SERVER__PUBLIC_URL": "https://elsewhere.example.org",
    }
    with socket.create_server(("127.0.0.1", 0)) as public, socket.create_server(("127.0.0.1", 0)) as internal:
        config = demo_config(environ, tmp_path, public, internal, "http://127.0.0.1:1")
        assert config.server.public_url == f"http://localhost:{public.getsockname()[1]}"
    assert config.rooms.admission_ttl_s == 3
    assert (config.store.url, config.store.state_dir) == ("embedded", str(tmp_path))
    assert config.upstream.url == "http://127.0.0.1:1"


def test_wrong_times_in_the_environment_are_told_each_on_a_line(program, tmp_path: Path):
    faulty = {"LINK_GATEWAY__ROOMS__ADMISSION_TTL_S": "soon", "LINK_GATEWAY__WAITING__TTL_S": "-1"}
    process = program("demo", "--port", "0", "--internal-port", "0", "--state-dir", str(tmp_path / "state"), **faulty)
    _, err = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 2
    assert [line.partition(" = ")[0] for line in err.splitlines()] == ["rooms.admission_ttl_s", "waiting.ttl_s"]


def test_the_state_is_kept_in_the_users_cache_where_there_is_one(tmp_path: Path):
    home = {"HOME": str(tmp_path)}
    assert default_state_dir(home) == tmp_path / ".cache" / "link-gateway" / "demo"
    assert (
        default_state_dir({**home, "XDG_CACHE_HOME": str(tmp_path / "c")}) == tmp_path / "c" / "link-gateway" / "demo"
    )
    assert default_state_dir({}).name.startswith("link-gateway-demo-")
