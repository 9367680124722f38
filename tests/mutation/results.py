"""What became of each fault, and the tables made of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from .mutants import Key, Mutant
from .operators import SWAPS

TYPES, TESTS, SURVIVED, EQUIVALENT = "types", "tests", "survived", "equivalent"
#: where who may do what is decided
RIGHTS = frozenset({
    "engine/people/rights.py", "engine/people/rules.py", "engine/people/roles.py", "engine/people/respondents.py",
    "engine/queries/scope.py", "engine/case/checks.py",
})  # fmt: skip


@dataclass(frozen=True)
class Result:
    """One fault, what became of it, and which test or reason said so."""

    module: str
    number: int
    line: str
    kind: str
    was: str
    becomes: str
    again: int
    fate: str
    by: str
    tests: int  #: how many run its line

    @property
    def key(self) -> Key:
        """That of the fault."""
        return self.module, self.line, self.kind, self.was, self.becomes, self.again


def result(mutant: Mutant, fate: str, by: str, tests: int) -> Result:
    """What became of a fault."""
    return Result(mutant.module, mutant.number, *mutant.key[1:], fate, by, tests)


def read(file: Path) -> list[Result]:
    """Results that were written, the latest of each fault."""
    lines = file.read_text().splitlines() if file.exists() else []
    return list({found.key: found for found in (Result(**json.loads(line)) for line in lines)}.values())


def add(file: Path, found: Result) -> None:
    """Write one more."""
    with file.open("a") as out:
        out.write(json.dumps(asdict(found), ensure_ascii=False) + "\n")


def report(results: Iterable[Result]) -> Iterator[str]:
    """The tables by module and by kind, the rates, and each survivor with its line."""
    found = sorted(results, key=lambda one: (one.module, one.number, one.kind, one.becomes))
    yield from _table("module", found, lambda one: one.module)
    yield from _table("kind", found, lambda one: one.kind)
    swaps = [one for one in found if one.kind in SWAPS]
    rights = [one for one in found if one.module in RIGHTS]
    for name, some in (("all", found), ("field swaps", swaps), ("who may do what", rights)):
        yield f"{name}: {_rate(some)}"
    for one in found:
        if one.fate == SURVIVED:
            yield f"survived: {one.module}:{one.number} [{one.kind}] {one.was} → {one.becomes} ({one.tests} tests)"


def _table(title: str, found: list[Result], by: Callable[[Result], str]) -> Iterator[str]:
    fates = (TYPES, TESTS, SURVIVED, EQUIVALENT)
    yield f"{title:40}{''.join(f'{fate:>12}' for fate in fates)}"
    for name in sorted({by(one) for one in found}):
        counted = Counter(one.fate for one in found if by(one) == name)
        yield f"{name:40}{''.join(f'{counted[fate]:12}' for fate in fates)}"
    yield ""


def _rate(found: list[Result]) -> str:
    counted = Counter(one.fate for one in found)
    noticed, survived = counted[TYPES] + counted[TESTS], counted[SURVIVED]
    whole = noticed + survived
    run = counted[TESTS] + survived
    return (
        f"{noticed} of {whole} noticed ({noticed / max(1, whole):.1%}), of those that the types accept "
        f"{counted[TESTS]} of {run} ({counted[TESTS] / max(1, run):.1%}); {counted[EQUIVALENT]} equivalent"
    )
