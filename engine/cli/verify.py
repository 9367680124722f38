"""``verify``: re-execute cases from their history alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click

from engine.app import open_gongdan
from engine.base.settings import Settings
from engine.case.store import case_ids
from engine.proof import checkpoints
from engine.proof.verify import DIVERGED, ERASED, IDENTICAL, Verdict
from engine.storage.database import Database

from .common import Bar, answer, json_option, opened

_CHUNK = 50  #: cases a worker process verifies at a time


def _verify_chunk(settings: Settings, cases: list[str]) -> list[Verdict]:
    gongdan = open_gongdan(settings, migrate=False)
    try:
        return [gongdan.verify(case) for case in cases]
    finally:
        gongdan.close()


@click.command("verify")
@click.argument("cases", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every case.")
@click.option(
    "--jobs", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes to verify with."
)
@click.option(
    "--against",
    "signed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Signed heads kept since (export heads): the histories must lead through them.",
)
@click.option("--key", help="The key that signed them; default: this installation's own.")
@json_option
def verify(
    cases: tuple[str, ...], everything: bool, jobs: int, signed: Path | None, key: str | None, as_json: bool
) -> None:
    """Re-execute CASES (or --all) without snapshots and compare every row. Exit 1 at the first divergence of any."""
    if bool(cases) == everything:
        raise click.UsageError("name cases, or use --all")
    if key and not signed:
        raise click.UsageError("--key says who signed the heads of --against")
    with opened(existing=True) as gongdan:
        kept = _kept(signed, key or checkpoints.public_key(gongdan.settings.heads_key)) if signed else None
        chosen = case_ids(gongdan.db) if everything else list(dict.fromkeys(cases))
        asked = set(chosen)
        if kept is not None:  # of a case that is gone, the signed heads tell
            gone = {head.case for head in kept.heads} & asked - set(case_ids(gongdan.db))
            chosen = [case for case in chosen if case not in gone]
        chunks = [chosen[i : i + _CHUNK] for i in range(0, len(chosen), _CHUNK)]
        verdicts: list[Verdict] = []
        bar = Bar("verify")
        if jobs == 1:
            for case in chosen:
                verdicts.append(gongdan.verify(case))
                bar(len(verdicts), len(chosen))
        else:
            # Spawned, not forked: the sandbox's threads would leave their locks held in a fork.
            with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
                for found in pool.map(_verify_chunk, [gongdan.settings] * len(chunks), chunks):
                    verdicts += found
                    bar(len(verdicts), len(chosen))
        if kept is not None:
            verdicts = list(_against(gongdan.db, kept.heads, verdicts, None if everything else asked))
    result = summary(verdicts)
    lines = [f"{d['case']} row {d['seq']}: {d['reason']}" for d in result["diverged"]]
    lines.append(
        f"{result['cases']} cases, {result['commands']} commands: {result['identical']} identical, "
        f"{result['erased']} erased, {len(result['diverged'])} diverged"
    )
    if kept is not None:
        result["signed"] = {"at": kept.at, "cases": len(kept.heads)}
        lines.append(f"held against the heads of {len(kept.heads)} cases, signed at {kept.at}")
    answer(result, as_json, "\n".join(lines))
    sys.exit(1 if result["diverged"] else 0)


def _kept(signed: Path, key: str) -> checkpoints.SignedHeads:
    with signed.open("rb") as file:
        return checkpoints.read(file, key)


def _against(
    db: Database, kept: list[checkpoints.SignedHead], verdicts: list[Verdict], asked: set[str] | None
) -> Iterator[Verdict]:
    """The verdicts, but for cases whose history does not lead through the head that was signed of it.

    ``asked``: only of these cases; None means all.
    """
    wrong = {
        h.case: (h.seq, why) for h, why in checkpoints.missing(db, kept) if asked is None or h.case in asked
    }
    for verdict in verdicts:
        seq, why = wrong.pop(verdict.case_id, (None, None))
        keeps = why is None or verdict.state == DIVERGED
        yield verdict if keeps else replace(verdict, state=DIVERGED, seq=seq, reason=why)
    for case, (seq, why) in wrong.items():
        yield Verdict(case, DIVERGED, 0, seq, why)


def summary(verdicts: list[Verdict]) -> dict[str, Any]:
    """The counts and divergences of a verification."""
    return {
        "cases": len(verdicts),
        "commands": sum(v.commands for v in verdicts),
        "identical": sum(v.state == IDENTICAL for v in verdicts),
        "erased": sum(v.state == ERASED for v in verdicts),
        "diverged": [
            {"case": v.case_id, "seq": v.seq, "reason": v.reason} for v in verdicts if v.state == DIVERGED
        ],
    }
