"""Scenarios of one domain played for tests that look further than what is written beside their steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.app import Gongdan
from engine.base.settings import CHECKOUT
from engine.release.releases import read_folder
from engine.scenarios import Run, bench, load

FILES = read_folder(CHECKOUT)
SCENARIOS = load(FILES)


@contextmanager
def stage() -> Iterator[Gongdan]:
    """A throw-away engine on the files of the checkout."""
    with bench(FILES) as gongdan:
        yield gongdan


def play(gongdan: Gongdan, process: str, words: str) -> Run:
    """Run the one scenario of ``process`` whose name has ``words``."""
    (found,) = [s for s in SCENARIOS if s.process == process and words in s.name]
    run = Run(gongdan, found)
    run.go()
    return run


def data_of(gongdan: Gongdan, run: Run) -> dict[str, Any]:
    """The data a case has at its end."""
    return gongdan.dispatcher.instance(run.case_id).machine.any_data()
