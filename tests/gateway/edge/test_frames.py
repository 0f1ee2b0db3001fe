"""Where WebSocket frames end is known however the bytes are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.frames import FrameTracker, close_frame


def frame(size: int, *, masked: bool) -> bytes:
    """One binary frame of `size` bytes of payload."""
    bit = 0x80 if masked else 0
    if size < 126:
        head = bytes((0x82, bit | size))
    elif size < 65536:
        head = bytes((0x82, bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x82, bit | 127)) + size.to_bytes(8, "big")
    return head + (b"mask" if masked else b"") + bytes(size)


FRAMES = st.builds(frame, st.sampled_from([0, 1, 2, 5, 125, 126, 127, 300, 65535, 65536, 70000]), masked=st.booleans())


@given(st.lists(FRAMES, max_size=6), st.lists(st.integers(1, 70_000), max_size=12))
def test_between_frames_holds_exactly_at_their_ends(frames: list[bytes], cuts: list[int]) -> None:
    """The tracker agrees with the lengths the frames were made of."""
    stream, ends, at = b"".join(frames), {0}, 0
    for one in frames:
        at += len(one)
        ends.add(at)
    tracker, at = FrameTracker(), 0
    for cut in [*cuts, len(stream)]:
        piece = stream[at : at + cut]
        tracker.feed(piece)
        at += len(piece)
        assert tracker.between_frames is (at in ends)


def test_heads_may_come_byte_by_byte() -> None:
    """A head that is not whole is remembered."""
    tracker = FrameTracker()
    stream = frame(70_000, masked=True)
    for at in range(20):
        tracker.feed(stream[at : at + 1])
        assert not tracker.between_frames
    tracker.feed(stream[20:])
    assert tracker.between_frames


def test_a_close_frame_holds_its_code_and_a_reason_that_fits() -> None:
    """RFC 6455: a control frame has at most 125 bytes; text stays whole characters."""
    assert close_frame(4403) == b"\x88\x02\x11\x33"
    long = close_frame(1012, "\u20ac" * 100)
    assert long[1] == len(long) - 2 <= 125
    long[4:].decode()
