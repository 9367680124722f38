"""History in words: what each step was, for timelines and the audit room."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext

from engine.base.errors import NotFound
from engine.base.facts import ClockChanged, ClockState, Effects, resolve
from engine.base.locales import in_language
from engine.queries import work
from engine.queries.cases import Case
from engine.queries.timeline import Step
from engine.release.release import Release

from . import case_data_view, formatting, request_context
from .command_words import WORDS
from .i18n import listed, locale, pick


@dataclass(frozen=True, slots=True)
class StepText:
    """One step in words. ``tone`` colours its mark; ``notes`` are what it brought about."""

    seq: int
    at: str
    recorded_at: str
    who: str
    title: str
    tone: str
    notes: list[str]
    changes: list[case_data_view.Change]
    hash: str


def told(steps: Sequence[Step], case: Case, reading: case_data_view.Reading) -> list[StepText]:
    """Every step in words, in order."""
    in_words = _HistoryText(case, reading)
    return [in_words.tell(step) for step in steps]


def opened(case_id: str) -> str:
    """That a case is open, and in whose queue it waits: its opener cannot go on with it."""
    waiting = [one for one in work.tasks(request_context.gongdan().db, case_id) if one.state == "open"]
    if not waiting:
        return gettext("Case %(number)s is open.", number=case_id)
    queues = dict.fromkeys(formatting.queue(one.role, one.department, one.skill) for one in waiting)
    return gettext(
        "Case %(number)s is open and waits in the queue of: %(queue)s",
        number=case_id,
        queue=listed(queues),
    )


def _lasting(step: Step) -> list[tuple[str, Any, Any]]:
    """What a step changed, but for the answers of its form that it put aside again."""
    aside = {name for name, _ in step.given}
    return [change for change in step.changes if change[0] not in aside or change[2] is not None]


class _HistoryText:
    """Knows names as the history goes along: tasks, timers and clocks are numbers there."""

    def __init__(self, case: Case, reading: case_data_view.Reading) -> None:
        self.case = case
        self.reading = reading
        self.release = reading.release
        self.tasks: dict[int, str] = {}
        self.timers: dict[int, str] = {}
        self.clocks: dict[str, str] = {}
        self.messages: dict[str, tuple[str, str]] = {}  #: event key → kind of message, when it was asked for
        self.linked: set[str] = set()  #: event keys of cases it asked to open

    def tell(self, step: Step) -> StepText:
        self._learn(step.effects, step.at)
        title, tone = self._title(step)
        return StepText(
            step.seq,
            step.at,
            step.recorded_at,
            formatting.who(step.actor),
            title,
            tone,
            self._notes(step),
            self.reading.changes([*((name, None, value) for name, value in step.given), *_lasting(step)]),
            step.hash,
        )

    def _learn(self, effects: Effects, at: str) -> None:
        for opened in effects.opened:
            self.tasks[opened.task] = self._element(opened.element)
        for armed in effects.armed:
            self.timers[armed.timer] = self._element(armed.element)
        for request in effects.requests:
            self.messages[request.event] = request.service, at
        self.linked |= {link.event for link in effects.linked}
        for clock in effects.clocks:
            found = self.release.parameters.get(clock.parameter)
            self.clocks[clock.clock] = pick(found.name) if found else clock.parameter

    def _element(self, ref: str) -> str:
        process, element = resolve(self.case.process, ref)
        try:
            return self.release.element(process, element).name or element
        except NotFound:
            return element

    def _title(self, step: Step) -> tuple[str, str]:
        said = WORDS.get(self._saying(step))
        if said is None:
            return step.kind, ""
        command = step.command
        fields = {name: str(value or "") for name, value in command.items() if isinstance(value, str | int)}
        for name, word in self._named_fields(command).items():
            if f"{{{name}}}" in said.text["en"]:
                fields[name] = word()
        return in_language(said.text, locale()).format_map(defaultdict(str, fields)), said.tone

    def _saying(self, step: Step) -> str:
        """Which of the sentences of its command a step is told with."""
        command = step.command
        if step.kind == "reschedule" and not command.get("not_before"):
            return "reschedule:at_once"
        opened = command.get("event") in self.linked and command.get("state") == "sent"
        return "service_result:opened" if step.kind == "service_result" and opened else step.kind

    def _named_fields(self, command: Mapping[str, Any]) -> dict[str, Callable[[], str]]:
        """What sentences name that the command has only by number or key."""

        def process() -> str:
            found = self.release.processes.get(str(command.get("process")))
            return pick(found.names) if found else ""

        def timer() -> str:
            number = int(command.get("timer", 0))
            return self.timers.get(number, str(number))

        return {
            "task": lambda: self.tasks.get(command.get("task", -1), str(command.get("task", ""))),
            "timer": timer,
            "limit": lambda: self._clock(command),
            "process": process,
            "name": lambda: request_context.display_name(str(command.get("to"))),
            "at": lambda: formatting.local(str(command.get("not_before") or "")),
            "due": lambda: formatting.local(str(command.get("due", ""))),
            "number": lambda: str(command.get("detail", "")),
            "message": lambda: self._message(str(command.get("event", ""))),
            "state": lambda: formatting.state(str(command.get("state"))),
            "action": lambda: str(
                formatting.ACTIONS.get(str(command.get("action", "")), command.get("action", ""))
            ),
        }

    def _message(self, event: str) -> str:
        """A message by its kind and when it was asked for; its key says something to the software alone."""
        asked = self.messages.get(event) or self.messages.get(event.rpartition("/")[0])
        if asked is None:
            return gettext("Message")
        kind = formatting.service_name(asked[0])
        return gettext("%(kind)s of %(at)s", kind=kind, at=formatting.local(asked[1]))

    def _clock(self, command: Mapping[str, Any]) -> str:
        clock = str(command.get("clock", ""))
        return self.clocks.get(clock, clock)

    def _notes(self, step: Step) -> list[str]:
        effects = step.effects
        notes = [*self._passed_over(step.command)]
        notes += [
            gettext("new task: %(task)s", task=self._element(opened.element)) for opened in effects.opened
        ]
        for clock in effects.clocks:
            notes.append(
                gettext(
                    "limit “%(limit)s” runs from %(start)s to %(due)s",
                    limit=self.clocks[clock.clock],
                    start=formatting.local(clock.started),
                    due=formatting.local(clock.due),
                )
            )
        notes += map(self._clock_change, effects.clock_changes)
        for request in effects.requests:
            kind = formatting.service_name(request.service)
            notes.append(gettext("%(kind)s: %(text)s", kind=kind, text=request.text))
        for link in effects.linked:
            process = self.release.processes.get(link.process)
            name = pick(process.names) if process else link.process
            notes.append(gettext("opens a case: %(process)s", process=name))
        notes += [
            gettext("not sent again: %(message)s", message=self._message(event))
            for event in effects.suppressed
        ]
        notes += [
            gettext("taken back before it was sent: %(message)s", message=self._message(event))
            for event in effects.withdrawn
        ]
        if effects.stuck:
            places = "、".join(map(self._element, effects.stuck))
            notes.append(
                gettext("nothing can happen any more; the case stands at: %(places)s", places=places)
            )
        if effects.done is not None:
            notes.append(
                gettext("case closed: %(outcome)s", outcome=outcome(self.release, self.case, effects.done))
            )
        return notes

    def _passed_over(self, command: Mapping[str, Any]) -> Iterator[str]:
        """Failed automatic steps that somebody let the case go on without."""
        if steps := command.get("skip"):
            yield gettext(
                "passed over the failed steps %(steps)s, by leave of %(name)s",
                steps=listed(self._named(str(step)) for step in steps),
                name=formatting.who(str(command.get("skipped_by") or "")),
            )

    def _named(self, element: str) -> str:
        """The name of an element that is known by its id alone, in whichever process of the release it is drawn."""
        found = (process.elements.get(element) for process in self.release.processes.values())
        return next((one.name for one in found if one is not None and one.name), element)

    def _clock_change(self, change: ClockChanged) -> str:
        limit = self.clocks.get(change.clock, change.clock)
        due = formatting.local(change.now.due) if change.state.redated else ""
        match change.state:
            case ClockState.WARNED:
                return gettext("limit “%(limit)s” is near", limit=limit)
            case ClockState.BREACHED:
                return gettext("limit “%(limit)s” passed", limit=limit)
            case ClockState.MET:
                return gettext("limit “%(limit)s” met", limit=limit)
            case ClockState.MISSED:
                return gettext("limit “%(limit)s” met too late", limit=limit)
            case ClockState.STOPPED:
                return gettext("limit “%(limit)s” no longer needed", limit=limit)
            case ClockState.PAUSED:
                return gettext("limit “%(limit)s” paused", limit=limit)
            case ClockState.RESUMED:
                return gettext("limit “%(limit)s” runs on, due %(due)s", limit=limit, due=due)
            case ClockState.MOVED:
                return gettext("limit “%(limit)s” moved to %(due)s", limit=limit, due=due)
            case ClockState.RECOUNTED:
                return gettext(
                    "limit “%(limit)s” counts from the first receipt, due %(due)s", limit=limit, due=due
                )


def outcome(release: Release, case: Case, key: str | None) -> str:
    """An outcome by the name of the end event that gives it."""
    process = release.processes.get(case.process)
    for element in process.elements.values() if process else ():
        if (
            element.kind == "endEvent"
            and element.properties.get("outcome", element.id) == key
            and element.name
        ):
            return element.name
    return key or ""
