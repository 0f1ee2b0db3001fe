"""A request's body on its way from the client to a leg.

Rule that holds here: no more is read from the client than the upstream takes, a client that is slower than 1 KiB/s
for longer than body_s is cut off, and a body that stops short never reaches the upstream as a whole one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from gateway.edge.exchange import Exchange
from gateway.edge.front import front_of
from gateway.edge.leg import Leg
from gateway.edge.refusal import ForwardRefused
from gateway.edge.render import render_chunk, render_last_chunk
from rules.headers import UpstreamHeaders
from rules.trailers import request_trailers

_SLOWEST = 1024  # bytes a second


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """How the body of one request is sent."""

    ready: bytes  # the whole body, where it has arrived already; framed
    streamed: bool  # it is still to come
    chunked: bool
    expects_continue: bool
    table: UpstreamHeaders  # which trailers cross


def plan_body(request: web.BaseRequest, max_body_bytes: int, table: UpstreamHeaders) -> BodyPlan:
    """Decide how the body is sent. Raises ForwardRefused 413 when its length is over the limit."""
    if not request.body_exists:
        return BodyPlan(b"", streamed=False, chunked=False, expects_continue=False, table=table)
    chunked = request.content_length is None
    if (request.content_length or 0) > max_body_bytes:
        raise _too_large()
    if request.content.is_eof():
        data = request.content.read_nowait(-1)
        if len(data) > max_body_bytes:
            raise _too_large()
        ready = (render_chunk(data) if data else b"") + _last_chunk(request, table) if chunked else data
        return BodyPlan(ready, streamed=False, chunked=chunked, expects_continue=False, table=table)
    expects = request.version >= (1, 1) and request.headers.get("Expect", "").lower() == "100-continue"
    return BodyPlan(b"", streamed=True, chunked=chunked, expects_continue=expects, table=table)


async def send_body(
    request: web.BaseRequest, plan: BodyPlan, leg: Leg, exchange: Exchange, *, body_s: float, max_body_bytes: int
) -> None:
    """Send a streamed body. What goes wrong on the client's side is told to the exchange."""
    front_of(request).on_next = partial(_check_framing, request, exchange)
    try:
        await _send(request, plan, leg, exchange, body_s, max_body_bytes)
    except ForwardRefused as refusal:
        exchange.refuse(refusal)
    except web.RequestPayloadError:
        exchange.refuse(_malformed())
    except (ConnectionError, RuntimeError):  # RuntimeError: aiohttp's word for a read from a lost connection
        exchange.client_gone()


async def _send(
    request: web.BaseRequest, plan: BodyPlan, leg: Leg, exchange: Exchange, body_s: float, max_body_bytes: int
) -> None:
    if plan.expects_continue:
        exchange.send_continue()
    loop = asyncio.get_running_loop()
    patience = body_s
    total = 0
    while True:
        began = loop.time()
        data = await _read(request, exchange, patience)
        if not data:
            break
        patience = min(body_s, patience - (loop.time() - began) + len(data) / _SLOWEST)
        total += len(data)
        if total > max_body_bytes:
            raise _too_large()
        leg.write(render_chunk(data) if plan.chunked else data)
        exchange.request_flows()
        await leg.drain()
    if plan.chunked:
        exchange.closing = exchange.closing or has_trailers(request)
        leg.write(_last_chunk(request, plan.table))
    exchange.request_sent = True
    exchange.request_flows()


def has_trailers(request: web.BaseRequest) -> bool:
    """Whether trailers have come: the client's connection then ends with the answer (gateway.edge.chunks)."""
    return bool(front_of(request).trailers_of(request))


def _last_chunk(request: web.BaseRequest, table: UpstreamHeaders) -> bytes:
    return render_last_chunk(request_trailers(front_of(request).trailers_of(request), table))


async def _read(request: web.BaseRequest, exchange: Exchange, patience: float) -> bytes:
    """The next piece of body, empty at its end."""
    exchange.awaiting_client = True
    try:
        async with asyncio.timeout(patience):
            return await request.content.readany()
    except TimeoutError as error:
        raise ForwardRefused(408, "the request body came too slowly") from error
    finally:
        exchange.awaiting_client = False


def _check_framing(request: web.BaseRequest, exchange: Exchange) -> None:
    """What cannot be read as this body was taken for the next head: aiohttp (3.14.5) would leave the body waiting."""
    if not request.content.is_eof():
        exchange.refuse(_malformed())


def _malformed() -> ForwardRefused:
    return ForwardRefused(400, "the request body is malformed")


def _too_large() -> ForwardRefused:
    return ForwardRefused(413, "the request body is over the limit")
