"""Tickets in paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.tickets import PREFIX, cut_ticket, holds_ticket


@pytest.mark.parametrize(
    ("path", "cut"),
    [
        ("/-/as/abc.d_e-f/janus/1", ("abc.d_e-f", "/janus/1")),
        ("/-/as/abc/", ("abc", "/")),
        ("/-/as/abc/-/as/abc/x", ("abc", "/-/as/abc/x")),
        ("/-/as/abc", None),
        ("/-/as/", None),
        ("/-/as//x", None),
        ("/-/As/abc/x", None),
        ("/-/asx/abc/x", None),
        ("/x/-/as/abc/x", None),
        ("/janus", None),
        ("", None),
    ],
)
def test_a_ticket_is_taken_off_a_path_that_begins_with_one(path: str, cut: tuple[str, str] | None) -> None:
    assert cut_ticket(path) == cut


@given(st.text("abc-_.0/", max_size=12))
def test_what_is_cut_is_the_path_in_two(rest: str) -> None:
    cut = cut_ticket(PREFIX + rest)
    assert cut is None or (PREFIX + "".join(cut) == PREFIX + rest and cut[1].startswith("/"))


@pytest.mark.parametrize(
    ("address", "holds"),
    [
        (b"https://video.example.org/-/as/abc/x", True),
        (b"/-/as/abc", True),
        (b"https://video.example.org/call/x", False),
        (b"", False),
    ],
)
def test_an_address_that_holds_a_ticket_is_known(address: bytes, holds: bool) -> None:
    assert holds_ticket(address) is holds
