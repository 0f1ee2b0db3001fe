"""Whether the platform refuses what it must: every [[platform.probes]], tried as somebody without a link would.

Rule that holds here: a probe carries what the configuration says and nothing else, follows no redirect and changes
nothing that a stranger could not change; each has its deadline, and few are under way at once. What could not be tried
is told as well: nobody is to take silence for a refusal.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from gateway.config import Config
from gateway.config.platform_sections import PlatformProbe
from gateway.edge.away import UpstreamAway
from gateway.edge.platform_client import PlatformClient
from gateway.platform_side import platform_client

DEADLINE_S = 5.0
AT_ONCE = 8
_PORTS = {"http": 80, "https": 443}


class Outcome(StrEnum):
    """What came of a probe."""

    REFUSED = "refused"  # as it must be
    OPEN = "open"
    UNTRIED = "untried"  # nobody answered who could have refused


@dataclass(frozen=True, slots=True)
class Probed:
    """One probe, tried. `status`: of the answer, 0 where there was none."""

    name: str
    outcome: Outcome
    status: int
    said: str  # what was met, for the operator
    advice: str

    @property
    def sentence(self) -> str:
        """What the operator is told: what was tried, what came of it, what to do."""
        told = f"platform.probes: {self.name}: {self.said}"
        return told + (f"; {self.advice}" if self.advice and self.outcome is Outcome.OPEN else "")

    def document(self) -> dict[str, object]:
        """The same for programs."""
        return asdict(self)


async def probe(config: Config) -> list[Probed]:
    """Every probe of the configuration, tried, in its order."""
    client = platform_client(config)
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(tried: PlatformProbe) -> Probed:
        async with turns:
            return await (_is_closed(tried) if tried.closed else _is_refused(tried, client))

    try:
        return list(await asyncio.gather(*map(in_turn, config.platform.probes)))
    finally:
        await client.close()


def not_refused(probed: Sequence[Probed]) -> list[str]:
    """One sentence for each that the platform did not refuse, or that could not be tried."""
    return [each.sentence for each in probed if each.outcome is not Outcome.REFUSED]


async def _is_refused(tried: PlatformProbe, client: PlatformClient) -> Probed:
    try:
        async with asyncio.timeout(DEADLINE_S):
            answer = await client.ask(tried.method, tried.url, tried.headers, tried.body.encode(), cut=True)
    except UpstreamAway as away:
        said = f"could not be tried: {away.detail or away.kind.value}"
        return Probed(tried.name, Outcome.UNTRIED, 0, said, tried.advice)
    except TimeoutError:
        return Probed(tried.name, Outcome.UNTRIED, 0, "could not be tried: it took too long", tried.advice)
    says_so = bool(tried.says) and tried.says in answer.body.decode(errors="replace")
    if answer.status in tried.refused or says_so:
        return Probed(tried.name, Outcome.REFUSED, answer.status, f"refused, {answer.status}", tried.advice)
    return Probed(tried.name, Outcome.OPEN, answer.status, f"not refused, answered {answer.status}", tried.advice)


async def _is_closed(tried: PlatformProbe) -> Probed:
    """Whether nothing listens at that address, whatever it would speak."""
    parts = urlsplit(tried.url)
    try:
        async with asyncio.timeout(DEADLINE_S):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or _PORTS[parts.scheme])
    except (TimeoutError, OSError):  # dropped on the way, refused, or no such host: all are closed doors
        return Probed(tried.name, Outcome.REFUSED, 0, "closed", tried.advice)
    writer.close()
    with contextlib.suppress(OSError):  # it may be gone before we are
        await writer.wait_closed()
    return Probed(tried.name, Outcome.OPEN, 0, "something listens there", tried.advice)
