"""Logos: still pictures of two kinds, whole and small."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.logos import MOST_BYTES, read_logo
from tests.rules.pictures import chunk, png, webp


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (png(), "image/png"),
        (png(2000, 1), "image/png"),
        (webp(b"VP8L"), "image/webp"),
        (webp(b"VP8 "), "image/webp"),
        (webp(b"VP8X"), "image/webp"),
    ],
    ids=["png", "widest", "lossless", "lossy", "extended"],
)
def test_a_picture_is_known_by_what_is_in_it(data: bytes, media_type: str) -> None:
    logo = read_logo(data)
    assert logo.media_type == media_type
    assert logo.name.startswith(hashlib.sha256(data).hexdigest()[:32])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "PNG or WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "PNG or WebP"),
        (b"GIF89a", "PNG or WebP"),
        (b"\xff\xd8\xff\xe0", "PNG or WebP"),
        (png()[:-1], "whole PNG"),
        (png() + b"<script>", "whole PNG"),
        (png().replace(b"\x08\x00\x00\x00\x00", b"\x08\x02\x00\x00\x00", 1), "whole PNG"),
        (b"\x89PNG\r\n\x1a\n", "whole PNG"),
        (png(extra=chunk(b"acTL", bytes(8))), "animated"),
        (png(2001, 1), "2000 pixels"),
        (png(0, 1), "2000 pixels"),
        (webp()[:-1], "whole WebP"),
        (webp() + b"\0", "whole WebP"),
        (webp(b"VP8X", b"\x02" + bytes(9)), "animated"),
        (webp(b"VP8L", bytes(10)), "no WebP|not a WebP"),
        (png(extra=chunk(b"tEXt", bytes(MOST_BYTES))), "64 KiB"),
    ],
)
def test_anything_else_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_logo(data)


@given(st.binary(max_size=80), st.sampled_from([b"", png()[:33], webp()[:12], webp()[:20]]))
def test_whatever_is_sent_is_a_picture_or_refused(rest: bytes, head: bytes) -> None:
    with suppress(ValueError):
        assert read_logo(head + rest).data == head + rest
