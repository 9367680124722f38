"""Commands of operators: publish, pull, rebuild, worker, erase."""

from __future__ import annotations

import asyncio
import sys

import click

from engine.base.errors import ConfigurationError
from engine.case import rebuild as rebuilding
from engine.operations import erasure as erasing
from engine.operations import recompute_due_dates
from engine.operations.installation_keys import wrong_key
from engine.release.announcing import RIGHTS
from engine.release.consent import FOLDER
from engine.release.second_person import KINDS

from .common import answer, json_option, opened, operator


@click.command("publish")
@click.option("--note", default="", help="What this release is for.")
@click.option(
    "--unproved", metavar="REASON", default="", help="Why a process without scenarios cannot wait for them."
)
@json_option
def publish(note: str, unproved: str, as_json: bool) -> None:
    """Make a release of bpmn/ and forms/ where they changed and their scenarios pass."""
    from engine.scenarios import Gate  # the whole engine: only who publishes waits for it

    with opened() as gongdan:
        gate, before = Gate(gongdan.releases, unproved), gongdan.releases.current_number()
        said = f"{note} (without scenarios: {unproved})".strip() if unproved else note
        done = gongdan.publish_folder(said, judge=gate, by=operator())
        moved = recompute_due_dates.recompute_provisional(gongdan)
        alone = (
            gongdan.releases.rules.needs(gongdan.releases.get(before), gongdan.releases.get(done.number))
            if before and done.number
            else {}
        )
    lines = ["nothing changed"]
    if done.number:
        lines = [
            f"release {done.number}: {len(done.changed)} files, published by the operator (author: {FOLDER})"
        ]
    lines += [f"{path}: who may do what is new" for path in done.changed if path in RIGHTS]
    lines += [
        f"{path}: changes {KINDS[kind].name['en']}, by the operator without a second person"
        for kind, paths in alone.items()
        for path in paths
    ]
    lines += [f"{gate.judgement.run} scenarios pass"] if gate.judgement.run else []
    lines += [f"{found.file}: {found.message}" for found in gate.judgement.findings]
    lines += [
        f"kept the designers' newer {path}; `run.py pull` brings it into the folder" for path in done.kept
    ]
    if moved:
        lines.append(f"{moved} provisional limits now follow the published calendar")
    result = {
        "release": done.number,
        "by": FOLDER,
        "changed": done.changed,
        "kept": done.kept,
        "alone": alone,
        "moved": moved,
        "scenarios": gate.judgement.run,
    }
    answer(result, as_json, "\n".join(lines))


@click.command("pull")
@json_option
def pull(as_json: bool) -> None:
    """Write the live release back into the folder, for version control."""
    with opened(existing=True) as gongdan:
        changed = gongdan.releases.pull(gongdan.settings.project)
    answer({"changed": changed}, as_json, "\n".join(changed) or "the folder is as the live release")


@click.command("rebuild")
@json_option
def rebuild(as_json: bool) -> None:
    """Derive the read models of all cases from history anew."""
    with opened(existing=True) as gongdan:
        done = dict(rebuilding.rebuild(gongdan))
    faults = {case: reason for case, reason in done.items() if reason is not None}
    count = len(done) - len(faults)
    told = [f"{case} is as before: {reason}" for case, reason in faults.items()]
    answer({"cases": count, "failed": faults}, as_json, "\n".join([*told, f"{count} cases rebuilt"]))
    sys.exit(1 if faults else 0)


@click.command("worker")
@click.option(
    "--concurrency", default=8, show_default=True, type=click.IntRange(1, 64), help="Jobs side by side."
)
def worker(concurrency: int) -> None:
    """Work as one of many: timers and outbox through Procrastinate, on PostgreSQL, until stopped."""
    from engine.operations.distributed_worker import Fleet  # needs the extra `postgres`

    with opened() as gongdan:
        if (wrong := wrong_key(gongdan)) is not None:
            raise ConfigurationError(wrong)
        gongdan.settle()
        asyncio.run(Fleet(gongdan, concurrency).run())


@click.command("erase")
@click.option("--phone", help="Erase every case under this number.")
@click.option("--case", "cases", multiple=True, help="Erase this case; may be repeated.")
@click.option(
    "--requested-by", required=True, help="On whose request: a role or a file number, never a name."
)
@click.option("--reason", required=True, help="Why. Both stay readable in the history for good.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def erase(
    phone: str | None, cases: tuple[str, ...], requested_by: str, reason: str, yes: bool, as_json: bool
) -> None:
    """Erase a person: their personal data can never be read again; history stays provable and says so."""
    if bool(phone) == bool(cases):
        raise click.UsageError("give --phone, or one --case or more")
    with opened(existing=True) as gongdan:
        chosen = erasing.cases_of(gongdan, phone) if phone else list(cases)
        if not chosen:
            raise click.UsageError("there is no case under that number")
        if not yes:
            click.confirm(
                f"This destroys the keys of {len(chosen)} cases for good. Go on?", abort=True, err=True
            )
        request = erasing.Request(operator().person, requested_by, reason)
        done = erasing.erase(gongdan, chosen, request)
    answer({"erased": done}, as_json, f"{len(done)} cases erased")
