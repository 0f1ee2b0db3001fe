"""Requests that the gateway makes of the platform by itself, beside those of its guests.

Rule that holds here: nobody waits longer for an answer than the deadline; no redirect is followed, no cookie kept, and
no more is read than fits. The address is the operator's; only what stands behind its host may be about a person.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from yarl import URL

from gateway.edge.away import AwayKind, UpstreamAway

DEADLINE_S = 5.0
LONGEST_ANSWER = 65_536


@dataclass(frozen=True, slots=True)
class PlatformAnswer:
    """What it said."""

    status: int
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether it did what it was asked."""
        return 200 <= self.status < 300  # noqa: PLR2004 - what HTTP calls successful


class PlatformClient:
    """Asks platforms. `authorities`: who verifies https; none: the system's. `deadline_s`: for a whole answer."""

    def __init__(self, authorities: ssl.SSLContext | None = None, deadline_s: float = DEADLINE_S) -> None:
        self._authorities = authorities
        self._deadline_s = deadline_s
        self._session: ClientSession | None = None

    async def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        cut: bool = False,
    ) -> PlatformAnswer:
        """One request and its whole answer; with `cut`, no more of it than fits, where a longer one is else an error.

        Raises UpstreamAway, whose detail names neither address nor person.
        """
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._ask(method, url, headers, body, cut=cut)
        except TimeoutError as error:
            raise UpstreamAway(AwayKind.TIMEOUT, "its API took too long") from error
        except ssl.SSLError as error:
            raise UpstreamAway(AwayKind.TLS, "its API shows no certificate that verifies") from error
        except (ClientError, OSError, ValueError) as error:  # refused, hung up, no HTTP, too long, or no such address
            raise UpstreamAway(AwayKind.CONNECT, f"its API cannot be asked: {type(error).__name__}") from error

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, cut: bool
    ) -> PlatformAnswer:
        if self._session is None:
            connector = TCPConnector(ssl=self._authorities or True)
            timeout = ClientTimeout(total=None)  # the deadline is ours
            self._session = ClientSession(connector=connector, cookie_jar=DummyCookieJar(), timeout=timeout)
        address = URL(url, encoded=True)  # as it is written: checksums cover every sign of it
        async with self._session.request(
            method, address, headers=dict(headers), data=body or None, allow_redirects=False
        ) as answer:
            said = await answer.content.read(LONGEST_ANSWER + 1)
            while len(said) <= LONGEST_ANSWER and (more := await answer.content.read(LONGEST_ANSWER)):
                said += more
            if len(said) > LONGEST_ANSWER and not cut:
                raise ValueError("the answer is too long")
            return PlatformAnswer(answer.status, said[:LONGEST_ANSWER])

    async def close(self) -> None:
        """Let go of every connection."""
        if self._session is not None:
            await self._session.close()
