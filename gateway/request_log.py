"""The log's line of each request, put together by hand: every request has one, and each costs its time.

Rule that holds here: it is the very object that the log makes of the same facts (tested). Wherever anything but this
process's own log of JSON lines listens, the log makes it.
"""

from __future__ import annotations

import json
import logging
import time

from gateway.logs import JsonLines, truncated

_KEPT = 1024
_KEPT_S = 600


class RequestLog:
    """Writes the lines of one listener's requests to `log`."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._name = json.dumps(log.name)
        self._same: dict[tuple[str, ...], tuple[str, str]] = {}  # by facts, addresses too: in memory only
        self._forget_at = 0.0
        self._second = 0
        self._second_text = ""

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
        now = time.time()
        before, behind = self._composed(now, method, link, route, reason, door, address)
        own.write_line(
            f'{before}, "status": {status}, "duration_ms": {round(seconds * 1000, 2)}{behind}'
            f', "timestamp": "{self._utc(now)}", "request_id": "{request_id}"}}\n'
        )

    def _composed(self, now: float, *facts: str) -> tuple[str, str]:
        """What is the same in the lines of many requests: all that stands before the status, and behind the time."""
        if not self._forget_at - _KEPT_S <= now < self._forget_at or len(self._same) >= _KEPT:
            self._same.clear()
            self._forget_at = now + _KEPT_S
        same = self._same.get(facts)
        if same is None:
            same = self._same[facts] = self._compose(*facts)
        return same

    def _compose(self, method: str, link: str, route: str, reason: str, door: str, address: str) -> tuple[str, str]:
        why = f', "reason": "{reason}"' if reason else ""
        where = f', "door": "{door}"' if door else ""
        whence = f', "address": "{truncated(address)}"' if address else ""
        return (
            f'{{"event": "request", "method": "{method}", "link": "{link}", "route": "{route}"{why}{where}',
            f'{whence}, "level": "info", "logger": {self._name}',
        )

    def _utc(self, now: float) -> str:
        second = int(now)
        if second != self._second:
            self._second, self._second_text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._second_text}.{int((now - second) * 1_000_000):06}Z"


def _own_lines(log: logging.Logger) -> JsonLines | None:
    """The one place where this log's lines end up, if it is ours and there is no other."""
    handlers = logging.root.handlers
    if len(handlers) != 1 or log.handlers or not log.propagate:
        return None
    handler = handlers[0]
    return handler if type(handler) is JsonLines else None
