"""Requests that the gateway makes of the platform: bounded in time and size, one address, nothing kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from gateway.edge.away import AwayKind, UpstreamAway
from gateway.edge.platform_client import LONGEST_ANSWER, PlatformClient


class Api:
    """Answers by path, and writes down what it was asked."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str | None]] = []
        self.url = ""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append((request.method, request.raw_path, request.headers.get("Cookie")))
        match request.path:
            case "/moved":
                return web.Response(status=302, headers={"Location": "/elsewhere"})
            case "/cookie":
                return web.Response(headers={"Set-Cookie": "a=b"})
            case "/long":
                return web.Response(body=b"x" * (LONGEST_ANSWER + 1))
            case "/slow":
                await asyncio.Event().wait()
        return web.Response(body=await request.read())


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    runner = web.ServerRunner(web.Server(api.answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield api
    await runner.cleanup()


@pytest.fixture
async def client() -> AsyncIterator[PlatformClient]:
    client = PlatformClient(deadline_s=0.3)
    yield client
    await client.close()


async def test_an_address_is_sent_as_it_is_written(api: Api, client: PlatformClient) -> None:
    answer = await client.ask("POST", f"{api.url}/a%2Fb?x=%C3%AB+%20&y=(1)", {}, b"body")
    assert (answer.status, answer.is_good, answer.body) == (200, True, b"body")
    assert api.seen == [("POST", "/a%2Fb?x=%C3%AB+%20&y=(1)", None)]


async def test_nothing_is_followed_and_no_cookie_kept(api: Api, client: PlatformClient) -> None:
    moved = await client.ask("GET", f"{api.url}/moved", {})
    assert (moved.status, moved.is_good) == (302, False)
    await client.ask("GET", f"{api.url}/cookie", {})
    await client.ask("GET", f"{api.url}/cookie", {})
    assert [cookie for _, _, cookie in api.seen] == [None] * 3
    assert not any(path == "/elsewhere" for _, path, _ in api.seen)


async def test_what_takes_too_long_is_too_long_or_is_not_there_is_away(api: Api, client: PlatformClient) -> None:
    for path, kind in (("/slow", AwayKind.TIMEOUT), ("/long", AwayKind.CONNECT)):
        with pytest.raises(UpstreamAway) as away:
            await client.ask("GET", api.url + path, {})
        assert away.value.kind is kind
        assert api.url not in str(away.value)
    for url in ("http://127.0.0.1:9/", "http://[", "ftp://127.0.0.1/"):
        with pytest.raises(UpstreamAway):
            await client.ask("GET", url, {})
    with pytest.raises(UpstreamAway):
        await client.ask("GET", api.url, {"A": "b\r\nc"})
    cut = await client.ask("GET", f"{api.url}/long", {}, cut=True)
    assert len(cut.body) == LONGEST_ANSWER
