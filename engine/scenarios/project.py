"""All scenarios of a project on a throw-away engine."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.app import Gongdan, open_gongdan
from engine.base.errors import GongdanError
from engine.base.settings import Settings
from engine.release.scenario_files import Scenario, load

from .coverage import Coverage
from .run import Run, ScenarioFailed


@contextmanager
def bench(files: Mapping[str, bytes]) -> Iterator[Gongdan]:
    """A throw-away engine with ``files`` as its release and the demo people as its staff."""
    with tempfile.TemporaryDirectory(prefix="gongdan-scenarios-") as folder:
        settings = Settings.from_env(
            {},
            var=Path(folder),
            database_url=f"sqlite:///{folder}/scenarios.db",
            demo=True,
            secret_key="-" * 32,
        )
        gongdan = open_gongdan(settings, synchronous="OFF")
        try:
            gongdan.people.ensure_demo()
            gongdan.releases.publish(files, "scenarios", "scenarios", gongdan.now())
            yield gongdan
        finally:
            gongdan.close()


def run_all(
    gongdan: Gongdan, scenarios: Iterable[Scenario], enough: int | None = None
) -> tuple[Coverage, list[ScenarioFailed]]:
    """Run every scenario, or until ``enough`` have failed; returns what they reached together and what failed."""
    failed: list[ScenarioFailed] = []
    coverage = Coverage(list(gongdan.releases.current().processes.values()))
    for scenario in scenarios:
        if len(failed) == enough:
            break
        run = Run(gongdan, scenario)
        try:
            run.go()
        except ScenarioFailed as error:
            failed.append(error)
        coverage.reached |= run.reached()
    return coverage, failed


def report(files: Mapping[str, bytes], diagrams: Collection[str]) -> dict[str, Any]:
    """Run all scenarios of a project; coverage is counted over ``diagrams`` (paths among ``files``).

    Plain data for ``lint --scenarios``: ``{coverage: {elements, flows, uncovered}, scenarios: {run, failed}}``.
    Files that make no release are one failure that says why.
    """
    try:
        scenarios = load(files)
        with bench(files) as gongdan:
            coverage, failed = run_all(gongdan, scenarios)
        told = [str(error) for error in failed]
    except GongdanError as error:
        scenarios, coverage, told = [], Coverage([]), [str(error)]
    coverage.processes = [p for p in coverage.processes if p.path in diagrams]
    return {
        "coverage": {
            "elements": round(coverage.share(flows=False), 4),
            "flows": round(coverage.share(flows=True), 4),
            "uncovered": coverage.uncovered(),
        },
        "scenarios": {"run": len(scenarios), "failed": told},
    }
