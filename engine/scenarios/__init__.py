"""Running the scenarios of ``bpmn/scenarios/`` through the real engine, and measuring what they reach.

A scenario drives one process on a clock of its own: people complete tasks, time passes, and what must be true then
is written beside it by hand (open tasks, SLA clocks, due times, messages, the outcome). The runner takes no
shortcut: every step is a command through :meth:`engine.app.Gongdan.dispatch`. ``docs/scenarios.md`` has the format.

Uses the opened engine and everything below. Read first: ``run``, ``judging``, ``coverage``.
"""

from engine.release.scenario_files import FOLDER, Scenario, load

from .coverage import Coverage
from .judging import Gate, Judgement, judge
from .project import bench, report, run_all
from .run import Run, ScenarioFailed
from .sketch import path_of, sketch

__all__ = [
    "FOLDER", "Coverage", "Gate", "Judgement", "Run", "Scenario", "ScenarioFailed",
    "bench", "judge", "load", "path_of", "report", "run_all", "sketch",
]  # fmt: skip
