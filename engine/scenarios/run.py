"""One scenario on its way through an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import orjson

from engine.app import Gongdan
from engine.base.errors import GongdanError, InvalidFile, InvalidForm, NotAllowed, Rejected
from engine.base.facts import Effects, parse, resolve
from engine.base.instants import SHANGHAI, iso
from engine.base.sending import NOTICE
from engine.base.services import OUTSIDE
from engine.case import store
from engine.case.commands import CompleteTask, PauseClocks, ResumeClocks, StartCase
from engine.design.lint.finding import Finding, Rule
from engine.queries import cases, work
from engine.release.scenario_files import Scenario, instant

from . import words
from .coverage import Reached, from_moves

#: expectations that name what they are about
BY_NAME = frozenset({"clocks", "due", "timers", "not_before", "text", "linked"})
LONGEST = timedelta(days=400)  #: of a scenario's time
STARTS = "system:scenarios"  #: opens cases of processes that people cannot open


class ScenarioFailed(GongdanError):
    """A scenario found something other than what is written down: ``finding`` names scenario, step and both."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.file}: {finding.message}")
        self.finding = finding


class Run:
    """One scenario on its way through the engine."""

    def __init__(self, gongdan: Gongdan, scenario: Scenario) -> None:
        self.gongdan = gongdan
        self.scenario = scenario
        self.at = instant(scenario.start_at)
        self.case_id = ""
        self.step = 0

    def go(self) -> None:
        """Run all steps; raises :class:`ScenarioFailed` at the first that is not as written."""
        self.case_id = self._try(self._start)
        for number, step in enumerate(self.scenario.steps, 1):
            self.step = number
            self._wake()
            try:
                self._take(step)
            except InvalidFile as error:  # an instant or a length that is none
                raise self._failure(words.UNKNOWN, problem=error) from error

    def _start(self) -> str:
        people = self.gongdan.releases.current().process(self.scenario.process).startable
        command = StartCase(
            process=self.scenario.process,
            data=self.scenario.start,
            actor="agent1" if people else STARTS,
            at=iso(self.at),
        )
        return self.gongdan.dispatch(command).case_id

    def _take(self, step: Mapping[str, Any]) -> None:
        match step:
            case {"complete": str(element), "by": str(actor)} if isinstance(step.get("data", {}), dict):
                self._complete(element, actor, step)
            case {"wait": str(duration)}:
                self._pass(self.gongdan.releases.current().time.after(self.at, duration))
            case {"until": str(until)}:
                self._pass(instant(until))
            case {"pause": str(reason), "by": str(actor)}:
                self._send(PauseClocks(case_id=self.case_id, reason=reason, actor=actor, at=iso(self.at)))
            case {"resume": str(actor)}:
                self._send(ResumeClocks(case_id=self.case_id, actor=actor, at=iso(self.at)))
            case {"expect": dict(wanted)}:
                self._expect(wanted)
            case _:
                raise self._failure(words.UNKNOWN, problem=f"unknown step {orjson.dumps(step).decode()}")

    # ------------------------------------------------------------ steps
    def _pass(self, until: datetime) -> None:
        if until < self.at:
            raise self._failure(words.UNKNOWN, problem=f"time cannot run back to {iso(until)}")
        if (
            until - instant(self.scenario.start_at) > LONGEST
        ):  # whoever waits for ages keeps everybody waiting
            raise self._failure(words.UNKNOWN, problem=f"a scenario lasts {LONGEST.days} days at most")
        self.at = until
        self._wake()

    def _wake(self) -> None:
        if self._find_outcome(None) is None:  # a closed case waits for nothing, and loading it replays it
            self._try(lambda: self.gongdan.dispatcher.wake(self.case_id, iso(self.at)))

    def _complete(self, element: str, actor: str, step: Mapping[str, Any]) -> None:
        task = self._open().get(element)
        if task is None:
            raise self._failure(words.NOT_OPEN, element=element, open=", ".join(sorted(self._open())) or "—")
        data = {k: self._filled(v) for k, v in step.get("data", {}).items()}
        command = CompleteTask(case_id=self.case_id, task=task, data=data, actor=actor, at=iso(self.at))
        if "refused" not in step:
            self._send(command)
            return
        refused = self._try(lambda: self._refused(command))
        if refused != step["refused"]:
            raise self._failure(words.refuses(step["refused"], refused))

    def _refused(self, command: CompleteTask) -> list[str]:
        """The fields that the form refuses; ``["*"]`` for a step that is refused as a whole."""
        try:
            self.gongdan.dispatch(command)
        except InvalidForm as error:
            return sorted({e.field for e in error.errors})
        except (NotAllowed, Rejected):
            return ["*"]
        return []

    def _filled(self, value: Any) -> Any:
        """``"@now"`` in data is the scenario's clock, ``"@PT2H"`` so much later, ``"@another"`` another case."""
        if not (isinstance(value, str) and value.startswith("@")):
            return value
        if value == "@another":
            return self._try(self._start)
        moment = (
            self.at if value == "@now" else self.gongdan.releases.current().time.after(self.at, value[1:])
        )
        return iso(moment)

    def _expect(self, wanted: Mapping[str, Any]) -> None:
        for name, want in wanted.items():
            look = getattr(self, f"_find_{name}", None)
            if name in OUTSIDE:
                look = partial(self._find_sent, name)
            if look is None or isinstance(want, dict) is not (name in BY_NAME):
                raise self._failure(words.UNKNOWN, problem=f"cannot expect {name!r}")
            if name in words.INSTANTS:
                for value in want.values():
                    instant(value)
            if (got := look(want)) != want:
                raise self._failure(words.differs(name, want, got))

    # ------------------------------------------------------------ what a scenario may expect
    def _find_open(self, _: Any) -> list[str]:
        return sorted(self._open())

    def _find_outcome(self, _: Any) -> str | None:
        case = cases.case(self.gongdan.db, self.case_id)
        return case.outcome if case is not None else None

    def _find_clocks(self, want: Mapping[str, str]) -> dict[str, str]:
        return {c.parameter: c.state for c in self._clocks() if c.parameter in want}

    def _find_due(self, want: Mapping[str, object]) -> dict[str, str]:
        found = {c.parameter: c.due for c in self._clocks() if c.parameter in want}
        return {k: _same(v, want[k]) for k, v in found.items()}

    def _find_timers(self, want: Mapping[str, object]) -> dict[str, str]:
        """When drawn timers of the wanted elements are due: waiting events have no SLA clock."""
        pending = work.timers(self.gongdan.db, self.case_id)
        found = {name: t.due for t in pending if (name := t.element.rpartition("/")[2]) in want}
        return {k: _same(v, want[k]) for k, v in found.items()}

    def _find_not_before(self, want: Mapping[str, object]) -> dict[str, str]:
        found = {_element(t): t.not_before for t in self._tasks() if _element(t) in want and t.not_before}
        return {k: _same(v, want[k]) for k, v in found.items()}

    def _find_notices(self, want: Any) -> list[str]:
        return self._find_sent(NOTICE, want)

    def _find_withdrawn(self, _: Any) -> list[str]:
        """Event keys of messages that were taken back before they were sent, in order."""
        return [event for _, effects in self._effects() for event in effects.withdrawn]

    def _find_linked(self, _: Any) -> dict[str, list[str]]:
        """Cases that this one has opened: process → elements of their open tasks."""
        self._try(self._send_all)
        return {
            child.process: sorted(
                _element(t) for t in work.tasks(self.gongdan.db, child.id) if t.state == "open"
            )
            for child in cases.children(self.gongdan.db, self.case_id)
        }

    def _send_all(self) -> None:
        while self.gongdan.outbox.work(self.at):  # other scenarios' messages may wait before this case's
            pass

    def _find_text(self, want: Mapping[str, list[str]]) -> dict[str, list[str]]:
        """The parts of each wanted text that its last message really has."""
        for key, parts in want.items():
            if not (isinstance(parts, list) and all(isinstance(part, str) for part in parts)):
                raise InvalidFile(f"the parts of text {key!r} must be a list of texts, not {parts!r:.40}")
        bodies = {m.template: m.body for m in work.messages(self.gongdan.db, self.case_id)}
        return {key: [p for p in parts if p in bodies.get(key, "")] for key, parts in want.items()}

    # ------------------------------------------------------------ what is so
    def _tasks(self) -> list[work.Task]:
        return [t for t in work.tasks(self.gongdan.db, self.case_id) if t.state == "open"]

    def _open(self) -> dict[str, int]:
        return {_element(t): t.task for t in self._tasks()}

    def _clocks(self) -> list[work.SlaClock]:
        """Clocks by their start, so that of several for one limit the last one counts."""
        return sorted(
            work.clocks(self.gongdan.db, self.case_id), key=lambda c: (c.started, len(c.clock), c.clock)
        )

    def _effects(self) -> Iterator[tuple[int, Effects]]:
        for row in store.rows(self.gongdan.db, self.case_id):
            yield row.release, parse(orjson.loads(row.effects))

    def _find_sent(self, service: str, _: Any) -> list[str]:
        """Templates of all that was asked of a service so far, in order."""
        return [
            request.template
            for _, effects in self._effects()
            for request in effects.requests
            if request.service == service
        ]

    def reached(self) -> Reached:
        """Elements that completed and flows that were taken, read from the case's history."""
        found: Reached = set()
        for number, effects in self._effects() if self.case_id else ():
            release = self.gongdan.releases.get(number)
            found |= from_moves(
                release,
                ((*resolve(self.scenario.process, moved.element), moved.state) for moved in effects.moves),
            )
        return found

    # ------------------------------------------------------------ failing
    def _send(self, command: Any) -> None:
        self._try(lambda: self.gongdan.dispatch(command))

    def _try(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except GongdanError as error:
            raise self._failure(words.STOPPED, problem=f"{type(error).__name__}: {error}") from error

    def _failure(self, about: Rule, **values: object) -> ScenarioFailed:
        at = f"{self.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
        where = {"scenario": self.scenario.name, "step": self.step, "at": at}
        shown = {name: str(value) for name, value in (where | values).items()}
        file = self.scenario.path
        placed = words.located(about, self.step)
        return ScenarioFailed(Finding(file, placed, "error", None, None, shown | {"file": file}))


def _element(task: work.Task) -> str:
    return task.element.rpartition("/")[2]


def _same(got: str, want: object) -> str:
    """``want`` as written when both are the same instant, else what was got."""
    return str(want) if instant(got) == instant(want) else got
