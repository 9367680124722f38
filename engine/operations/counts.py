"""Counts of processes, as they stand in the table of processes and are added up."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from engine.base.metrics import REGISTRY

Key = tuple[str, tuple[tuple[str, str], ...]]  #: name of a sample, and its labels
LASTING = ("_total", "_bucket", "_sum", "_count")  #: what stays counted when the process has ended


def counted() -> dict[Key, float]:
    """What this process counted so far."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def written(counts: dict[Key, float], *, ended: bool = False) -> str:
    """Counts as text for the table of processes; of one that ``ended`` only what lasts."""
    kept = [
        (name, labels, value)
        for (name, labels), value in counts.items()
        if not ended or name.endswith(LASTING)
    ]
    return orjson.dumps(kept).decode()


def added(texts: Iterable[str]) -> dict[Key, float]:
    """Counts of several processes, added up."""
    total: dict[Key, float] = {}
    for text in texts:
        for name, labels, value in orjson.loads(text):
            key = name, tuple((label, said) for label, said in labels)
            total[key] = total.get(key, 0.0) + value
    return total
