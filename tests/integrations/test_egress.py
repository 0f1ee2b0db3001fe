"""The way out leads to public addresses alone, whatever a name, a redirect or an answer says."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.config.sections import Webhooks
from gateway.integrations.egress import Egress, EgressRules, Undelivered, egress_rules, is_public
from tests.integrations.sinks import always

NAME = "hooks.example.test"
NONE = EgressRules(allow_http=True)
HOME = EgressRules(allow_http=True, allow_networks=(ipaddress.ip_network("127.0.0.2/32"),))


class Resolver(AbstractResolver):
    """A name server that gives these addresses, one list for each question."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        pass


async def outcome(egress: Egress, url: str) -> Any:
    try:
        return await egress.post(url, {}, b"{}")
    except Undelivered as fault:
        return fault.kind


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.9.9.9", "169.254.169.254"),
        *("168.63.129.16", "172.16.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
        *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b:1::1"),
        *("100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1"),
        *("ff02::1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::a9fe:a9fe", "4000::1", "3fff::1"),
    ],
)
def test_an_inside_address_is_none_of_the_public_internet(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_a_public_address_is_one_however_it_is_written(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.org/", "ftp://example.org/", "example.org", "https://", "https:///x", "https://[::1"),
        *("https://u:p@example.org/", "https://example.org/#x", "https://example.org:0/", "https://example.org:99999/"),
        *("https://exämple.org/", "https://example.org/a b", "https://example.org/\n", "https://" + "a" * 2048),
        *("https://127.0.0.1/", "https://[::1]/", "https://[fe80::1%25eth0]/", "https://10.0.0.1:8443/x"),
        "https://[::ffff:169.254.169.254]/",
    ],
)
def test_a_url_that_leads_nowhere_or_inside_is_refused_at_once(url: str) -> None:
    assert EgressRules().url_fault(url)


@pytest.mark.parametrize("url", ["https://example.org", "https://example.org:8443/a?b=c", "https://8.8.8.8/x"])
def test_a_public_https_url_is_accepted(url: str) -> None:
    assert EgressRules().url_fault(url) is None


def test_what_the_configuration_allows_is_allowed() -> None:
    rules = egress_rules(Webhooks(allow_http=True, allow_networks=("10.1.0.0/16",)))
    assert rules.url_fault("http://10.1.2.3/") is None
    assert rules.url_fault("http://10.2.2.3/")
    assert not egress_rules(Webhooks()).allows(ipaddress.ip_address("10.1.2.3"))


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "localhost", "127.1", "0177.0.0.1"])
async def test_this_machine_is_not_connected_to_whatever_it_is_called(sink, host: str) -> None:
    async with Egress(NONE) as egress:
        assert await outcome(egress, f"http://{host}:{sink.port}/") in {"forbidden", "connect", "protocol"}
    assert not sink.heard


async def test_a_name_is_resolved_once_and_that_very_address_is_judged_and_connected_to(make_sink) -> None:
    allowed, forbidden = await make_sink("127.0.0.2"), await make_sink("127.0.0.1")
    rebinding = Resolver(["127.0.0.2"], ["127.0.0.1"])
    async with Egress(HOME, rebinding) as egress:
        assert await outcome(egress, f"http://{NAME}:{allowed.port}/") == 204
        assert allowed.heard[0].headers["host"] == f"{NAME}:{allowed.port}"
        assert rebinding.asked == 1
        assert await outcome(egress, f"http://{NAME}:{forbidden.port}/") == "forbidden"
    assert not forbidden.heard


async def test_what_a_name_meant_before_counts_for_nothing(make_sink) -> None:
    allowed = await make_sink("127.0.0.2")
    async with Egress(HOME, Resolver(["127.0.0.2"], ["127.0.0.1"])) as egress:
        url = f"http://{NAME}:{allowed.port}/"
        assert [await outcome(egress, url) for _ in range(2)] == [204, "forbidden"]


async def test_of_several_addresses_a_forbidden_one_is_never_connected_to(make_sink) -> None:
    forbidden = await make_sink("127.0.0.1")
    async with Egress(HOME, Resolver(["127.0.0.1", "10.0.0.1", "127.0.0.2"])) as egress:
        assert await outcome(egress, f"http://{NAME}:{forbidden.port}/") == "connect"
    assert not forbidden.heard


async def test_a_redirect_is_an_answer_and_not_a_way(make_sink) -> None:
    first, second = await make_sink("127.0.0.2"), await make_sink("127.0.0.2")
    for status in (301, 302, 303, 307, 308):
        first.answering = always(status, Location=second.url)
        async with Egress(HOME) as egress:
            assert await outcome(egress, first.url) == status
    assert not second.heard


async def test_no_proxy_of_the_environment_is_asked(make_sink, monkeypatch) -> None:
    sink, proxy = await make_sink("127.0.0.2"), await make_sink("127.0.0.1")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    async with Egress(HOME) as egress:
        assert await outcome(egress, sink.url) == 204
    assert not proxy.heard


async def test_of_an_endless_answer_little_is_read_and_a_slow_one_is_cut(make_sink) -> None:
    sink, sent = await make_sink("127.0.0.2"), 0

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)
            sent += 65_536

    async def slow(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.05)

    for handler, expected in ((endless, 200), (slow, "timeout")):
        server = web.ServerRunner(web.Server(handler, access_log=None), shutdown_timeout=0.1)
        await server.setup()
        site = web.TCPSite(server, "127.0.0.2", 0)
        await site.start()
        port = server.addresses[0][1]
        async with Egress(HOME, time_s=0.3) as egress:
            assert await outcome(egress, f"http://127.0.0.2:{port}/") == expected
        await server.cleanup()
    assert sent < 20_000_000  # what sockets hold, no more
    assert not sink.heard


async def test_no_cookie_is_kept_and_nothing_said_beyond_what_is_needed(make_sink) -> None:
    sink = await make_sink("127.0.0.2")
    sink.answering = always(200, **{"Set-Cookie": "a=b"})
    async with Egress(HOME, Resolver(["127.0.0.2"])) as egress:
        for _ in range(2):
            await egress.post(f"http://{NAME}:{sink.port}/", {"webhook-id": "ev_1"}, b"{}")
    expected = {"host", "user-agent", "accept", "accept-encoding", "content-type", "content-length", "webhook-id"}
    assert set(sink.heard[1].headers) - {"connection"} == expected


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("tls")
    key, made = directory / "key.pem", directory / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(made), "-days", "2", "-subj", "/CN=elsewhere.test"]
    subprocess.run(command, check=True, capture_output=True)
    return key, made


async def test_over_tls_the_name_is_sent_and_a_stranger_is_told_nothing(make_sink, certificate) -> None:
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    context.set_servername_callback(lambda _socket, name, _context: names.append(name))
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.2", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    rules = EgressRules(allow_networks=HOME.allow_networks)
    async with server, Egress(rules, Resolver(["127.0.0.2"])) as egress:
        assert await outcome(egress, f"https://{NAME}:{port}/") == "connect"
    assert names == [NAME]
    assert not any(heard)
