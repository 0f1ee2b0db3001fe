from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.contenders import Contender
from benchmarks.contest import Entry, Sample, Wish, compete, figures
from benchmarks.figures import Size, Spread
from benchmarks.load import Done, Requests, Target
from benchmarks.processes import NotMeasured


def contender(name: str) -> Contender:
    return Contender(name, 1, (), Target("/", {}))


def entry(name: str, *cpu_us: float) -> Entry:
    return Entry(contender(name), [Sample(each, 0.0, Done(1, 2.0, 3.0)) for each in cpu_us])


def test_each_is_compared_with_the_first_and_judged_by_whom_it_is_wished_against():
    entries = [entry("nginx", 10, 20, 40), entry("naive", 90, 200, 360), entry("ours", 20, 40, 60)]
    wishes = [Wish("ours", "nginx", at_most=2.2), Wish("naive", "ours", at_least=6), Wish("ours", "absent", at_most=1)]
    found = figures("row", entries, wishes)
    assert [(each.who, each.value, each.ratio) for each in found[:3]] == [
        ("nginx", 20, Spread(1, 1, 1)),
        ("naive", 200, Spread(9, 9, 10)),
        ("ours", 40, Spread(2, 1.5, 2)),
    ]
    assert [(each.who, each.value, each.unit, each.verdict) for each in found[3:]] == [
        ("ours", 2, "x nginx", "reached"),
        ("naive", 5, "x ours", "missed"),
    ]


def test_who_failed_is_told_and_not_judged():
    broken = entry("ours")
    broken.fault = NotMeasured("3 answers failed")
    found = figures("row", [entry("nginx", 10), broken], [Wish("ours", "nginx", at_most=2)])
    assert [(each.who, each.verdict, each.fault) for each in found[1:]] == [
        ("ours", "not measured", "3 answers failed")
    ]


async def test_one_that_fails_is_left_alone_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    async def once(one: Contender, *_: object) -> Sample:
        asked.append(one.name)
        if one.name == "b":
            raise NotMeasured("no answer")
        return Sample(1.0, 0.0, Done(1))

    monkeypatch.setattr("benchmarks.contest._once", once)
    size = Size(400, 3, 1.0, (), quick=True)
    entries = await compete([contender("a"), contender("b"), contender("c")], Requests(1), size, tmp_path)
    assert asked == ["a", "b", "b", "c", "c", "a", "c", "a"], "the order turns"
    assert [len(each.samples) for each in entries] == [3, 0, 3]
    assert str(entries[1].fault) == "no answer"


async def test_without_the_first_there_is_nothing_to_compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def once(*_: object) -> Sample:
        raise NotMeasured("no answer")

    monkeypatch.setattr("benchmarks.contest._once", once)
    with pytest.raises(NotMeasured, match="no answer"):
        await compete([contender("a")], Requests(1), Size(400, 1, 1.0, (), quick=True), tmp_path)
