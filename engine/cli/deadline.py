"""``deadline``: when a limit ends, and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import click

from engine.base.errors import GongdanError
from engine.base.locales import LOCALES
from engine.sla import time_words
from engine.sla.calendar import Calendar
from engine.sla.durations import Duration, parse_short

from .project import Files, files_of, release_option

CALENDARS = "bpmn/calendars/"


class Refused(click.ClickException):
    """What the calendar refuses, such as a year it does not know."""

    exit_code = 2


def _length(kind: Literal["clock", "work"]) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    def read(context: click.Context, parameter: click.Parameter, text: str | None) -> Duration | None:
        try:
            return None if text is None else parse_short(text, kind)
        except GongdanError as error:
            raise click.BadParameter(str(error)) from None

    return read


def _start(context: click.Context, parameter: click.Parameter, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a date and time; write 2026-02-13T16:00") from None


@click.command()
@click.option("--from", "start", required=True, metavar="ISO", callback=_start,
              help="Start, e.g. 2026-02-13T16:00; in Asia/Shanghai unless it has a zone.")  # fmt: skip
@click.option("--work", metavar="LENGTH", callback=_length("work"),
              help="Working time: 90m, 8h, 3d (a working day is 480 working minutes).")  # fmt: skip
@click.option("--clock", metavar="LENGTH", callback=_length("clock"),
              help="Elapsed time: 90m, 48h, 3d.")  # fmt: skip
@click.option("--calendar", "name", default="cn", show_default=True, help="A file of bpmn/calendars.")
@release_option("as cases do, the live release; the folder as long as nothing is published")
@click.option("--locale", type=click.Choice(LOCALES), default="en", show_default=True, help="Of the words.")
@click.option("--json", "as_json", is_flag=True, help="Print {due, explanation, source}.")
def deadline(
    start: datetime,
    work: Duration | None,
    clock: Duration | None,
    name: str,
    which: str | None,
    locale: str,
    as_json: bool,
) -> None:
    """Say when a limit ends, and why."""
    length = work or clock
    if length is None or (work and clock):
        raise click.UsageError("give either --work or --clock")
    source = files_of(which)
    calendar = _calendar(name, source)
    if start.tzinfo is None:
        start = start.replace(tzinfo=calendar.zone)
    try:
        # Elapsed time is counted in UTC: added to a local time, it would move the hands of the clock.
        due = calendar.add(start, length.length) if work else start.astimezone(UTC) + length.length
        lines = time_words.counted(length, start, due, calendar, locale)
    except GongdanError as error:
        raise Refused(str(error)) from None
    except OverflowError:
        raise Refused("that lies beyond the last year a date can have (9999)") from None
    local = due.astimezone(calendar.zone)
    if as_json:
        found = {"due": local.isoformat(), "explanation": "\n".join(lines), "source": source.where}
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo(f"{local:%Y-%m-%d %H:%M:%S} {calendar.zone.key}")
    for line in lines:
        click.echo(f"  {line}")
    click.echo(f"  (calendar {name!r} of {source.where})")


def _calendar(name: str, source: Files) -> Calendar:
    files = {
        path.removeprefix(CALENDARS).removesuffix(".json"): body
        for path, body in source.files.items()
        if path.startswith(CALENDARS) and path.endswith(".json")
    }
    if name not in files:
        known = ", ".join(sorted(files)) or "(none)"
        raise click.BadParameter(
            f"{name!r} is not one of {known}, the calendars of {source.where}", param_hint="--calendar"
        )
    return Calendar.load(files[name])
