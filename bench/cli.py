"""``bench``: one command, a table of ratios measured in one run, kept as JSON under ``bench/results``."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click

from bench import crossed, http, intake, measures, million, pages, processes, timers
from bench.measures import Figure
from engine.base import logs

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("SpiffWorkflow", "SQLAlchemy", "pydantic-monty", "orjson", "Flask")


def table() -> dict[str, Callable[[], Figure]]:
    """Every measure by name."""
    found: dict[str, Callable[[], Figure]] = {
        name: getattr(measures, name)
        for name in (
            "completion_cpu_vs_stock_memory",
            "completion_cpu_full_vs_stock_memory",
            "completion_cpu_without_disk",
            "completion_cpu_full_without_disk",
            "commit_cpu_of_a_completion",
            "completion_vs_naive",
            "loop_growth_1000_vs_10",
            "cold_load_300_ms",
            "cold_load_5000_ms",
            "verify_commands_per_s",
            "live_instance_kb",
            "history_row_bytes",
        )
    }
    found |= {
        "completion_vs_bare_commit": processes.completion_vs_bare_commit,
        "postgres_two_processes_vs_one": processes.postgres_two_processes_vs_one,
        "crossed_vs_own": crossed.crossed_vs_own,
        "crossed_vs_own_postgresql": crossed.crossed_vs_own_postgresql,
        "cold_vs_own": crossed.cold_vs_own,
        "cold_vs_own_postgresql": crossed.cold_vs_own_postgresql,
        "due_timers_2000": timers.due_timers_2000,
        "due_timers_2000_postgresql": timers.due_timers_2000_postgresql,
        "inbox_million_vs_thousand": million.inbox_million_vs_thousand,
        "due_claim_million_vs_thousand": million.due_claim_million_vs_thousand,
    }
    return (
        found
        | pages.table()
        | {
            "http_32_agents_p99_vs_p50": http.http_32_agents_p99_vs_p50,
            "import_851_s": intake.import_851_s,
            "simulate_851_s": intake.simulate_851_s,
            "simulate_mixed_5000": intake.simulate_mixed_5000,
        }
    )


@click.command("bench")
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--keep/--no-keep", default=True, help="Keep the figures under bench/results.")
def bench(names: tuple[str, ...], as_json: bool, keep: bool) -> None:
    """Measure NAMES (all by default) and print a table of ratios."""
    known = table()
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise click.UsageError(f"no such measure: {', '.join(unknown)}; there are {', '.join(known)}")
    logs.configure("warning")  # to standard error: standard output is for the figures
    found: dict[str, Figure] = {}
    for name in names or known:
        if sys.stderr.isatty():
            click.echo(f"measuring {name} …", err=True)
        with _said_elsewhere():
            found[name] = known[name]()
        if not as_json:
            click.echo(_line(name, found[name]))
    if keep:
        _keep(found)
    if as_json:
        click.echo(json.dumps(found))
    sys.exit(0)


@contextmanager
def _said_elsewhere() -> Iterator[None]:
    """What servers, other processes and libraries print goes to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _line(name: str, found: Figure) -> str:
    if "skipped" in found:
        return f"{name:38} skipped: {found['skipped']}"
    ratio = "" if found["ratio"] is None else f"{found['ratio']:8.2f}×"
    return f"{name:38} {found['ours']:12.2f} {found['reference'] or 0:12.2f} {ratio}  {found['unit']}"


def _keep(found: dict[str, Figure]) -> None:
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    body = {
        "at": now.isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "packages": {name: version(name) for name in PACKAGES},
        "figures": found,
    }
    path = RESULTS / f"{now:%Y-%m-%d-%H%M%S}.json"
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n")
