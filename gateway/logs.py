"""The log: one JSON object a line, or text for a terminal.

Rule that holds here: only the fields listed here are written. Names, tokens, paths and whole addresses are not among
them; what looks like one of those inside a text is blanked. A field that is dropped is named, so that it is missed.

Parts log through the standard library, facts as ``extra``: ``log.info("verdict", extra={"reason": "knocking"})``.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from contextlib import suppress
from contextvars import ContextVar
from ipaddress import ip_address, ip_network
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

request_id: ContextVar[str] = ContextVar("request_id", default="")

FIELDS = frozenset({
    *("event", "level", "timestamp", "logger", "request_id", "exception"),  # of every line
    *("link", "verdict", "reason", "rule", "role", "seat", "happening", "door", "owner"),  # door, owner: digests
    *("method", "route", "status", "address", "scheme", "upstream", "dialect"),
    *("duration_ms", "decision_ms", "upstream_ms", "store_ms", "bytes_in", "bytes_out", "count", "attempt"),
    *("op", "kind", "end", "partition", "epoch", "revision", "held_until_ms", "error", "signal", "listener", "version"),
})  # fmt: skip
_DIGESTS = ("door", "owner")
_DIGEST = re.compile(r"[0-9a-f]{1,12}")
_SECRET_LOOKING = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z0-9]{25}|g_[A-Za-z0-9]{16})(?![A-Za-z0-9])"  # a session token, a visitor
    r"|[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{40,}"  # anything signed
    r"|(?<=://)[^\s/@]*@"  # the password of an address
)
_ID_BYTES = 8
_DRAWN_AHEAD = 64
_ADDRESS_PREFIXES = {4: 24, 6: 48}


class RequestIds:
    """Makes ids for requests: 16 random hex digits each, some drawn ahead."""

    def __init__(self) -> None:
        self._drawn = ""

    def __call__(self) -> str:
        """A fresh one."""
        if not self._drawn:
            self._drawn = secrets.token_hex(_ID_BYTES * _DRAWN_AHEAD)
        drawn, self._drawn = self._drawn[: 2 * _ID_BYTES], self._drawn[2 * _ID_BYTES :]
        return drawn


def new_request_id() -> str:
    """A fresh id for a request: 16 hex digits."""
    return secrets.token_hex(_ID_BYTES)


def truncated(address: str) -> str:
    """The network an IP address is of (/24, /48), which is as much as is ever written; nothing for anything else."""
    try:
        version = ip_address(address).version
        return str(ip_network((address, _ADDRESS_PREFIXES[version]), strict=False))
    except ValueError:  # a unix socket's peer has no address; and a zone index makes none that is worth keeping
        return ""


class JsonLines(logging.StreamHandler[TextIO]):
    """Writes lines to a stream: records as they come, ready lines once a turn of the event loop."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._ready: list[str] = []

    def write_line(self, line: str) -> None:
        """Write a whole line, its end included, before the loop waits again. To be called in the loop."""
        self._ready.append(line)
        if len(self._ready) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def emit(self, record: logging.LogRecord) -> None:
        if self._ready:
            self.flush()  # lines stand in the order of what they tell
        super().emit(record)

    def flush(self) -> None:
        ready, self._ready = self._ready, []
        with suppress(OSError, ValueError):  # a log that cannot be written, or is closed, ends nothing else
            if ready:
                self.stream.write("".join(ready))
            super().flush()


def configure(stream: TextIO, style: Literal["json", "text"], level: str) -> None:
    """Send everything logged in this process to `stream`, from `level` ("debug" to "error") on."""
    last: Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    handler = JsonLines(stream) if style == "json" else logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.ExtraAdder(),
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                add_request_id,
                structlog.processors.format_exc_info,
                only_known_fields,
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def add_request_id(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Say which request a line belongs to."""
    if current := request_id.get():
        line.setdefault("request_id", current)
    return line


def only_known_fields(_logger: object, _method: str, line: EventDict) -> EventDict:
    """The line with the fields of `FIELDS` alone, addresses truncated, and texts blanked where they must be."""
    kept: dict[str, Any] = {key: _fit(key, value) for key, value in line.items() if key in FIELDS}
    dropped = sorted(key for key in line if key not in FIELDS)
    return kept | {"dropped": dropped} if dropped else kept


def _fit(key: str, value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    if key == "address":
        return truncated(text)
    if key in _DIGESTS and not _DIGEST.fullmatch(text):
        return "(not a digest)"
    return _SECRET_LOOKING.sub("(blanked)", text)
