"""Whether a change may be published: its scenarios pass and still reach every step of the processes it alters.

Decided in ADR 0014. Only scenarios of altered processes and of those that call them are run.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from engine.base.errors import InvalidFile
from engine.bpmn.diagrams import Process
from engine.design.lint.catalogue.files import SCENARIO_UNREADABLE
from engine.design.lint.finding import Finding, Severity
from engine.design.publish_gate import refuse_findings
from engine.release.release import Release
from engine.release.releases import Releases
from engine.release.scenario_files import load

from .affected import callers, played, touched
from .coverage import Coverage
from .project import bench, run_all
from .words import GONE, MISSING, UNREACHED

MAX_FAILED = 20  #: failing scenarios that are looked for; a designer mends these first
MAX_UNREACHED = 20  #: findings about one process; the first ones show where to begin
_ONE = threading.Lock()  # a judgement takes a processor for seconds: designers who ask at once take turns


@dataclass(frozen=True)
class Judgement:
    """What the scenarios of a change said: how many ran, over which processes, and what stands against it."""

    processes: tuple[str, ...] = ()
    run: int = 0
    findings: list[Finding] = field(default_factory=list)

    def against(self, reason: str = "") -> list[Finding]:
        """What stops the release; a ``reason`` lets processes through that have no scenarios at all."""
        excused = MISSING.id if reason.strip() else None
        return [f for f in self.findings if f.severity == "error" and f.rule != excused]

    @property
    def unproved(self) -> list[Finding]:
        """Processes that begin by themselves or by people and that no scenario has ever played."""
        return [f for f in self.findings if f.rule == MISSING.id and f.severity == "error"]


def judge(before: Mapping[str, bytes], after: Mapping[str, bytes], changed: Collection[str]) -> Judgement:
    """Run the scenarios that the ``changed`` paths concern on the files ``after``.

    ``before`` are the files in force, none when nothing is. Raises :class:`InvalidFile` for files that make no
    release.
    """
    made = Release(0, after)
    altered = touched(Release(0, before), made, changed)
    try:
        scenarios = load(after)
    except InvalidFile as error:
        return Judgement(findings=[SCENARIO_UNREADABLE.at(str(error).partition(":")[0], problem=error)])
    concerned = callers(made, altered)
    chosen = [s for s in scenarios if s.process in concerned or s.process not in made.processes]
    if not altered and not chosen:
        return Judgement()
    with _ONE, bench(after) as gongdan:
        coverage, failed = run_all(gongdan, chosen, MAX_FAILED)
    coverage.processes = [made.process(id) for id in sorted(altered)]
    findings = [error.finding for error in failed] or _unreached(
        coverage, played(before)
    )  # who fails leaves steps unvisited
    return Judgement(tuple(sorted(altered)), len(chosen), findings)


@dataclass
class Gate:
    """What publishing the folder asks: lint, then the scenarios of what changed.

    Called with the files as they would be and the changed paths, it raises :class:`InvalidFile` with all that stands
    against them. ``reason`` lets processes without scenarios through. ``judgement`` is what was found.
    """

    releases: Releases
    reason: str = ""
    judgement: Judgement = field(default_factory=Judgement)

    def __call__(self, files: Mapping[str, bytes], changed: Collection[str]) -> None:
        """Raise :class:`InvalidFile`, or let the change through."""
        refuse_findings(files, changed)
        before = self.releases.current().files if self.releases.current_number() is not None else {}
        self.judgement = judge(before, files, changed)
        if found := self.judgement.against(self.reason):
            lines = [f"{f.file}: {f.element or ''}: {f.message} → {f.fix}" for f in found]
            raise InvalidFile("nothing is published; scenarios say:\n" + "\n".join(lines))


def _unreached(coverage: Coverage, played_before: Collection[str]) -> list[Finding]:
    """Steps that nothing passed; of a process that nothing plays one finding.

    It is grave when cases of it begin by themselves or by people. Who had scenarios has no excuse.
    """
    found = []
    for process in coverage.processes:
        own = Coverage([process], coverage.reached)
        if own.share(flows=False) == 0:
            gone = process.id in played_before
            grave: Severity = "error" if gone or process.startable or process.rhythm else "warning"
            rule = GONE if gone else MISSING
            found.append(rule.at(process.path, severity=grave, name=process.name, process=process.id))
            continue
        ids = [left.partition("/")[2] for left in own.uncovered()]
        found += [UNREACHED.at(process.path, id, name=_name(process, id)) for id in ids[:MAX_UNREACHED]]
    return found


def _name(process: Process, id: str) -> str:
    """What people call an element: its name, for a flow also where it comes from and leads."""
    element = process.elements[id]
    if element.name or element.kind != "sequenceFlow":
        return element.name or id
    ends = (process.elements[end].name or end for end in (element.source or "", element.target or ""))
    return " → ".join(ends)
