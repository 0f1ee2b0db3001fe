"""Responses are read the same however their bytes are cut, and only whole ones end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.framing import END, Delimiter, Event, FramingError, ResponseHead, ResponseReader

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\n1;e=1\r\n!\r\n0\r\nT: 1\r\n\r\n"
LENGTH = b"HTTP/1.1 103 Hint\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!"


def read(data: bytes, cuts: list[int], method: str = "GET") -> tuple[list[ResponseHead], bytes, bool]:
    """Heads, the joined body, and whether there was an end; data fed in pieces."""
    reader = ResponseReader(method, 32_768)
    events: list[Event] = []
    at = 0
    for cut in [*cuts, len(data)]:
        piece = data[at : at + cut]
        at += len(piece)
        if piece:
            events += reader.feed(piece)
    body = b"".join(event for event in events if isinstance(event, bytes))
    return [event for event in events if isinstance(event, ResponseHead)], body, END in events


@pytest.mark.parametrize("whole", [CHUNKED, LENGTH], ids=["chunked", "length"])
@given(cuts=st.lists(st.integers(1, 40), max_size=30))
def test_cuts_change_nothing(whole: bytes, cuts: list[int]) -> None:
    """Heads, body and end are those of the uncut bytes."""
    heads, body, ended = read(whole, cuts)
    assert (body, ended) == (b"hello!", True)
    assert heads == read(whole, [])[0]


@given(st.binary(max_size=200), st.lists(st.integers(1, 50), max_size=5))
def test_any_bytes_give_events_or_a_framing_error(data: bytes, cuts: list[int]) -> None:
    """Nothing else is raised, whatever an origin says."""
    for start in (b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        try:
            read(start + data, cuts)
        except FramingError as error:
            assert str(error).startswith("the upstream's answer is not usable")  # noqa: PT017 - or nothing is raised


@pytest.mark.parametrize("size", range(len(CHUNKED) - 1))
def test_a_prefix_is_never_a_whole_response(size: int) -> None:
    """Closing there is an error."""
    reader = ResponseReader("GET", 32_768)
    assert END not in reader.feed(CHUNKED[:size])
    with pytest.raises(FramingError):
        reader.close()


def test_what_comes_behind_the_end_is_surplus() -> None:
    """The connection is not used again."""
    for whole in (CHUNKED, LENGTH):
        reader = ResponseReader("GET", 32_768)
        reader.feed(whole + b"HTTP/1.1 200 OK\r\n\r\n")
        assert reader.ended
        assert reader.surplus


@pytest.mark.parametrize(
    ("head", "method", "delimiter", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", Delimiter.LENGTH, True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: a, Close\r\n\r\n", "GET", Delimiter.LENGTH, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", Delimiter.LENGTH, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", "GET", Delimiter.LENGTH, True),
        (b"HTTP/1.1 200 OK\r\n\r\n", "GET", Delimiter.CLOSE, False),
        (b"HTTP/1.1 200 OK\r\n\r\n", "HEAD", Delimiter.NOTHING, True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "GET", Delimiter.NOTHING, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", "GET", Delimiter.CHUNKS, True),
    ],
)
def test_what_ends_a_body(head: bytes, method: str, delimiter: Delimiter, *, reusable: bool) -> None:
    """RFC 9112 section 6.3, and whether the connection lives on."""
    (read_head, *_) = ResponseReader(method, 32_768).feed(head)
    assert isinstance(read_head, ResponseHead)
    assert (read_head.delimiter, read_head.reusable) == (delimiter, reusable)
