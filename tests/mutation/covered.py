"""Which tests run which lines: recorded once by coverage, asked for each fault."""

from __future__ import annotations

import ast
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import coverage

from .covering import SECONDS
from .mutants import Mutant

#: folders whose tests are asked: in one process, on SQLite, without a browser
FOLDERS = ("tests/golden", "tests/unit", "tests/integration", "tests/scenarios")
_SETTINGS = """\
[run]
source = engine,web
relative_files = true
omit = engine/design/*,engine/simulate/*,engine/cli/*,engine/scenarios/*,engine/reports/*
"""


class Covered:
    """What a recording in ``folder`` says of the code in ``folder/tree``."""

    def __init__(self, folder: Path) -> None:
        self.tree = folder / "tree"
        self._data = folder / "coverage.data"
        self._seconds = folder / "seconds.json"
        self._log = folder / "recording.log"

    @property
    def is_recorded(self) -> bool:
        """Whether there is a recording."""
        return self._data.exists() and self._seconds.exists()

    def record(self, tests: tuple[str, ...] = ()) -> None:
        """Run all tests, or add ``tests`` (files) to what is recorded. Takes minutes."""
        settings, seconds = self.tree.parent / "coverage.ini", self.tree.parent / "seconds.new"
        settings.write_text(_SETTINGS)
        before = self.seconds if tests else {}
        watch = [sys.executable, "-m", "coverage", "run", f"--rcfile={settings}", f"--data-file={self._data}"]
        asked = [
            "-m",
            "pytest",
            "-p",
            "tests.mutation.covering",
            "-p",
            "no:randomly",
            "-p",
            "no:cacheprovider",
        ]
        chosen = ["-k", "not postgresql", "-m", "not slow", *(tests or FOLDERS)]
        with self._log.open("w") as log:
            subprocess.run(
                [*watch, *(["--append"] if tests else []), *asked, *chosen],
                cwd=self.tree,
                env={**os.environ, SECONDS: str(seconds)},
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        kept = {test: taken for test, taken in before.items() if test.partition("::")[0] not in tests}
        self._seconds.write_text(json.dumps({**kept, **json.loads(seconds.read_text())}))

    @cached_property
    def seconds(self) -> dict[str, float]:
        """How long each test takes; those that fail without any fault are left out."""
        found: dict[str, float] = json.loads(self._seconds.read_text())
        return {test: taken for test, taken in found.items() if math.isfinite(taken)}

    def tests_of(self, mutant: Mutant) -> list[str]:
        """The tests that may notice a fault: those that run its statement.

        What a module does when it is imported belongs to no test. Then these are the tests that run a line which
        names what the statement defines, and all that run anything of the module.
        """
        if not mutant.names:
            return sorted(self._running(mutant.module, mutant.lines))
        found = self._running(mutant.module, None)
        for module, lines in self._naming(mutant.names):
            found |= self._running(module, lines)
        return sorted(found)

    @cached_property
    def _lines(self) -> dict[str, dict[int, list[str]]]:
        """Module → line → tests."""
        data = coverage.CoverageData(basename=str(self._data))
        data.read()
        return {file: data.contexts_by_lineno(file) for file in data.measured_files() if file.endswith(".py")}

    def _running(self, module: str, lines: frozenset[int] | None) -> set[str]:
        of = self._lines.get(module, {})
        tests = {test for line, tests in of.items() if lines is None or line in lines for test in tests}
        return tests & self.seconds.keys()

    @cached_property
    def _names(self) -> dict[str, dict[str, set[int]]]:
        """Name → module → lines that read it."""
        found: dict[str, dict[str, set[int]]] = {}
        for module in self._lines:
            for node in ast.walk(ast.parse((self.tree / module).read_text())):
                name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
                if isinstance(name, str):
                    found.setdefault(name, {}).setdefault(module, set()).add(getattr(node, "lineno", 0))
        return found

    def _naming(self, names: frozenset[str]) -> Iterator[tuple[str, frozenset[int]]]:
        for name in names:
            for module, lines in self._names.get(name, {}).items():
                yield module, frozenset(lines)
