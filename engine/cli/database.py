"""``run.py db``: upgrade, check, back up and restore the database."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from engine.base.atomic_files import readable
from engine.case.store import case_ids
from engine.operations import attachment_check, whole_check
from engine.operations import backup as backups
from engine.operations import drill as drills
from engine.operations.installation_keys import wrong_key
from engine.people.security_events import BackedUp, Drilled, Restored
from engine.proof.verify import IDENTICAL
from engine.storage import upgrade as upgrades

from .common import Bar, Named, answer, json_option, opened, operator

_FILE = Named(path_type=Path, dir_okay=False)
_identity = click.option(
    "--identity", type=_FILE, help="File of the secret key of an encrypted backup (age, AGE-SECRET-KEY-1…)."
)


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
            findings += whole_check.of_case(gongdan, verdict)
            if verdict.state != IDENTICAL:
                continue
            if remove_unnamed:
                removed += attachment_check.remove_unnamed(gongdan, case)
            findings += [
                f"{case} keeps the file {digest}, which no command names; --remove-unnamed deletes it"
                for digest in attachment_check.unnamed(gongdan, case)
            ]
        findings += whole_check.beside(gongdan, key)
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


@db.command("backup")
@click.argument("target", type=_FILE)
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    metavar="age1…",
    help="Public key to encrypt for, in place of GONGDAN_BACKUP_RECIPIENTS; may be repeated.",
)
def backup(target: Path, recipients: tuple[str, ...]) -> None:
    """Copy the database to TARGET while it is in use."""
    with opened(existing=True) as gongdan:
        chosen = recipients or gongdan.settings.backup_recipients
        backups.backup(gongdan.db, target, chosen)
        gongdan.security_log.note_if_possible(operator(), BackedUp(about=str(target)), gongdan.now())
    click.echo(f"written to {target}{', encrypted' if chosen else ''}")
    if not chosen:
        click.echo(
            "not encrypted: who has this file can read it; GONGDAN_BACKUP_RECIPIENTS encrypts", err=True
        )


@db.command("restore")
@click.argument("source", type=_FILE)
@click.option("--force", is_flag=True, help="Replace a database that is not empty.")
@_identity
def restore(source: Path, force: bool, identity: Path | None) -> None:
    """Put the backup SOURCE in place of the database. Stop all processes first."""
    with opened(migrate=False) as gongdan:
        backups.restore(gongdan.db, source, force=force, identity=identity)
        wrong = wrong_key(gongdan)
    with opened(existing=True) as gongdan:  # the backup may be of an older version, which had no such log
        told = Restored(about=str(source), force=force)
        gongdan.security_log.note_if_possible(operator(), told, gongdan.now())
    click.echo(f"restored from {source}")
    if wrong is not None:
        click.echo(wrong, err=True)


@db.command("drill")
@click.argument("source", type=_FILE)
@_identity
@click.option("--server", default="", help="PostgreSQL address where a database may be made for the trial.")
@click.option(
    "--attachments",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the files that were copied with the backup; those in use when it is not given.",
)
@click.option("--max-age", type=click.FloatRange(min=0), help="Hours; older data is a finding.")
@json_option
def drill(
    source: Path,
    identity: Path | None,
    server: str,
    attachments: Path | None,
    max_age: float | None,
    as_json: bool,
) -> None:
    """Restore SOURCE for a trial into a throw-away place and prove everything in it. Exit 1 on any finding."""
    with opened(existing=True) as live:
        done = drills.drill(
            live, source, identity=identity, server=server, attachments=attachments, progress=Bar("drill")
        )
        hours = round((done.age or 0) / 3600, 2)
        findings = list(done.findings)
        if max_age is not None and (done.age is None or done.age > max_age * 3600):
            findings.append(f"the data of the backup is {hours} hours old, more than {max_age:g}")
        told = Drilled(about=str(source), findings=len(findings), hours=hours)
        live.security_log.note_if_possible(operator(), told, live.now())
    since = f"up to {done.newest}, {hours} hours ago" if done.newest else "nothing was recorded in it"
    compared = (
        f"{done.compared} held against those in use" if done.compared else "nothing in use to compare with"
    )
    counts = f"{done.cases} cases: {done.identical} identical, {done.erased} erased, {len(findings)} findings"
    took = f"restored in {done.restored_in:.1f} s, proved in {done.proved_in:.1f} s; data {since}"
    answer(
        {**asdict(done), "findings": findings}, as_json, "\n".join([*findings, took, f"{counts}; {compared}"])
    )
    sys.exit(1 if findings else 0)
