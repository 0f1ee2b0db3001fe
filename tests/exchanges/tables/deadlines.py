"""Time that runs out: for heads, for bodies, within answers."""

from __future__ import annotations

import asyncio

from tests.exchanges.script import (
    CHUNKED,
    Stage,
    Step,
    answer,
    ask,
    client_ended,
    exchange,
    got,
    got_status,
    leg_ended,
    relayed,
    saw_body,
    tell,
)
from tests.exchanges.tables.answers import AGAIN, ASKED, IN_CHUNKS
from tests.exchanges.tables.requests import LENGTH_5, post, saw_post
from tests.exchanges.tables.turns import CONTINUE, EXPECTING


def wait(seconds: float) -> Step:
    """Let time pass: what a deadline is about."""

    async def step(_stage: Stage) -> None:
        await asyncio.sleep(seconds)

    return step


def drip(piece: bytes, times: int) -> tuple[Step, ...]:
    """The client sends a little now and then."""
    return (ask(piece), wait(0.05)) * times


DEADLINES = (
    exchange("no-head-in-time", *ASKED, got_status(504, b"error=http_response_timeout"), leg_ended()),
    exchange("half-a-head-in-time", *ASKED, tell(b"HTTP/1.1 200 O"), got_status(504), leg_ended()),
    exchange(
        "no-second-head-behind-100",
        *ASKED,
        tell(CONTINUE),
        got(b"HTTP/1.1 100 Continue\r\nVia: 1.1 link-gateway\r\n\r\n"),
        got_status(504),
        leg_ended(),
    ),
    exchange(
        "silence-within-a-length",
        *ASKED,
        tell(answer(LENGTH_5, body=b"he")),
        got(relayed(LENGTH_5, body=b"he")),
        client_ended("reset"),
        leg_ended(),
    ),
    exchange(
        "silence-within-chunks",
        *ASKED,
        tell(answer(IN_CHUNKS, body=b"1\r\na\r\n")),
        got(relayed(last=CHUNKED, body=b"1\r\na\r\n")),
        client_ended("reset"),
        leg_ended(),
    ),
    exchange(
        "silence-until-the-close",
        *ASKED,
        tell(answer(body=b"a")),
        got(relayed(last=CHUNKED, body=b"1\r\na\r\n")),
        client_ended("reset"),
        leg_ended(),
    ),
    exchange(
        "a-body-that-does-not-come",
        post(LENGTH_5, body=b"he"),
        saw_post(LENGTH_5),
        saw_body(b"he"),
        got_status(408),
        leg_ended(),
    ),
    exchange(
        "chunks-that-do-not-come",
        post(IN_CHUNKS, body=b"1\r\na\r\n"),
        saw_post(last=CHUNKED),
        saw_body(b"1\r\na\r\n"),
        got_status(408),
        leg_ended(),
    ),
    exchange(
        "an-expected-body-that-does-not-come",
        post(LENGTH_5, EXPECTING),
        saw_post(LENGTH_5),
        got(CONTINUE),
        got_status(408),
        leg_ended(),
    ),
    exchange(
        "a-body-that-drips",
        post(b"Content-Length: 5000"),
        saw_post(b"Content-Length: 5000"),
        *drip(b"x", 12),
        saw_body(b"xxxx"),
        got_status(408),
    ),
    exchange(
        "time-begins-anew-with-every-piece",
        *ASKED,
        tell(answer(LENGTH_5, body=b"h")),
        got(relayed(LENGTH_5, body=b"h")),
        *(step for piece in (b"e", b"l", b"l", b"o") for step in (wait(0.15), tell(piece), got(piece))),
        *AGAIN,
    ),
)
