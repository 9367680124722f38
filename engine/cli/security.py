"""``run.py security-log``: read it, and take away what need not be kept any longer."""

from __future__ import annotations

from dataclasses import asdict

import click

from engine.operations import retention
from engine.operations.sinks import line
from engine.people.security_events import KINDS
from engine.queries import security
from engine.queries.security import Wanted

from .common import answer, json_option, opened, operator


@click.group("security-log")
def security_log() -> None:
    """Who did what to the house, and what was refused."""


@security_log.command("list")
@click.option("--who", default="", help="An account: what it did, and what was done to it.")
@click.option("--kind", default="", type=click.Choice(["", *KINDS]), help="Only this kind of entry.")
@click.option("--address", default="", help="Only from this address.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="How many at most."
)
@json_option
def list_entries(who: str, kind: str, address: str, limit: int, as_json: bool) -> None:
    """The latest entries first."""
    with opened(existing=True) as gongdan:
        found, _ = security.listed(gongdan.db, Wanted(who, kind, address), None, limit)
    answer(
        {"entries": [asdict(one) for one in found]},
        as_json,
        "\n".join(map(line, found)) or "nothing is there",
    )


@security_log.command("cut")
@click.option(
    "--days", type=click.IntRange(1, 36_500), help="Keep so many days; default: GONGDAN_SECURITY_DAYS."
)
@json_option
def cut(days: int | None, as_json: bool) -> None:
    """Take away entries that are older than is kept, up to where a signed checkpoint tells of them."""
    with opened(existing=True) as gongdan:
        kept = days or gongdan.settings.security_days
        if not kept:
            raise click.UsageError("how many days are kept? give --days, or set GONGDAN_SECURITY_DAYS")
        gone = retention.cut(gongdan, kept, operator())
    said = (
        f"{gone.many} entries taken away, up to number {gone.last}; the log says so"
        if gone.many
        else "nothing to take away: no checkpoint (`run.py checkpoint`) ends with so old an entry, or a sink lacks it"
    )
    answer({"gone": gone.many, "last": gone.last}, as_json, said)
