"""The command ``simulate``: synthetic people work the open cases on a simulated clock."""

from __future__ import annotations

import sys
from datetime import datetime

import click
from tqdm import tqdm

from engine.simulate.report import SimulationReport
from engine.simulate.running import parse_until
from engine.simulate.running import simulate as run

from .common import answer, json_option, opened

LIVE = 100_000  #: all open cases stay in memory: a simulation goes round all of them
UNHURRIED = "NORMAL"  #: SQLite's disk syncs; what a power cut takes of a simulation can be simulated again


@click.command("simulate")
@click.option("--until", help="ISO instant or day (Shanghai) to stop at; else when everything is done.")
@click.option(
    "--agents", default=8, show_default=True, type=click.IntRange(1, 500), help="Front-line agents."
)
@click.option("--seed", help="Decides everything by chance; default the database's own.")
@json_option
def simulate(until: str | None, agents: int, seed: str | None, as_json: bool) -> None:
    """Let synthetic agents and customers work the open cases of a simulated database."""
    try:
        end = parse_until(until) if until else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--until") from None
    with (
        opened(lru=LIVE, synchronous=UNHURRIED) as gongdan,
        tqdm(desc="simulate", file=sys.stderr, unit=" days", leave=False, mininterval=1) as bar,
    ):
        gongdan.publish_folder()
        first: list[datetime] = []

        def show(now: datetime) -> None:
            first[:] = first or [now]
            bar.update((now - first[0]).days - bar.n)

        report = run(gongdan, seed=seed, agents=agents, until=end, on_progress=show)
    answer(report.as_json(), as_json, _text(report))


def _text(report: SimulationReport) -> str:
    lines = [f"{report.cases} cases, {report.open} open, {report.incidents} open incidents"]
    if not report.cases:
        lines.append("the database is marked as simulated; `run.py import` complaints, then simulate again")
    for title, counts in (
        ("by process", report.by_process),
        ("by outcome", report.by_outcome),
        ("open cases wait", report.waiting),
    ):
        if counts:
            lines += ["", f"{title}:", *(f"  {number:6} {name}" for name, number in counts.items())]
    if report.left_aside:
        lines += ["", "left aside:", *(f"  {reason}" for reason in report.left_aside)]
    if report.sla:
        lines += ["", "limits:                        met  breached  running"]
        lines += [
            f"  {name:26} {c['met']:6} {c['breached']:9} {c['running']:8}" for name, c in report.sla.items()
        ]
    lines += ["", f"{report.timers_fired} timers fired, {report.messages_sent} SMS sent"]
    return "\n".join(lines)
