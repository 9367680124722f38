"""What a process counts about itself, in memory. Names and help as Prometheus shows them; docs/operations.md lists all.

What is true of the whole installation at a moment (queues, lags, incidents) is not counted here but read from the
database when somebody asks (engine/operations/figures.py), and counts of all processes are added up there (ADR 0019).
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

commands = Counter(
    "gongdan_commands",
    "Commands that were given, by kind and by what came of them: ok, again (the same submit), refused, conflict, "
    "unavailable, failed",
    ["kind", "result"],
    registry=REGISTRY,
)
command_seconds = Histogram(
    "gongdan_command_seconds",
    "Seconds from a command to its answer, waiting and retries included",
    ["kind"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
conflicts = Counter(
    "gongdan_conflicts",
    "Times that another process had changed a case first; most are tried again at once",
    registry=REGISTRY,
)
case_cache = Counter(
    "gongdan_case_cache",
    "Looks for a live case in memory, by result: hit or miss",
    ["result"],
    registry=REGISTRY,
)
hit, miss = case_cache.labels("hit"), case_cache.labels("miss")
live_cases = Gauge("gongdan_live_cases", "Live cases in the memory of all processes", registry=REGISTRY)
messages = Counter(
    "gongdan_messages",
    "Messages worked off, by kind and by the state they came to",
    ["kind", "state"],
    registry=REGISTRY,
)
sign_ins = Counter(
    "gongdan_sign_ins", "Attempts to sign in, by result: ok, wrong or limited", ["result"], registry=REGISTRY
)
requests = Counter(
    "gongdan_requests",
    "Requests answered, by route, method and status; what leads nowhere is the route 'none'",
    ["route", "method", "status"],
    registry=REGISTRY,
)
request_seconds = Histogram(
    "gongdan_request_seconds",
    "Seconds from a request to its answer, by room",
    ["room"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
