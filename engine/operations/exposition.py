"""What Prometheus reads: the counts of all processes added up, and the figures of the installation.

Any process answers for all of them, so that it does not matter which one a proxy asks (ADR 0019).
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from engine.base.metrics import REGISTRY

from .counts import LASTING, added, counted
from .health import State

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def text(state: State, own: str = "") -> bytes:
    """The text of ``/metrics``; ``own`` is the row of this process, whose counts are newer in memory."""
    return generate_latest(_Everything(state, own))


class _Everything(Collector):
    def __init__(self, state: State, own: str) -> None:
        self._state, self._own = state, own

    def collect(self) -> Iterator[Metric]:
        """Counters first, then how things are."""
        others = [beat.counted for beat in self._state.beats if beat.id != self._own]
        total = counted()
        for key, value in added(others).items():
            total[key] = total.get(key, 0.0) + value
        for family in REGISTRY.collect():
            names = {family.name, *(family.name + ending for ending in LASTING)}
            made = Metric(family.name, family.documentation, family.type)
            for (name, labels), value in total.items():
                if name in names:
                    made.add_sample(name, dict(labels), value)
            yield made
        yield from _gauges(self._state)


def _gauges(state: State) -> Iterator[Metric]:
    yield _labelled(
        "gongdan_check",
        "Whether what readiness looks at is well (1) or not (0), by check",
        "check",
        {check.name: float(check.well) for check in state.checks},
    )
    yield GaugeMetricFamily("gongdan_ready", "Whether the process that was asked can do its work", state.well)
    workers = {"alive": sum(beat.fresh and beat.works for beat in state.beats), "lost": len(state.lost)}
    yield _labelled(
        "gongdan_processes",
        "Processes with a worker that is alive, and processes of any kind that ended without a word",
        "state",
        {name: float(number) for name, number in workers.items()},
    )
    yield _labelled("gongdan_disk_free_bytes", "Room for files, by what is kept there", "place", state.room)
    skew = GaugeMetricFamily(
        "gongdan_clock_skew_seconds",
        "How far the clock is ahead of what the database knows (behind: negative)",
    )
    if state.skew is not None:
        skew.add_metric([], state.skew)
    yield skew
    yield from _of_figures(state)


def _of_figures(state: State) -> Iterator[Metric]:
    """What the database tells; no values while it tells nothing."""
    figures = state.figures
    one = {
        "gongdan_timers_due": ("Cases in which time has something to do", "timers_due"),
        "gongdan_timer_lag_seconds": ("Seconds since the oldest of them was due", "timer_lag"),
        "gongdan_outbox_lag_seconds": ("Seconds since the oldest message that waits was due", "message_lag"),
        "gongdan_incidents_open": ("Incidents that wait for a person", "incidents"),
        "gongdan_limits_breached": ("Limits that were breached and still run", "breached"),
    }
    for name, (about, field) in one.items():
        family = GaugeMetricFamily(name, about)
        if figures is not None:
            family.add_metric([], getattr(figures, field))
        yield family
    by_state = {} if figures is None else {name: float(n) for name, n in figures.messages.items()}
    yield _labelled(
        "gongdan_outbox", "Messages that something is still to be done about, by state", "state", by_state
    )


def _labelled(name: str, about: str, label: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=[label])
    for said, value in values.items():
        family.add_metric([said], value)
    return family
