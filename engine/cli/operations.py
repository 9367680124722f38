"""Commands of operators: publish, pull, rebuild, worker, db."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from engine.app import Gongdan
from engine.base.atomic_files import readable
from engine.base.errors import ConfigurationError
from engine.case import rebuild as rebuilding
from engine.case.store import case_ids
from engine.operations import attachment_check, recompute_due_dates
from engine.operations import backup as backups
from engine.operations import erasure as erasing
from engine.people.security_events import BackedUp, Restored
from engine.proof import checkpoints, log, notes, records
from engine.proof.verify import DIVERGED, ERASED
from engine.release.announcing import RIGHTS
from engine.release.releases import FOLDER
from engine.storage import upgrade as upgrades

from .common import Named, answer, json_option, opened, operator


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
        gate = Gate(gongdan.releases, unproved)
        said = f"{note} (without scenarios: {unproved})".strip() if unproved else note
        done = gongdan.publish_folder(said, judge=gate, by=operator())
        moved = recompute_due_dates.recompute_provisional(gongdan)
    lines = ["nothing changed"]
    if done.number:
        lines = [
            f"release {done.number}: {len(done.changed)} files, published by the operator (author: {FOLDER})"
        ]
    lines += [f"{path}: who may do what is new" for path in done.changed if path in RIGHTS]
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
        if (wrong := backups.wrong_key(gongdan)) is not None:
            raise ConfigurationError(wrong)
        gongdan.settle()
        asyncio.run(Fleet(gongdan, concurrency).run())


@click.group("db")
def db() -> None:
    """Upgrade, check, back up and restore the database."""


@db.command("upgrade")
@click.option(
    "--simulated",
    metavar="[SEED]",
    is_flag=False,
    flag_value="1",
    help="Mark the empty database as simulated with this seed.",
)
def upgrade(simulated: str | None) -> None:
    """Bring the database to the newest shape."""
    with opened() as gongdan:
        if simulated is not None:
            if case_ids(gongdan.db):
                raise click.UsageError("only an empty database can be marked as simulated")
            gongdan.keys.mark_simulated(simulated)
        click.echo(f"database at revision {upgrades.revision(gongdan.db)}")


@db.command("check")
@click.option(
    "--remove-unnamed", is_flag=True, help="Delete files that lie with a case but that no command names."
)
@click.option("--key", help="The key that signed checkpoints before it was changed.")
@json_option
def check(remove_unnamed: bool, key: str | None, as_json: bool) -> None:
    """Verify every chain, the log, the files, and compare read models with a rebuild. Exit 1 on any finding."""
    with opened(existing=True) as gongdan:
        findings, removed = [], 0
        chosen = case_ids(gongdan.db)
        for case in chosen:
            verdict = gongdan.verify(case)
            if verdict.state == DIVERGED:
                findings.append(f"{case} row {verdict.seq}: {verdict.reason}")
            elif verdict.state == ERASED:
                findings += [f"{case} {line}" for line in rebuilding.erased_faults(gongdan.db, case)]
            else:
                findings += [f"{case} {line}" for line in rebuilding.differences(gongdan, case)]
                findings += [f"{case} {line}" for line in attachment_check.faults(gongdan, case)]
                if remove_unnamed:
                    removed += attachment_check.remove_unnamed(gongdan, case)
                findings += [
                    f"{case} keeps the file {digest}, which no command names; --remove-unnamed deletes it"
                    for digest in attachment_check.unnamed(gongdan, case)
                ]
        findings += rebuilding.orphans(gongdan)
        findings += _beside(gongdan, key)
        for path in readable(gongdan.settings.var):
            click.echo(f"{path} can be read by other users; `chmod -R go= {path}` shuts it", err=True)
    answer(
        {"cases": len(chosen), "findings": findings, "removed": removed},
        as_json,
        "\n".join(
            [*findings, *[f"{removed} files removed"] * remove_unnamed, f"{len(chosen)} cases checked"]
        ),
    )
    sys.exit(1 if findings else 0)


def _beside(gongdan: Gongdan, key: str | None) -> Iterator[str]:
    """What is wrong with the access log, the verifications and the log, and what the log tells of otherwise."""
    own = checkpoints.own_verifier(gongdan.settings.heads_key)
    cases, others = records.held_against(gongdan.db, log.as_far_as_whole(gongdan.db))
    yield from (f"{case} row {fault.leaf.seq}: {fault.reason}" for case, fault in cases.items())
    yield from others
    yield from records.faults(gongdan.db, [own, notes.log_key(key) if key else own])


@db.command("backup")
@click.argument("target", type=Named(path_type=Path, dir_okay=False))
def backup(target: Path) -> None:
    """Copy the database to TARGET while it is in use."""
    with opened(existing=True) as gongdan:
        backups.backup(gongdan.db, target)
        gongdan.security_log.note_if_possible(operator(), BackedUp(about=str(target)), gongdan.now())
    click.echo(f"written to {target}")


@db.command("restore")
@click.argument("source", type=Named(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace a database that is not empty.")
def restore(source: Path, force: bool) -> None:
    """Put the backup SOURCE in place of the database. Stop all processes first."""
    with opened(migrate=False) as gongdan:
        backups.restore(gongdan.db, source, force=force)
        wrong = backups.wrong_key(gongdan)
    with opened(existing=True) as gongdan:  # the backup may be of an older version, which had no such log
        told = Restored(about=str(source), force=force)
        gongdan.security_log.note_if_possible(operator(), told, gongdan.now())
    click.echo(f"restored from {source}")
    if wrong is not None:
        click.echo(wrong, err=True)


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
