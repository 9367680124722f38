"""The command ``simulate``: synthetic people work the open cases, or a mixed load, on a simulated clock."""

from __future__ import annotations

from datetime import date, datetime

import click

from engine.base.instants import iso
from engine.simulate.arrivals import Load
from engine.simulate.report import SimulationReport
from engine.simulate.running import YEARS, parse_until
from engine.simulate.running import simulate as run

from .common import Bar, answer, json_option, opened

LIVE = 100_000  #: all open cases stay in memory: a simulation goes round all of them
UNHURRIED = "NORMAL"  #: SQLite's disk syncs; what a power cut takes of a simulation can be simulated again
DAY = click.DateTime(["%Y-%m-%d"])


@click.command("simulate")
@click.option("--until", help="ISO instant or day (Shanghai) to stop at; else when everything is done.")
@click.option(
    "--agents",
    type=click.IntRange(1, 500),
    help="Front-line agents; default 8, or as many as the mixed load needs.",
)
@click.option("--seed", help="Decides everything by chance; default the database's own.")
@click.option(
    "--mixed",
    type=click.IntRange(1, 1_000_000),
    help="So many new cases of every process that people may open, arriving --from … --to.",
)
@click.option("--from", "first", type=DAY, help="First day of the mixed load.")
@click.option("--to", "last", type=DAY, help="Last day of the mixed load.")
@json_option
def simulate(
    until: str | None,
    agents: int | None,
    seed: str | None,
    mixed: int | None,
    first: datetime | None,
    last: datetime | None,
    as_json: bool,
) -> None:
    """Let synthetic agents and customers work the open cases of a simulated database, and those of a mixed load."""
    try:
        end = parse_until(until) if until else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--until") from None
    load = _load(mixed, first and first.date(), last and last.date())
    bar = Bar("simulate", " days")
    with opened(lru=LIVE, synchronous=UNHURRIED) as gongdan:
        gongdan.publish_folder(at=iso(load.begins) if load else None)
        begun: list[datetime] = []

        def show(now: datetime) -> None:
            begun[:] = begun or [now]
            bar((now - begun[0]).days)

        report = run(gongdan, seed=seed, agents=agents, until=end, load=load, on_progress=show)
    bar.close()
    answer(report.as_json(), as_json, _text(report))


def _load(cases: int | None, first: date | None, last: date | None) -> Load | None:
    """The mixed load asked for; raises :class:`click.UsageError` when only a part of it is said."""
    if cases is None and first is None and last is None:
        return None
    if cases is None or first is None or last is None:
        raise click.UsageError("a mixed load needs --mixed, --from and --to together")
    if last < first:
        raise click.UsageError(f"--to {last} is before --from {first}")
    if first.year not in YEARS or last.year not in YEARS:
        raise click.UsageError(
            f"--from and --to must be days of the years {YEARS.start} to {YEARS.stop - 1}, "
            f"but they are {first} and {last}"
        )
    return Load(cases, first, last)


def _text(report: SimulationReport) -> str:
    lines = [f"{report.cases} cases, {report.open} open, {report.incidents} open incidents"]
    if not report.cases:
        lines.append(
            "the database is marked as simulated; `run.py import` complaints, then simulate again, "
            "or simulate a load with --mixed"
        )
    if report.by_process:
        lines += ["", "by process:                          cases  closed  ends"]
        for process, number in report.by_process.items():
            ends = report.ends.get(process, {})
            told = ", ".join(f"{outcome} {count}" for outcome, count in ends.items())
            lines.append(f"  {process:34} {number:6} {sum(ends.values()):7}  {told}")
    for title, counts in (("by outcome", report.by_outcome), ("open cases wait", report.waiting)):
        if counts:
            lines += ["", f"{title}:", *(f"  {number:6} {name}" for name, number in counts.items())]
    if report.left_aside:
        lines += ["", "left aside:", *(f"  {reason}" for reason in report.left_aside)]
    if report.sla:
        lines += ["", "limits:                        met  breached  running"]
        lines += [
            f"  {name:26} {c['met']:6} {c['breached']:9} {c['running']:8}" for name, c in report.sla.items()
        ]
    if report.messages:
        lines += ["", "messages:"]
        for kind, states in report.messages.items():
            lines.append(f"  {kind:8} " + ", ".join(f"{state} {count}" for state, count in states.items()))
    lines += ["", f"{report.timers_fired} timers fired, {report.messages_sent} SMS sent"]
    if report.never_reached:
        lines += [
            "",
            f"{len(report.never_reached)} elements that no case reached:",
            *(f"  {name}" for name in report.never_reached),
        ]
    return "\n".join(lines)
