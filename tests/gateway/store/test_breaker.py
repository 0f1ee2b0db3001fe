"""The breaker: fails at once after many failures, and finds out by itself when that is over."""

from __future__ import annotations

import pytest

from gateway.store.breaker import Breaker
from gateway.store.errors import StoreAway


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _broken(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.failed()
    return breaker


def test_five_failures_within_two_seconds_open_it(clock):
    breaker = _broken(clock)
    with pytest.raises(StoreAway) as told:
        breaker.admit()
    assert told.value.kind == "open"


def test_failures_far_apart_do_not(clock):
    breaker = Breaker(clock)
    for _ in range(20):
        breaker.failed()
        clock.now += 0.6
    breaker.admit()


def test_one_probe_a_second_is_let_through(clock):
    breaker = _broken(clock)
    clock.now = 1.0
    breaker.admit()
    with pytest.raises(StoreAway):
        breaker.admit()
    clock.now = 2.0
    breaker.admit()


def test_a_success_closes_it(clock):
    breaker = _broken(clock)
    clock.now = 1.0
    breaker.admit()
    breaker.succeeded()
    breaker.admit()
    assert not breaker.is_open


def test_a_failed_probe_keeps_it_open(clock):
    breaker = _broken(clock)
    clock.now = 1.0
    breaker.admit()
    breaker.failed()
    clock.now = 1.9
    with pytest.raises(StoreAway):
        breaker.admit()
