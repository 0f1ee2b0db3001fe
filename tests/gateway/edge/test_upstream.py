"""An upstream is found by its address, over TCP, TLS or a unix socket, or is away for a reason."""

from __future__ import annotations

import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from gateway.edge.address import UpstreamAddress, parse_upstream
from gateway.edge.away import AwayKind, UpstreamAway
from tests.gateway.edge.scripted import GET, OK, Gateway, Setting, gateway, origin


def closed_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def away_kind(gate: Gateway) -> AwayKind:
    (fault,) = gate.faults
    assert isinstance(fault, UpstreamAway)
    return fault.kind


@pytest.mark.parametrize(
    ("url", "address", "authority"),
    [
        ("http://127.0.0.1:8080", UpstreamAddress("127.0.0.1", 8080, "", tls=False), "127.0.0.1:8080"),
        ("http://platform", UpstreamAddress("platform", 80, "", tls=False), "platform"),
        ("https://platform/", UpstreamAddress("platform", 443, "", tls=True), "platform"),
        ("https://[::1]:8443", UpstreamAddress("::1", 8443, "", tls=True), "[::1]:8443"),
        ("unix:/run/p.sock", UpstreamAddress("", 0, "/run/p.sock", tls=False), "localhost"),
    ],
)
def test_an_address_is_read(url: str, address: UpstreamAddress, authority: str) -> None:
    """The three kinds, with their default ports."""
    assert parse_upstream(url) == address
    assert address.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "platform:80",
        "ftp://x",
        "http://",
        "http://x/base",
        "http://x?y",
        "http://u@x",
        "unix:p.sock",
        "http://x:99999",
    ],
)
def test_a_faulty_address_is_a_fault(url: str) -> None:
    """ValueError, in the operator's words."""
    with pytest.raises(ValueError, match=r".+"):
        parse_upstream(url)


async def test_nobody_listening_is_away_by_connect() -> None:
    """502, and the pool has room again."""
    async with gateway(UpstreamAddress("127.0.0.1", closed_port(), "", tls=False)) as gate:
        assert (await gate.ask(GET)).status == 502
        assert away_kind(gate) is AwayKind.CONNECT
        assert gate.upstream is not None
        assert gate.upstream.lent == 0
        away = await gate.upstream.probe()
        assert away is not None
        assert away.kind is AwayKind.CONNECT


async def test_a_missing_unix_socket_is_away_by_connect(tmp_path: Path) -> None:
    """As a closed port is."""
    async with gateway(UpstreamAddress("", 0, str(tmp_path / "none.sock"), tls=False)) as gate:
        assert (await gate.ask(GET)).status == 502
        assert away_kind(gate) is AwayKind.CONNECT


async def test_an_upstream_may_be_a_unix_socket(tmp_path: Path) -> None:
    """The whole lane over a path."""
    async with origin(path=tmp_path / "p.sock") as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(GET)
        leg = await platform.accept()
        assert (await leg.head()).one("Host") == "gate.example"
        await leg.send(OK)
        assert (await client.message()).body == b"ok"
        assert gate.upstream is not None
        assert await gate.upstream.probe() is None


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of our own for localhost."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


def serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return context


async def test_an_upstream_may_speak_tls(certificate: Path) -> None:
    """Verified against the given authority; the answer crosses."""
    verifying = ssl.create_default_context(cafile=certificate / "cert.pem")
    async with (
        origin(tls=serving(certificate)) as platform,
        gateway(platform.address, Setting(tls=verifying)) as gate,
    ):
        client = await gate.client()
        await client.send(GET)
        leg = await platform.accept()
        await leg.head()
        await leg.send(OK)
        assert (await client.message()).body == b"ok"


async def test_an_unverified_certificate_is_away_by_tls(certificate: Path) -> None:
    """No request is sent to somebody else."""
    async with origin(tls=serving(certificate)) as platform, gateway(platform.address) as gate:
        assert (await gate.ask(GET)).status == 502
        assert away_kind(gate) is AwayKind.TLS
        assert platform.accepted == 0
