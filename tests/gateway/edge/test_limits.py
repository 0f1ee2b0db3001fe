"""Limits hold back who asks too often, forget in time, and never take a place from whoever has it."""

from __future__ import annotations

from gateway.edge.limits import Places, Rate


def test_a_rate_allows_its_count_at_once_and_then_its_pace() -> None:
    rate = Rate(3, 60)
    assert [rate.take("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert not rate.take("a", 19.9)
    assert rate.take("a", 20.1)
    assert not rate.take("a", 20.2)


def test_a_rate_never_saves_up_more_than_its_count() -> None:
    rate = Rate(2, 60)
    rate.take("a", 0.0)
    assert [rate.take("a", 10_000.0) for _ in range(3)] == [True, True, False]


def test_one_key_takes_nothing_from_another() -> None:
    rate = Rate(1, 60)
    assert rate.take("a", 0.0)
    assert rate.take("b", 0.0)


def test_an_address_holds_its_places_and_no_more() -> None:
    places = Places(2, kept_s=600)
    assert places.take("door", "address", "g_1", 0.0)
    assert places.take("door", "address", "g_2", 0.0)
    assert not places.take("door", "address", "g_3", 1.0)
    assert places.take("door", "address", "g_1", 2.0), "whoever has a place may always have it again"
    assert places.take("other", "address", "g_3", 3.0), "another door has places of its own"
    assert places.take("door", "elsewhere", "g_3", 3.0), "so has another address"


def test_a_place_is_free_again_when_given_back_or_forgotten() -> None:
    places = Places(1, kept_s=600)
    assert places.take("door", "address", "g_1", 0.0)
    places.give_back("door", "address", "g_1")
    assert places.take("door", "address", "g_2", 1.0)
    assert not places.take("door", "address", "g_3", 600.0)
    assert places.take("door", "address", "g_3", 601.0)


def test_whoever_may_do_everything_again_is_forgotten() -> None:
    """A crowd that came once costs nothing a period later."""
    rate = Rate(2, 60)
    for number in range(1000):
        rate.take(f"address {number}", 0.0)
    for number in range(1000):
        rate.take("another", 61.0 + number)
    assert len(rate) == 1


def test_a_visitor_who_comes_from_elsewhere_holds_a_place_there_alone() -> None:
    places = Places(1, kept_s=600)
    assert places.take("door", "home", "g_1", 0.0)
    assert places.take("door", "work", "g_1", 1.0)
    assert places.take("door", "home", "g_2", 2.0)
    assert not places.take("door", "work", "g_3", 3.0)
