"""The log's line of each request, put together by hand: every request has one, and each costs its time.

Rule that holds here: it is the very object that the log makes of the same facts (tested). Wherever anything but this
process's own log of JSON lines listens, the log makes it.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime

from gateway.logs import JsonLines, truncated

_KEPT = 1024
_KEPT_S = 600


class RequestLog:
    """Writes the lines of one listener's requests to `log`."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._name = json.dumps(log.name)
        self._networks: dict[str, str] = {}  # of addresses seen lately: in memory only
        self._forget_at = 0.0

    def note(
        self,
        request_id: str,
        *,
        method: str,
        link: str,
        route: str,
        reason: str,
        door: str,
        status: int,
        seconds: float,
        address: str,
    ) -> None:
        """A request was answered. All texts but `address` come from closed sets or are digests; empty: left out."""
        if not self._log.isEnabledFor(logging.INFO):
            return
        own = _own_lines(self._log)
        if own is None:
            facts = {
                "method": method,
                "link": link,
                "route": route,
                "reason": reason,
                "door": door,
                "status": status,
                "duration_ms": round(seconds * 1000, 2),
                "address": address,
            }
            self._log.info("request", extra={name: fact for name, fact in facts.items() if fact != ""})
            return
        why = f', "reason": "{reason}"' if reason else ""
        where = f', "door": "{door}"' if door else ""
        whence = f', "address": "{self._network(address)}"' if address else ""
        own.write_line(
            f'{{"event": "request", "method": "{method}", "link": "{link}", "route": "{route}"{why}{where}'
            f', "status": {status}, "duration_ms": {round(seconds * 1000, 2)}{whence}'
            f', "level": "info", "logger": {self._name}, "timestamp": "{_utc_now()}", "request_id": "{request_id}"}}\n'
        )

    def _network(self, address: str) -> str:
        now = time.monotonic()
        if now >= self._forget_at or len(self._networks) >= _KEPT:
            self._networks.clear()
            self._forget_at = now + _KEPT_S
        network = self._networks.get(address)
        if network is None:
            network = self._networks[address] = truncated(address)
        return network


def _own_lines(log: logging.Logger) -> JsonLines | None:
    """The one place where this log's lines end up, if it is ours and there is no other."""
    handlers = logging.root.handlers
    if len(handlers) != 1 or log.handlers or not log.propagate:
        return None
    handler = handlers[0]
    return handler if type(handler) is JsonLines else None


def _utc_now() -> str:
    return datetime.now(UTC).isoformat()[:-6] + "Z"
