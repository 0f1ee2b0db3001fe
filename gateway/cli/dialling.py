"""What a configuration leads to, tried: its store and every platform address.

Rule that holds here: nothing is written; whoever does not answer is one sentence, and all are told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from gateway.config import Config
from gateway.edge.away import UpstreamAway
from gateway.metrics import Metrics
from gateway.platform_side import upstreams
from gateway.services import open_store
from gateway.store import StoreAway, StoreFull
from gateway.store.embedded import EmbeddedFault


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
        await services.store.command("GET", services.store.keys.shared("clinics") + "-")
    except (StoreAway, StoreFull) as error:
        return f"store.url: {error}"
    finally:
        await services.close()
    return ""


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
