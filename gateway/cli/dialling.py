"""What a configuration leads to, tried: its store, whose sessions still need their keys, and every platform address.

Rule that holds here: nothing is written; whoever does not answer is one sentence, so is a missing key; all are told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence

from gateway import clock
from gateway.clock import format_instant
from gateway.config import Config
from gateway.edge.away import UpstreamAway
from gateway.metrics import Metrics
from gateway.platform_side import upstreams
from gateway.services import open_store
from gateway.signing import Signing
from gateway.store import StoreAway, StoreFull
from gateway.store.embedded import EmbeddedFault
from rules.model import Millis


async def dial(config: Config) -> list[str]:
    """One sentence for each that does not answer, in the order of the configuration; none: all do.

    An embedded store that does not run is started, as by any command, and ended again.
    """
    found = await asyncio.gather(_store(config), *(_upstream(config, key, url) for key, url in _addresses(config)))
    return [sentence for sentence in found if sentence]


async def _store(config: Config) -> str:
    try:
        services = await open_store(config)
    except EmbeddedFault as error:
        return f"store.url: {error}"
    try:
        needed = await services.sessions.key_use.needed(clock.now_ms())
    except (StoreAway, StoreFull) as error:
        return f"store.url: {error}"
    finally:
        await services.close()
    return _left_out(needed, Signing(config.secret_keys()).fingerprints)


def _left_out(needed: Mapping[str, Millis], given: Sequence[str]) -> str:
    """Whether a key is missing that sessions still need."""
    until_ms = max((until_ms for key, until_ms in needed.items() if key not in given), default=0)
    if not until_ms:
        return ""
    day = format_instant(until_ms).partition("T")[0]
    return f"secrets.keys: a key is left out that signed links of sessions still to come; keep it until {day}"


async def _upstream(config: Config, key: str, url: str) -> str:
    alone = config.model_copy(update={"upstream": config.upstream.model_copy(update={"url": url})})
    dialled = upstreams(alone, Metrics(), logging.getLogger("gateway"))
    try:
        away = await dialled.probe()
    finally:
        dialled.close()
    return "" if away is None else f'{key} = "{url}": {_why(away)}'


def _why(away: UpstreamAway) -> str:
    return f"does not answer ({away.kind.value})" + (f": {away.detail}" if away.detail else "")


def _addresses(config: Config) -> Iterator[tuple[str, str]]:
    """Every platform address, but for those of routes that hold placeholders: they are known once somebody comes."""
    yield from (("upstream.url", url) for url in config.upstream.urls)
    for number, route in enumerate(config.routes):
        urls = route.upstream.split() if isinstance(route.upstream, str) else route.upstream
        yield from ((f"routes[{number}].upstream", url) for url in urls if "{" not in url)
