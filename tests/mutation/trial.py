"""One fault put into a copy of the tree: do the types refuse it, does a test fail?

The copy lies outside of the checkout. Types come first, since they answer in a second; then the cheapest tests that run
the line, then all others that do, each time until the first that fails.
"""

from __future__ import annotations

import compileall
import importlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from bisect import bisect
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest

from .covered import FOLDERS
from .mutants import Mutant, code_of

CODE = ("run.py", "engine", "web", "tests")  #: what the types are asked of
NOTHING = 0.05  #: seconds below which a test is tried before all others
FIRST = 6.0  #: seconds of the cheapest tests that are tried before all others
#: imported once, before a process is made for each fault; none of ours
_LIBRARIES = (
    "sqlalchemy.dialects.sqlite", "alembic.command", "msgspec", "orjson", "lxml.etree", "jsonschema_rs", "structlog",
    "cryptography.hazmat.primitives.ciphers.aead", "pydantic_monty", "flask", "flask_babel", "flask_login", "flask_wtf",
    "SpiffWorkflow.bpmn.parser", "SpiffWorkflow.bpmn.serializer", "SpiffWorkflow.spiff.parser",
    "click", "tqdm", "zstandard",
)  # fmt: skip
_OURS = frozenset({"engine", "web", "tests", "bench", "run"})


def copy_of(root: Path, tree: Path) -> None:
    """Make ``tree`` a copy of what git knows, or would add, of the checkout ``root``."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    shutil.rmtree(tree, ignore_errors=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (root / name).is_file() and not (root / name).is_symlink():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, tree / name)
    # found by content, not by time: a fault may be put in and taken out within the same second
    compileall.compile_dir(tree, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)


class Trial:
    """A copy of the tree in which faults are tried, and the type checker that watches it."""

    def __init__(self, root: Path, folder: Path, longest: float) -> None:
        """``longest``: seconds of tests that are tried for one fault, by their time without it."""
        self.root = root
        self.longest = longest
        self.tree = folder / "tree"
        self._status = folder / "dmypy.json"
        self.output = folder / "tests.log"

    def begin(self) -> None:
        """Copy the tree and let the type checker read it. Raises :class:`RuntimeError` where it has faults already."""
        copy_of(self.root, self.tree)
        # pytest keeps what it makes of the tests: each of hundreds of runs would make it again
        writing = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        collect = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *FOLDERS]
        subprocess.run(collect, cwd=self.tree, env=writing, check=False, stdout=subprocess.DEVNULL)
        for library in _LIBRARIES:
            importlib.import_module(library)
        self._types("start", "--", "--config-file", "pyproject.toml")
        if found := self._types("check", *CODE):
            raise RuntimeError(f"the types refuse the code as it is:\n{found}")

    def end(self) -> None:
        """Stop the type checker."""
        self._types("stop")

    @contextmanager
    def fault(self, mutant: Mutant) -> Iterator[None]:
        """The copy with one fault, as long as the block lasts."""
        file = self.tree / mutant.module
        was = file.read_bytes()
        file.write_text(code_of(self.tree, mutant))
        try:
            yield
        finally:
            file.write_bytes(was)

    def refused(self) -> str:
        """What the types have against the code as it now is; empty: nothing."""
        return self._types("recheck")

    def failed(self, tests: list[str], seconds: dict[str, float]) -> str | None:
        """The test that fails first, None where none of ``tests`` does."""
        ordered = _in_turn(tests, seconds)
        spent = list(accumulate(seconds[test] for test in ordered))
        first, whole = bisect(spent, FIRST), bisect(spent, self.longest)
        first = min(max(first, 3), whole)
        for some in (ordered[:first], ordered[first:whole]):
            if some and (found := self._run(some, 60 + 5 * sum(seconds[test] for test in some))):
                return found
        return None

    def control(self, seconds: dict[str, float]) -> None:
        """See that tests run here and pass without any fault. Raises :class:`RuntimeError` where they do not."""
        cheapest = sorted(seconds, key=lambda test: seconds[test])[:50]
        if failed := self.failed(cheapest, seconds):
            raise RuntimeError(f"without any fault: {failed}, see {self.output}")

    def _run(self, tests: list[str], limit: float) -> str | None:
        chosen = self.tree.parent / "tests.txt"
        chosen.write_text("\n".join(tests))
        process = multiprocessing.get_context("fork").Process(
            target=_pytest, args=(self.tree, chosen, self.output)
        )
        process.start()
        process.join(limit)
        if process.is_alive():
            os.killpg(process.pid or 0, signal.SIGKILL)
            process.join()
            return "takes for ever"
        if process.exitcode == pytest.ExitCode.OK:
            return None
        lines = self.output.read_text(errors="replace").splitlines()
        told = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
        if (
            told or process.exitcode == pytest.ExitCode.USAGE_ERROR
        ):  # the fault keeps conftest from being read
            return told[0] if told else lines[0] if lines else "conftest"
        raise RuntimeError(f"pytest ended with {process.exitcode}, see {self.output}")

    def _types(self, *asked: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mypy.dmypy", "--status-file", str(self._status), *asked],
            cwd=self.tree,
            capture_output=True,
            text=True,
            check=False,
        )
        return (done.stdout + done.stderr or "refused") if done.returncode else ""


def _in_turn(tests: list[str], seconds: dict[str, float]) -> list[str]:
    """All that cost next to nothing; then the cheapest of each file, then the second: other files look elsewhere."""
    turns: Counter[str] = Counter()
    ranked = []
    for test in sorted(tests, key=lambda test: (seconds[test], test)):
        file = test.partition("::")[0] if seconds[test] > NOTHING else ""
        ranked.append((turns[file], seconds[test], test))
        turns[file] += bool(file)
    return [test for _, _, test in sorted(ranked)]


def _pytest(tree: Path, chosen: Path, output: Path) -> None:
    """Run tests in this new process, with the code of ``tree`` and none of what this program is made of."""
    os.setsid()
    os.chdir(tree)
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    for name in [name for name in sys.modules if name.partition(".")[0] in _OURS]:
        del sys.modules[name]
    sys.path[0] = str(tree)
    asked = ["-x", "-p", "no:randomly", "-p", "no:cacheprovider", "--tb=line", f"@{chosen}"]
    code = pytest.main(asked)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
