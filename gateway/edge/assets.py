"""The gateway's own static files, under names that carry a hash of what is in them.

Rule that holds here: everything is read once at the start; an address names its bytes for ever, so it may be kept
for ever; an address that names nothing of ours is nobody's, and the caller answers it as any unknown link.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BUILT_IN = Path(__file__).parent.parent / "static"
PREFIX = "/-/static/"

_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
_PACKED = frozenset({".css", ".js", ".svg"})
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file as it is answered: its bytes, the same packed with gzip if that helps, and all headers."""

    body: bytes
    packed: bytes | None
    headers: Mapping[str, str]

    def answer(self, accept_encoding: str = "") -> tuple[bytes, dict[str, str]]:
        """Body and headers for a request with this `Accept-Encoding`."""
        headers = dict(self.headers)
        if self.packed is None:
            return self.body, headers
        headers["Vary"] = "Accept-Encoding"
        if not takes_gzip(accept_encoding):
            return self.body, headers
        headers["Content-Encoding"] = "gzip"
        return self.packed, headers


class Assets:
    """All files of one directory, by address and by name."""

    def __init__(self, directory: Path = BUILT_IN) -> None:
        """Read every file of `directory` (no sub-directories) of a kind we serve. Raises OSError if it is not there."""
        self._by_address: dict[str, Asset] = {}
        self._addresses: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        for path in sorted(directory.iterdir()):
            if path.suffix in _TYPES:
                self._add(path)

    def _add(self, path: Path) -> None:
        body = path.read_bytes()
        digest = hashlib.sha256(body).hexdigest()[:16]
        address = f"{PREFIX}{path.stem}.{digest}{path.suffix}"
        headers = {
            "Content-Type": _TYPES[path.suffix],
            "Cache-Control": "public, max-age=31536000, immutable",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex",
        }
        packed = gzip.compress(body, 9, mtime=0) if path.suffix in _PACKED else None
        self._by_address[address] = Asset(body, packed, headers)
        self._addresses[path.name] = address
        if path.suffix in (".css", ".js"):
            self._texts[path.name] = _shortened(body.decode())

    def url(self, name: str) -> str:
        """The address of the file `name`, e.g. ``desk.js`` -> ``/-/static/desk.<hash>.js``. Raises KeyError."""
        return self._addresses[name]

    def inline(self, name: str) -> str:
        """The text of a stylesheet or script, ready to stand in a page. Raises KeyError."""
        return self._texts[name]

    def find(self, path: str) -> Asset | None:
        """The file at this raw request path, or None: then it is an unknown link like any other."""
        return self._by_address.get(path)


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a client with this `Accept-Encoding` may be answered with gzip."""
    for part in accept_encoding.lower().split(","):
        coding, _, quality = part.partition(";")
        if coding.strip() == "gzip":
            return re.fullmatch(r"q=0(\.0*)?", quality.strip()) is None
    return False


def _shortened(text: str) -> str:
    """Without comments, indentation and empty lines: our files keep every string on one line."""
    lines = (line.strip() for line in _COMMENT.sub("", text).splitlines())
    return "\n".join(line for line in lines if line)
