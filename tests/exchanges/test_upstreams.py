"""Upstreams over TLS, on a socket's path, and several of one route, on either lane."""

from __future__ import annotations

import asyncio
import logging
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from tests.exchanges.conftest import Scene, begin
from tests.exchanges.peers import WAIT_S, Origin, connect, listening
from tests.exchanges.script import (
    CHUNKED,
    OK,
    OK_DOWN,
    ask,
    client_ended,
    exchange,
    forwarded,
    got,
    got_status,
    hang_up,
    relayed,
    request,
    saw,
    tell,
    unseen,
)
from tests.exchanges.tables.answers import AGAIN, ASKED
from tests.gateway.edge.test_upstream import closed_port

pytestmark = pytest.mark.asyncio(loop_scope="module")


def certificate(folder: Path, name: str) -> Path:
    """A key and a certificate of its own for this name; the folder they are in."""
    folder.mkdir()
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN={name} -addext subjectAltName=DNS:{name}"
    subprocess.run(
        [*command.split(), "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True
    )
    return folder


def serving(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls") / "ours", "localhost")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secure(lane: str, store: str, ours: Path) -> AsyncIterator[Scene]:
    """A gateway that believes our certificate, before an origin that has it."""
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(listening(tls=serving(ours)))
        sections = {"upstream": {"ca_file": str(ours / "cert.pem"), "idle_s": 0.5}}
        yield await begin(stack, store, f"tls{lane}", origin, sections, lane)


async def test_tls_is_spoken_and_kept(secure: Scene) -> None:
    await secure.play(exchange("tls", *AGAIN, *AGAIN))


async def test_a_body_that_the_close_of_tls_ends_is_whole(secure: Scene) -> None:
    said = tell(b"HTTP/1.1 200 OK\r\n\r\nall")
    await secure.play(
        exchange("tls-close", *ASKED, said, hang_up, got(relayed(last=CHUNKED, body=b"3\r\nall\r\n") + b"0\r\n\r\n"))
    )


async def test_a_length_that_stops_short_over_tls_is_reset(secure: Scene) -> None:
    said = tell(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall")
    heard = got(relayed(b"Content-Length: 9", body=b"all"))
    await secure.play(exchange("tls-short", *ASKED, said, heard, hang_up, client_ended("reset")))


@pytest.mark.parametrize("name", ["localhost", "elsewhere.example"])
async def test_a_certificate_that_does_not_verify_is_refused(
    lane: str, store: str, ours: Path, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Another authority, or another name: 502, nothing is sent, and the log says why."""
    theirs = certificate(tmp_path / "theirs", name)
    trusted = ours if name == "localhost" else theirs
    caplog.set_level(logging.WARNING, logger="gateway")
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(listening(tls=serving(theirs)))
        sections = {"upstream": {"ca_file": str(trusted / "cert.pem")}}
        scene = await begin(stack, store, f"bad{name[0]}{lane}", origin, sections, lane)
        refused = got_status(502, b"error=tls_certificate_error")
        await scene.play(exchange("bad-certificate", ask(request()), refused))
        assert not any(peer.data for peer in origin.peers)
        (said,) = [record for record in caplog.records if record.message == "the platform is away"]
        assert "its certificate is refused" in said.__dict__["error"]


async def test_a_socket_on_a_path(lane: str, store: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(listening(path=tmp_path / "o.sock"))
        scene = await begin(stack, store, f"path{lane}", origin, None, lane)
        await scene.play(exchange("path", *AGAIN, *AGAIN))


async def test_where_nobody_listens_proxy_status_says_so(lane: str, store: str) -> None:
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(listening())
        sections = {"upstream": {"url": f"http://127.0.0.1:{closed_port()}"}}
        scene = await begin(stack, store, f"none{lane}", origin, sections, lane)
        for head in (request(), request(b"Accept: text/html")):
            status = 503 if b"html" in head else 502
            await scene.play(exchange("none", ask(head), got_status(status, b"error=connection_refused"), unseen))


async def gauge(scene: Scene, label: str) -> float | None:
    return scene.running.gateway.parts.metrics.registry.get_sample_value("gateway_upstream_aside", {"upstream": label})


async def test_of_several_the_one_that_is_away_is_passed_over(lane: str, store: str) -> None:
    """At once, for a POST as well; after two failures it is not even asked."""
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(listening())
        dead = f"http://127.0.0.1:{closed_port()}"
        sections = {"upstream": {"url": [dead, origin.url], "fails_before_aside": 2, "aside_s": 60}}
        scene = await begin(stack, store, f"several{lane}", origin, sections, lane)
        posted = (
            ask(request(b"Content-Length: 0", method=b"POST")),
            saw(forwarded(b"Content-Length: 0", method=b"POST")),
        )
        for _ in range(6):
            await scene.play(exchange("passed-over", *posted, tell(OK), got(OK_DOWN)))
        assert await gauge(scene, "1") == 1
        assert not await gauge(scene, "2")


async def test_one_that_gives_no_answers_is_set_aside_and_comes_back(lane: str, store: str) -> None:
    """After its time one request tries it; the people of a call keep to one meanwhile."""
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(listening()) for _ in range(2)]
        sections = {"upstream": {"url": [first.url, second.url], "fails_before_aside": 2, "aside_s": 0.3}}
        scene = await begin(stack, store, f"back{lane}", first, sections, lane)
        head = request(b"Cookie: COOKIE", target=b"/api/x")
        chosen, other = await heard_by(scene, head, first, second)
        for _ in range(2):
            scene.origin = chosen
            await scene.play(exchange("no-answer", ask(head), hang_up, got_status(502)))
        assert (await heard_by(scene, head, first, second))[0] is other
        label = "1" if chosen is first else "2"
        assert await gauge(scene, label) == 1
        health = scene.upstreams[int(label) - 1].health
        health.aside_until = 0.0  # its time is over
        assert (await heard_by(scene, head, first, second))[0] is chosen
        assert await gauge(scene, label) == 0


async def heard_by(scene: Scene, head: bytes, first: Origin, second: Origin) -> tuple[Origin, Origin]:
    """Ask, have it answered, and say which of the two heard it."""
    client = await connect(scene.running.gateway.public_port)
    client.send(head.replace(b"COOKIE", scene.cookie))
    async with asyncio.timeout(WAIT_S):
        while not (first.peers or second.peers):  # noqa: ASYNC110 - either may come
            await asyncio.sleep(0.001)
    chosen, other = (first, second) if first.peers else (second, first)
    peer = await chosen.accept()
    await peer.read_until(b"\r\n\r\n")
    peer.send(OK)
    await client.read_until(b"ok")
    client.close()
    chosen.clear()
    await scene.rest()
    return chosen, other
