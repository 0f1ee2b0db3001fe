"""Small pictures, made as their formats say."""

from __future__ import annotations

import struct
import zlib


def png(width: int = 2, height: int = 2, extra: bytes = b"") -> bytes:
    """A grey PNG; `extra` chunks stand before the picture's data."""
    rows = b"".join(b"\x00" + b"\x80" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", head), extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def webp(kind: bytes = b"VP8L", body: bytes | None = None) -> bytes:
    """A WebP of one chunk, 3 x 5 pixels unless `body` says otherwise; no decoder would show it."""
    bodies = {
        b"VP8L": b"\x2f" + (2 | 4 << 14).to_bytes(4, "little") + bytes(5),
        b"VP8 ": bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 3, 5),
        b"VP8X": bytes(4) + (2).to_bytes(3, "little") + (4).to_bytes(3, "little"),
    }
    body = bodies[kind] if body is None else body
    chunks = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks
