"""A clinic's logo: which files are taken for one.

Rule that holds here: a still PNG or WebP picture, whole and with nothing after it. SVG is refused: it is a document
that can hold scripts, and nothing here mends it. A logo is known by what is in it.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass

MOST_BYTES = 65_536
MOST_PIXELS = 2_000  # of either side
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_FRAME = struct.Struct(">I4s")
_ANIMATED = 0x02  # of the flags of a VP8X chunk


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture that may stand on pages. `name`: a hash of `data` with the kind, such as ``3f..a1.png``."""

    name: str
    data: bytes

    @property
    def media_type(self) -> str:
        """image/png or image/webp."""
        return f"image/{self.name.rpartition('.')[2]}"


def read_logo(data: bytes) -> Logo:
    """The logo in `data`. Raises ValueError with what is wrong with it."""
    if len(data) > MOST_BYTES:
        raise ValueError(f"must be at most {MOST_BYTES // 1024} KiB, is {-(-len(data) // 1024)} KiB")
    if data.startswith(_PNG):
        kind, (width, height) = "png", _png_size(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind, (width, height) = "webp", _webp_size(data)
    else:
        raise ValueError("must be a PNG or WebP picture")
    if not (0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS):
        raise ValueError(f"must be at most {MOST_PIXELS} pixels wide and high, is {width} x {height}")
    return Logo(f"{hashlib.sha256(data).hexdigest()[:32]}.{kind}", data)


def _png_size(data: bytes) -> tuple[int, int]:
    """Width and height, from a file of whole chunks that ends with IEND. PNG (Third Edition), section 5."""
    at, size = len(_PNG), (0, 0)
    kinds: list[bytes] = []
    while at + 12 <= len(data):
        length, kind = _PNG_FRAME.unpack_from(data, at)
        body, end = at + 8, at + 12 + length
        if end > len(data) or zlib.crc32(data[at + 4 : body + length]) != int.from_bytes(data[end - 4 : end], "big"):
            break
        if kind == b"IHDR" and not kinds and length == 13:  # noqa: PLR2004 - as the standard has it
            size = struct.unpack_from(">II", data, body)
        kinds.append(kind)
        at = end
    if not kinds or kinds[0] != b"IHDR" or kinds[-1] != b"IEND" or b"IDAT" not in kinds or at != len(data):
        raise ValueError("is not a whole PNG file")
    if b"acTL" in kinds:
        raise ValueError("must not be animated")
    return size


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height, from the first chunk. RFC 9649, sections 2.5 to 2.7."""
    if len(data) < 30 or int.from_bytes(data[4:8], "little") + 8 != len(data):  # noqa: PLR2004 - the longest head
        raise ValueError("is not a whole WebP file")
    match data[12:16]:
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L" if data[20] == 0x2F:  # noqa: PLR2004 - its signature
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            if data[20] & _ANIMATED:
                raise ValueError("must not be animated")
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    raise ValueError("is not a WebP picture")
