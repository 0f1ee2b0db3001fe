"""What is remembered of the names that platforms give to visitors' connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.edge.connection_names import AGAIN_S, IN_USE_S, MOST, ConnectionNames
from gateway.signing import Pass
from gateway.store import StoreAway
from rules.model import Millis, Role

ANN = Pass("d1", "o1", "g_ann", Role.GUEST, None, 0)
BOB = Pass("d1", "o1", "g_bob", Role.GUEST, None, 0)


class Book:
    """Where names are written down."""

    def __init__(self) -> None:
        self.written: list[tuple[str, str, str, str, Millis]] = []
        self.away = False

    async def note(self, owner_id: str, door_id: str, visitor: str, *, connection: str, at_ms: Millis) -> None:
        if self.away:
            raise StoreAway("test")
        self.written.append((owner_id, door_id, visitor, connection, at_ms))


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
async def names(book: Book) -> AsyncIterator[ConnectionNames]:
    made = ConnectionNames(book.note, lambda: 7)
    yield made
    await made.settle()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The loop's time, which stands still but by the test."""
    now = [1000.0]
    monkeypatch.setattr("gateway.edge.connection_names.asyncio.get_running_loop", lambda: Loop(now))
    return now


class Loop:
    def __init__(self, now: list[float]) -> None:
        self._now = now

    def time(self) -> float:
        return self._now[0]


async def written(names: ConnectionNames, book: Book) -> list[str]:
    await names.settle()
    return [name for _, _, _, name, _ in book.written]


async def test_a_name_is_written_once_and_again_while_it_is_in_use(names, book, clock):
    """So that among the newest names of its visitor it stays."""
    assert all(names.saw(ANN, "1") for _ in range(5))
    assert await written(names, book) == ["1"]
    assert book.written == [("o1", "d1", "g_ann", "1", 7)]
    clock[0] += AGAIN_S + 1
    assert names.saw(ANN, "1")
    assert await written(names, book) == ["1", "1"]


async def test_one_visitor_uses_only_so_many_at_once(names, book, clock):
    """A flood of made-up names is refused, and bars nobody else; a name that fell silent makes room."""
    assert all(names.saw(ANN, str(number)) for number in range(MOST))
    assert not names.saw(ANN, "one more")
    assert names.saw(ANN, "0")
    assert names.saw(BOB, "one more")
    assert len(await written(names, book)) == MOST + 1
    clock[0] += IN_USE_S + 1
    assert names.saw(ANN, "one more")


async def test_what_the_store_did_not_take_is_written_with_the_next_request(names, book, clock):
    """Nobody is held up, and nothing is lost for good."""
    book.away = True
    assert names.saw(ANN, "1")
    assert await written(names, book) == []
    book.away = False
    assert names.saw(ANN, "1")
    assert await written(names, book) == ["1"]


async def test_no_request_waits_for_the_store(book):
    """It is told and goes on; what is written is waited for at the end."""
    silent = asyncio.Event()

    async def stall(owner_id: str, door_id: str, visitor: str, *, connection: str, at_ms: Millis) -> None:
        await silent.wait()
        await book.note(owner_id, door_id, visitor, connection=connection, at_ms=at_ms)

    names = ConnectionNames(stall, lambda: 7)
    assert names.saw(ANN, "1")
    assert book.written == []
    silent.set()
    assert await written(names, book) == ["1"]
