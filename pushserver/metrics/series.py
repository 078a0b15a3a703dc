"""Counters with all their series made beforehand."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import TypeVar

from prometheus_client import Counter, Histogram

_Metric = TypeVar("_Metric", Counter, Histogram)


def by_label(metric: _Metric, values: Iterable[str]) -> Mapping[str, _Metric]:
    """The series of a metric with one label, by its value.

    They exist from the start: a counter that appears with its first event has no rate when it matters. And
    looking a series up in a dictionary costs a third of what ``labels()`` does.
    """
    return {value: metric.labels(value) for value in values}


def by_labels(metric: Counter, *values: Iterable[str]) -> Mapping[tuple[str, ...], Counter]:
    """The same with several labels, by their values in order."""
    return {combination: metric.labels(*combination) for combination in product(*values)}
