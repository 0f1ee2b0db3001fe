"""As much of WebSocket's framing as a byte pipe needs: where frames end, and how a close frame looks.

Rule that holds here: a close frame may be put into a stream only where a frame has ended; anywhere else it would
become part of somebody's message. RFC 6455 section 5.2.
"""

from __future__ import annotations

_TWO_BYTES, _EIGHT_BYTES = 126, 127
_LONGEST_HEAD = 14
_MASKED = 0x80
_FINAL_CLOSE = 0x88
_MAX_REASON_BYTES = 123
_ANSWER = 8  # bytes of a client's close frame with a code and no reason: head, mask, code


class FrameTracker:
    """Follows one direction of a tunnel; knows whether the bytes so far end with a frame."""

    __slots__ = ("_head", "_left")

    def __init__(self) -> None:
        self._left = 0  # bytes of the current frame still to come
        self._head = b""  # of a frame whose head has not arrived whole

    @property
    def between_frames(self) -> bool:
        """The last frame is complete and nothing of another has been seen."""
        return self._left == 0 and not self._head

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        size = len(data)
        if size <= self._left:
            self._left -= size
            return
        if self._head:
            data, self._head = self._head + data, b""
            size = len(data)
        at, self._left = self._left, 0
        while at < size:
            if at + 1 < size and data[at + 1] < _TWO_BYTES:  # a short unmasked frame, as most are
                at += 2 + data[at + 1]
                continue
            frame = _frame_size(data, at)
            if frame is None:
                self._head = data[at : at + _LONGEST_HEAD]
                return
            at += frame
        self._left = at - size


def close_frame(code: int, reason: str = "") -> bytes:
    """A server's close frame (unmasked). code: 1000-4999; the reason is cut to what fits."""
    text = reason.encode()[:_MAX_REASON_BYTES].decode("utf-8", "ignore").encode()
    payload = code.to_bytes(2, "big") + text
    return bytes((_FINAL_CLOSE, len(payload))) + payload


def _frame_size(data: bytes, at: int) -> int | None:
    """Bytes of the frame that begins at `at`, head included; none when its head is not whole."""
    have = len(data) - at
    if have < 2:  # noqa: PLR2004 - a head has at least two bytes
        return None
    length = data[at + 1] & 0x7F
    extended = {_TWO_BYTES: 2, _EIGHT_BYTES: 8}.get(length, 0)
    head = 2 + extended
    if have < head:
        return None
    if extended:
        length = int.from_bytes(data[at + 2 : at + head], "big")
    return head + (4 if data[at + 1] & _MASKED else 0) + length


def ends_in_answer(data: bytes) -> bool:
    """Whether bytes of a client, from anywhere on, seem to end in its answer to a close frame (section 5.5.1)."""
    return data[-_ANSWER : 2 - _ANSWER] == bytes((_FINAL_CLOSE, _MASKED | 2))
