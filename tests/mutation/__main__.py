"""``python -m tests.mutation``: put small faults into the engine, one at a time, and say which nothing notices.

Ends with 1 where a fault survived that is not listed as equivalent, and with 2 where an entry of that list is stale.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from engine.base.settings import CHECKOUT

from . import equivalent, results
from .covered import Covered
from .modules import tried
from .mutants import Mutant, mutants_of, sample
from .operators import SWAPS
from .results import EQUIVALENT, SURVIVED, TESTS, TYPES, Result, result
from .trial import Trial


@click.command()
@click.option("--count", default=400, show_default=True, help="How many faults to try.")
@click.option("--seed", default=20261201, show_default=True, help="Which ones.")
@click.option("--only", multiple=True, help="Modules whose path begins so; may be given again.")
@click.option("--swaps", is_flag=True, help="Only two neighbours that change places.")
@click.option("--every", is_flag=True, help="All faults of these modules, none left out.")
@click.option("--go-on", is_flag=True, help="Keep the results there are; leave out what has one.")
@click.option("--survivors", is_flag=True, help="Try again what survived the last time.")
@click.option("--record", multiple=True, help="Files of tests that are new since the recording.")
@click.option(
    "--longest", default=240.0, show_default=True, help="Seconds of tests that are tried for one fault."
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path(tempfile.gettempdir()) / "gongdan-mutation",
    show_default=True,
    help="Where the copy, the recording of the tests and the results are kept.",
)
def main(
    count: int,
    seed: int,
    only: tuple[str, ...],
    swaps: bool,
    every: bool,
    go_on: bool,
    survivors: bool,
    record: tuple[str, ...],
    longest: float,
    folder: Path,
) -> None:
    """Put faults into the engine one at a time; say which neither the types nor a test notices."""
    if stale := equivalent.stale(CHECKOUT):
        click.echo("\n".join(stale), err=True)
        sys.exit(2)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "results.jsonl"
    trial, covered = Trial(CHECKOUT, folder, longest), Covered(folder)
    trial.begin()
    try:
        if record or not covered.is_recorded:
            click.echo("recording which test runs which line: takes some minutes", err=True)
            covered.record(record)
        trial.control(covered.seconds)
        modules = [module for module in tried(trial.tree) if not only or module.startswith(only)]
        kinds = SWAPS if swaps else None
        if survivors:
            mutants = _survivors(trial.tree, file)
        else:
            if not go_on:
                file.unlink(missing_ok=True)
            known = {one.key for one in results.read(file)}
            chosen = sample(trial.tree, modules, None if every else count, seed, kinds)
            mutants = [mutant for mutant in chosen if mutant.key not in known]
        for number, mutant in enumerate(mutants, 1):
            found = _try(trial, covered, mutant)
            results.add(file, found)
            click.echo(f"{number}/{len(mutants)} {found.fate:10} {mutant} {found.by[:100]}", err=True)
    finally:
        trial.end()
    found_all = results.read(file)
    click.echo("\n".join(results.report(found_all)))
    sys.exit(any(one.fate == SURVIVED for one in found_all))


def _survivors(root: Path, file: Path) -> list[Mutant]:
    left = {one.key for one in results.read(file) if one.fate == SURVIVED}
    return [
        mutant
        for module in sorted({key[0] for key in left})
        for mutant in mutants_of(root, module)
        if mutant.key in left
    ]


def _try(trial: Trial, covered: Covered, mutant: Mutant) -> Result:
    if reason := equivalent.known().get(mutant.key):
        return result(mutant, EQUIVALENT, reason, 0)
    tests = covered.tests_of(mutant)
    with trial.fault(mutant):
        if refused := trial.refused():
            return result(mutant, TYPES, refused.splitlines()[0], len(tests))
        failed = trial.failed(tests, covered.seconds)
    return result(mutant, TESTS if failed else SURVIVED, failed or "", len(tests))


if __name__ == "__main__":
    main()
