"""The proxy one would write first: aiohttp's server, and its ClientSession towards the platform.

Rule that holds here: it streams, keeps connections and copies headers as well as it can in a few lines; it decides
nothing. `python -m benchmarks.naive PORT PLATFORM_URL`.
"""

from __future__ import annotations

import sys

import aiohttp
import uvloop
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

HOP_BY_HOP = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})
CHUNK_BYTES = 65_536


def relay(platform: str, session: aiohttp.ClientSession) -> web.Application:
    """The proxy."""

    async def handle(request: web.Request) -> web.StreamResponse:
        headers = CIMultiDict((k, v) for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP)
        headers.add("X-Forwarded-For", request.remote or "")
        async with session.request(
            request.method,
            URL(platform + request.raw_path, encoded=True),
            headers=headers,
            data=request.content if request.can_read_body else None,
            allow_redirects=False,
        ) as answer:
            kept = CIMultiDict((k, v) for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP)
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                await response.write(chunk)
            await response.write_eof()
            return response

    application = web.Application(client_max_size=1 << 30)
    application.router.add_route("*", "/{path:.*}", handle)
    return application


async def make(platform: str) -> web.Application:
    """The proxy with its session, which lives as long as the process."""
    session = aiohttp.ClientSession(
        auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(limit=0)
    )
    return relay(platform, session)


if __name__ == "__main__":
    web.run_app(
        make(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=None,
        print=None,
        loop=uvloop.new_event_loop(),
    )
