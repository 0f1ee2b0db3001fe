"""TLS on the public listener: all that goes in the clear goes by TLS, and certificates change without a cut."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
import trustme

from tests.integration.conftest import Furnish, Start, Stored
from tests.integration.people import WAIT_S, Browser
from tests.integration.places import SHORT, Clinics, merged
from tests.integration.platform import Platform
from tests.integration.test_reload import Written


class Files:
    """The operator's certificate and key, renewed at will, and those who trust its authority."""

    def __init__(self, folder: Path) -> None:
        self.chain, self.key = folder / "chain.pem", folder / "key.pem"
        self._authority = trustme.CA()
        self.renew()

    def renew(self) -> None:
        issued = self._authority.issue_cert("127.0.0.1", "gate.example")
        issued.private_key_pem.write_to_path(self.key)
        self.chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))

    def trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    def section(self) -> dict[str, str]:
        return {"tls_certificate": str(self.chain), "tls_key": str(self.key)}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
async def written(start: Start, stored: Stored, platform: Platform, files: Files, tmp_path: Path) -> Written:
    server = {"server": files.section()}
    given = merged(SHORT, stored.sections(), {"upstream": {"url": platform.url}}, server)
    return Written(await start(server), tmp_path / "gateway.toml", given)


@pytest.fixture
def clinics(written: Written, furnish: Furnish) -> Clinics:
    return furnish(written.running)


@pytest.fixture
def port(written: Written) -> int:
    return written.running.gateway.public_port


def visitor(clinics: Clinics, files: Files) -> Browser:
    browser = Browser(f"https://127.0.0.1:{clinics.gateway.public_port}", tls=files.trust())
    clinics.browsers.append(browser)
    return browser


async def signed_in(clinics: Clinics, files: Files, link: str) -> Browser:
    host = visitor(clinics, files)
    assert (await host.page(link)).status == 200
    assert (await host.ask("POST", link)).status == 303
    return host


def shown(port: int, files: Files) -> bytes | None:
    """The certificate that whoever connects now is shown."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
    with plain, files.trust().wrap_socket(plain, server_hostname="127.0.0.1") as connection:
        return connection.getpeercert(binary_form=True)


async def test_a_whole_visit_goes_by_tls_pages_streams_tunnels_and_the_express_lane(clinics, files, platform: Platform):
    room = await clinics.room()
    host = await signed_in(clinics, files, clinics.sign_in_link(room))
    host_socket = await clinics.go_in(host, clinics.link(room), room)
    guest = visitor(clinics, files)
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    guest_socket = await clinics.go_in(guest, clinics.link(room), room)
    large = "x" * 3_000_000  # more than any buffer on the way holds
    for talking in (host_socket, guest_socket):
        assert await talking.echo("hello") == "hello"
        assert await talking.echo(large) == large
    for _ in range(3):
        assert (await guest.page("/static/a.js")).status == 200
    assert clinics.gateway.lane is not None
    assert clinics.gateway.lane.taken > 0
    assert platform.last("/static/").one("X-Forwarded-Proto") == "https"
    await clinics.act(host, room, "remove", guest=guest.visitor())
    assert await guest_socket.cut() == 4403
    await clinics.gateway.parts.streams.close_all(0)
    await page.ended()


async def test_a_renewed_certificate_is_for_new_handshakes_and_what_stands_lives_on(written, clinics, files, port):
    room = await clinics.room()
    host = await signed_in(clinics, files, clinics.sign_in_link(room))
    talking = await clinics.go_in(host, clinics.link(room), room)
    first = await asyncio.to_thread(shown, port, files)
    files.renew()
    assert await asyncio.to_thread(shown, port, files) == first  # files are read when we are told to
    assert await written.reload() == ()
    second = await asyncio.to_thread(shown, port, files)
    assert second != first
    assert await talking.echo("still") == "still"
    files.key.write_text("")
    with pytest.raises(Exception, match=r"server\.tls_key"):
        await written.reload()
    assert await asyncio.to_thread(shown, port, files) == second
    assert (await visitor(clinics, files).page("/nowhere")).status == 404


async def test_tls_is_not_begun_or_ended_by_a_reload(written):
    with pytest.raises(Exception, match="by a restart only"):
        await written.reload({"server": {"tls_certificate": "", "tls_key": ""}})


async def test_only_modern_tls_is_spoken(files, port):
    def speak(**options: object) -> tuple[str | None, str | None, str]:
        context = files.trust()
        for name, value in options.items():
            context.set_ciphers(str(value)) if name == "ciphers" else setattr(context, name, value)
        context.set_alpn_protocols(["h2", "http/1.1"])
        plain = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        with plain, context.wrap_socket(plain, server_hostname="gate.example") as connection:
            cipher = connection.cipher()
            return connection.version(), connection.selected_alpn_protocol(), cipher[0] if cipher else ""

    assert (await asyncio.to_thread(speak))[:2] == ("TLSv1.3", "http/1.1")
    version, _, cipher = await asyncio.to_thread(speak, maximum_version=ssl.TLSVersion.TLSv1_2)
    assert version == "TLSv1.2"
    assert "GCM" in cipher or "CHACHA20" in cipher
    with pytest.raises(ssl.SSLError):
        await asyncio.to_thread(speak, maximum_version=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE+AES:!AESGCM:!AESCCM")


async def test_whoever_speaks_in_the_clear_to_it_is_cut_and_nobody_else(clinics, files, port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: gate.example\r\n\r\n")
    async with asyncio.timeout(WAIT_S):
        assert not (await reader.read()).startswith(b"HTTP")
    writer.close()
    assert (await visitor(clinics, files).page("/nowhere")).status == 404
