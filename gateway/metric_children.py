"""A metric's children, one for each set of labels.

Rule that holds here: a label comes from a closed set; whatever is in none is counted as OTHER, and not remembered.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

from gateway.metric_labels import OTHER

_Metric = TypeVar("_Metric", Counter, Gauge, Histogram)


class Labelled(Generic[_Metric]):
    """A metric whose labels come from closed sets; hands out its children, each made once."""

    def __init__(self, metric: _Metric, *sets: Iterable[str]) -> None:
        self._metric: _Metric = metric
        self._sets = [frozenset(each) for each in sets]
        self._children: dict[tuple[str, ...], _Metric] = {}

    def __call__(self, *values: str) -> _Metric:
        child = self._children.get(values)
        if child is None:
            known = tuple(value if value in closed else OTHER for value, closed in zip(values, self._sets, strict=True))
            child = self._metric.labels(*known)
            if known == values:  # a value of no set is not kept: there may be any number of those
                self._children[values] = child
        return child
