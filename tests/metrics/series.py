"""What a registry shows, by name and labels."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Metric

Samples = dict[tuple[str, tuple[str, ...]], float]


def samples(families: CollectorRegistry | Iterable[Metric]) -> Samples:
    """By the sample's name and its label values in order; what is 0 is left out."""
    collected = families.collect() if isinstance(families, CollectorRegistry) else families
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in collected
        for sample in family.samples
        if sample.value and not sample.name.endswith("_created")
    }


def count_series(registry: CollectorRegistry) -> int:
    return sum(
        not sample.name.endswith("_created") for family in registry.collect() for sample in family.samples
    )
