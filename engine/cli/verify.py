"""``verify``: re-execute cases from their history alone, and hold the database against what somebody kept."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click

from engine.app import Gongdan, open_gongdan
from engine.base.errors import Unavailable
from engine.base.settings import Settings
from engine.case.store import case_ids
from engine.proof import checkpoints, heads_file, log, log_check, notes, records, verifications
from engine.proof.heads_file import Kept
from engine.proof.held import Fault
from engine.proof.log import CASE, Leaf
from engine.proof.verifications import COMMAND_LINE, Verification, summary
from engine.proof.verify import DIVERGED, Verdict
from engine.storage.database import Database

from .common import Bar, answer, json_option, opened, operator, user

_CHUNK = 50  #: cases a worker process verifies at a time
_LISTED = 50  #: verifications that are listed


def _verify_chunk(settings: Settings, cases: list[str]) -> list[Verdict]:
    gongdan = open_gongdan(settings, migrate=False)
    try:
        return [gongdan.verify(case) for case in cases]
    finally:
        gongdan.close()


@click.command("verify")
@click.argument("cases", nargs=-1)
@click.option(
    "--all", "everything", is_flag=True, help="Every case, the access log and the log of checkpoints."
)
@click.option("--list", "listing", is_flag=True, help="Say who verified what: the latest fifty.")
@click.option(
    "--jobs", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes to verify with."
)
@click.option(
    "--against",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Heads or a checkpoint kept since (export heads, checkpoint): the database must bear them out.",
)
@click.option(
    "--key", help="The key that signed them, or (--all) the checkpoints before the key was changed."
)
@click.option("--witness", "witnesses", multiple=True, help="Who must have co-signed them; may be repeated.")
@json_option
def verify(
    cases: tuple[str, ...],
    everything: bool,
    listing: bool,
    jobs: int,
    file: Path | None,
    key: str | None,
    witnesses: tuple[str, ...],
    as_json: bool,
) -> None:
    """Re-execute CASES (or --all) without snapshots and compare every row. Exit 1 at any finding."""
    if bool(cases) + everything + listing != 1:
        raise click.UsageError("name cases, or use --all or --list")
    if (witnesses and not file) or (key and not file and not everything):
        raise click.UsageError("--key and --witness say who signed the file of --against")
    with opened(existing=True) as gongdan:
        if listing:
            _list(verifications.listed(gongdan.db, _LISTED), as_json)
            return
        own = checkpoints.own_verifier(gongdan.settings.heads_key)
        signer = notes.log_key(key) if key else own
        kept = None
        if file:
            with file.open("rb") as lines:
                kept = heads_file.read(lines, [signer, *map(notes.verifier, witnesses)])
        asked = None if everything else list(dict.fromkeys(cases))
        wrong, faults = _beside(gongdan.db, kept, asked)
        if everything:
            faults += records.faults(gongdan.db, [own, signer])
        verdicts = list(_judged(_verdicts(gongdan, asked, jobs, wrong), wrong))
        result = summary(verdicts, faults)
        against = None if kept is None else _told(gongdan.db, kept)
        result["recorded"] = _record(gongdan, result, asked, against)
    lines_told = [f"{d['case']} row {d['seq']}: {d['reason']}" for d in result["diverged"]]
    lines_told += faults
    lines_told.append(
        f"{result['cases']} cases, {result['commands']} commands: {result['identical']} identical, "
        f"{result['erased']} erased, {len(result['diverged'])} diverged"
    )
    if against is not None:
        result["signed"] = against
        of = f"the heads of {against['cases']} cases"
        lines_told.append(f"held against {of}, signed at {against['at']}")
    answer(result, as_json, "\n".join(lines_told))
    sys.exit(1 if result["diverged"] or faults else 0)


def _verdicts(gongdan: Gongdan, asked: list[str] | None, jobs: int, wrong: dict[str, Fault]) -> list[Verdict]:
    """Execute the cases ``asked`` for (None: all). Of one that is gone, what was kept tells: it is in ``wrong``."""
    there = case_ids(gongdan.db)
    gone = wrong.keys() - set(there)
    chosen = there if asked is None else [case for case in asked if case not in gone]
    chunks = [chosen[i : i + _CHUNK] for i in range(0, len(chosen), _CHUNK)]
    verdicts: list[Verdict] = []
    bar = Bar("verify")
    if jobs == 1:
        for case in chosen:
            verdicts.append(gongdan.verify(case))
            bar(len(verdicts), len(chosen))
        return verdicts
    # Spawned, not forked: the sandbox's threads would leave their locks held in a fork.
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for found in pool.map(_verify_chunk, [gongdan.settings] * len(chunks), chunks):
            verdicts += found
            bar(len(verdicts), len(chosen))
    return verdicts


def _beside(db: Database, kept: Kept | None, asked: list[str] | None) -> tuple[dict[str, Fault], list[str]]:
    """What is not as it was kept, or as the log in the database says: by case, and in words whatever else there is.

    ``asked``: only of these cases; None means all, with everything else that the log tells of.
    """
    broken = None if kept is None else log_check.continues(db, kept)
    leaves: Iterable[Leaf] = [] if kept is None else kept.leaves or []
    if broken is None and (kept is not None or asked is None):
        # A log that continues the checkpoint begins with its leaves.
        before = leaves if kept is not None and kept.checkpoint is None else []
        leaves = chain(before, log.as_far_as_whole(db))
    chosen = (leaf for leaf in leaves if asked is None or (leaf.kind == CASE and leaf.name in asked))
    cases, others = records.held_against(db, chosen)
    return cases, [*([f"the log does not continue what was kept: {broken}"] if broken else []), *others]


def _judged(verdicts: list[Verdict], wrong: dict[str, Fault]) -> Iterator[Verdict]:
    """The verdicts, but for cases whose history does not lead through the head that was signed of it."""
    left = dict(wrong)
    for verdict in verdicts:
        fault = left.pop(verdict.case_id, None)
        if fault is None or verdict.state == DIVERGED:
            yield verdict
        else:
            yield replace(verdict, state=DIVERGED, seq=fault.leaf.seq, reason=fault.reason)
    for case, fault in left.items():
        yield Verdict(case, DIVERGED, 0, fault.leaf.seq, fault.reason)


def _told(db: Database, kept: Kept) -> dict[str, Any]:
    """What the database was held against."""
    if kept.checkpoint is None:
        return {"at": kept.at, "cases": len(kept.leaves or [])}
    size, root = kept.checkpoint.size, kept.checkpoint.root.hex()
    leaves = kept.leaves if kept.leaves is not None else list(islice(log.as_far_as_whole(db), size))
    names = {leaf.name for leaf in leaves if leaf.kind == CASE}
    return {"at": heads_file.told_at(leaves), "cases": len(names), "size": size, "root": root}


def _record(
    gongdan: Gongdan, result: dict[str, Any], asked: list[str] | None, against: dict[str, Any] | None
) -> int | None:
    """Record that this was verified; None, with a word about it, in a database that cannot be written."""
    try:
        return verifications.record(
            gongdan.db, gongdan.now(), user(), COMMAND_LINE, result, asked, against, by=operator()
        )
    except Unavailable as error:
        click.echo(f"this verification was not recorded: {error}", err=True)
        return None


def _list(found: list[Verification], as_json: bool) -> None:
    told = [f"{one.id}  {one.at}  {one.person} ({one.channel})  {_words(one)}" for one in found]
    answer(
        {"verifications": [asdict(one) for one in found]}, as_json, "\n".join(told or ["nobody verified yet"])
    )


def _words(one: Verification) -> str:
    cases, result = one.scope.get("cases"), one.result
    scope = "all" if cases == "all" else ", ".join(map(str, cases or ()))
    kept = one.scope.get("against")
    against = f", against {kept.get('at')}" if isinstance(kept, dict) else ""
    counts = ", ".join(f"{result.get(name)} {name}" for name in ("identical", "erased", "diverged", "faults"))
    return f"{scope}{against}: {counts}"
