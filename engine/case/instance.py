"""A case in memory: its machine, its clocks, its claims. Commands act on it through :mod:`engine.case.handlers`.

Everything here is a function of the case's commands: the same commands give the same instance, live or replayed.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.base.errors import Rejected
from engine.base.facts import (
    ClockChanged,
    ClockStarted,
    DataSet,
    Effects,
    Moved,
    State,
    TaskOpened,
    TimerArmed,
    reference,
    resolve,
)
from engine.base.instants import iso
from engine.base.sending import CASE, NOTICE, WITHDRAW
from engine.bpmn.diagrams import Element
from engine.bpmn.spiff.logical_clock import Logical
from engine.bpmn.spiff.machine import Delta, Machine
from engine.people.roles import Assignment
from engine.people.rules import RESPONDENT
from engine.privacy.sealing import Seal
from engine.release.release import Release

from . import requests
from .behaviour import EVERY_TEXT_SEALED, MESSAGES_WITHDRAWN, NEWEST, STUCK_IS_TOLD, Change
from .clocks import Clocks

_FREE_TEXTS = frozenset({"reason", "detail"})  #: of commands
_ANSWERED = "service_result"  #: the command whose detail no person typed
_LEFT = frozenset({State.COMPLETED, State.CANCELLED, State.FAILED})
GENESIS = b"\0" * 32  #: prev_hash of a case's first row


class Instance:
    """One live case on its release."""

    def __init__(self, case_id: str, process: str, release: Release, seal: Seal) -> None:
        self.case_id = case_id
        self.process = process
        self.release = release
        self.seal = seal
        self.machine = Machine(release.program, process)
        self.clocks = Clocks(release.time)
        self.lock = threading.RLock()
        self.seq = 0
        self.head = GENESIS
        self.at = ""
        self.snapshot_seq = 0
        self.replayed = 0  #: commands that loading it executed again, until a snapshot has them
        self.claims: dict[int, str] = {}
        self.open: dict[int, tuple[str, str]] = {}  #: task → (element reference, duty)
        self.not_before: dict[int, str] = {}
        self.opened_at: dict[int, str] = {}  #: open task → since when
        #: whom it complains about (respondents), None: to be looked up
        self.about: frozenset[str] | None = None
        self.done_by: dict[str, str] = {}  #: element reference → who completed it last
        self.amended: set[str] = set()  #: names under which a correction had a text
        self.events: set[str] = set()  #: keys of everything ever asked of the outbox
        self.unsent: set[str] = set()  #: keys of messages of which no gateway has answered yet
        #: keys of answered messages that the command in hand contradicts: no effect, history told their end
        self.contradicted: set[str] = set()
        self.paused: str | None = None
        self.respondent: str | None = None
        self.outcome: str | None = None
        self.done = False
        self.stuck = False  #: nothing can happen any more, and that was told
        self.version = NEWEST  #: of the engine's behaviour, that the command in hand is executed by
        self.spoiled = False  #: half changed or stale: whoever waited for its lock takes a fresh one

    # ------------------------------------------------------------ versions of behaviour
    def follow(self, number: int) -> None:
        """Act by the rules of this version of the engine's behaviour from now on."""
        self.version = number
        self.contradicted = set()
        self.seal.every_text = self.follows(EVERY_TEXT_SEALED)

    def follows(self, change: Change) -> bool:
        """Whether the command in hand is executed by the rules since a change of behaviour."""
        return self.version >= change.since

    # ------------------------------------------------------------ questions
    def open_task(self, task: int) -> tuple[str, str]:
        """Element reference and duty of an open task; raises :class:`Rejected` when it is not open."""
        found = self.open.get(task)
        if found is None:
            raise Rejected(
                "Expected task {task} of case {case_id} to be open, but it is not",
                task=task,
                case_id=self.case_id,
            )
        return found

    def element_of(self, task: int) -> Element:
        """The drawn element of an open task; raises :class:`Rejected` when it is not open."""
        return self.release.element(*resolve(self.process, self.open_task(task)[0]))

    def assignment_of(self, task: int) -> Assignment:
        """Who may do an open task; raises :class:`Rejected` when it is not open."""
        return Assignment.parse(self.open_task(task)[1])

    def excluded(self, task: int) -> set[str]:
        """People who may not do a task: the respondent, and those its ``exclude`` property names.

        An entry is a data name holding one name or several, or ``@element``: whoever completed that element.
        """
        entries = [RESPONDENT, *self.element_of(task).listed("exclude")]
        data = self.machine.data_of(task) if any(not e.startswith("@") for e in entries) else {}
        people = {self.respondent} if self.respondent else set()
        for entry in entries:
            if entry.startswith("@"):
                wanted = entry[1:]
                people |= {p for ref, p in self.done_by.items() if ref.rpartition("/")[2] == wanted}
            else:
                value = data.get(entry)
                people |= (
                    set(value) if isinstance(value, list) else {value} if isinstance(value, str) else set()
                )
        return people

    def next_due(self) -> tuple[str, int, str] | None:
        """The earliest thing time will do, as (instant, rank, id): rank 0 warning, 1 case breach, 2 BPMN timer."""
        if self.done or not (self.machine.due or self.clocks.live):
            return None
        found = [(due, 2, str(timer)) for timer, due in self.machine.due.items()]
        if (clock := self.clocks.next_due()) is not None:
            found.append(clock)
        return min(found, key=lambda f: (f[0], f[1], len(f[2]), f[2]), default=None)

    def standing(self) -> list[str]:
        """References of the elements at which the case stands, each once."""
        return list(dict.fromkeys(self._ref(place) for place in self.machine.waiting()))

    # ------------------------------------------------------------ what history may hold
    def sealed(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """A command as history stores it: personal values sealed, and texts that repeat one."""
        out = dict(command)
        typed = self.follows(EVERY_TEXT_SEALED) and out["type"] != _ANSWERED
        if not (typed or self.seal.names):
            return out
        if "data" in out:
            if out["type"] == "amend":
                self.note_texts(out["data"])
            out["data"] = self.seal.close_fields(out["data"], {**self._known(), **out["data"]})
        for name in _FREE_TEXTS & out.keys():
            out[name] = self.seal.close(out[name]) if typed else self.discreet(out[name])
        return out

    def note_texts(self, data: Mapping[str, Any]) -> None:
        """Keep in mind under which names a correction has texts, whatever forms know of them."""
        if self.follows(EVERY_TEXT_SEALED):
            texts = {name for name, value in data.items() if isinstance(value, str)} - self.release.coded
            self.amended |= texts
            self.seal.add(texts)

    def reason(self, text: str) -> Any:
        """A reason that a person typed, as effects repeat it."""
        return self.seal.close(text) if self.follows(EVERY_TEXT_SEALED) else self.discreet(text)

    def discreet(self, text: str | None) -> Any:
        """``text`` (typed by a person, answered by a gateway), sealed when it repeats a personal value of the case."""
        return self.seal.close_fields({"text": text}, self._known())["text"]

    def _known(self) -> dict[str, Any]:
        return self.machine.any_data() if self.machine.workflow is not None else {}

    # ------------------------------------------------------------ applying what the machine did
    def apply(self, delta: Delta, at: str, fired: int | None = None) -> Effects:
        """Take in what the machine did at ``at``; returns the effects to record."""
        fx = Effects()
        fx.moves = [Moved(task, self._ref(place), state) for task, place, state in delta.moves]
        fx.data = [
            DataSet(task, self.seal.close_fields(put, seen), gone) for task, put, gone, seen in delta.data
        ]
        fx.closed = delta.closed
        for task in delta.closed:
            self.open.pop(task, None)
            self.claims.pop(task, None)
            self.not_before.pop(task, None)
            self.opened_at.pop(task, None)
        for task, place, not_before in delta.opened:
            duty = self.release.assignment(place.process, place.element, place.calls)
            if duty.department_of is not None:
                duty = duty.in_case(self.machine.data_of(task), self.release.roles.departments)
            ref, word = self._ref(place), duty.word
            self.open[task], self.opened_at[task] = (ref, word), at
            if not_before:
                self.not_before[task] = not_before
            fx.opened.append(TaskOpened(task, ref, word, not_before))
        fx.armed = [TimerArmed(a.timer, self._ref(a.place), a.due, a.attached) for a in delta.armed]
        fx.ended = delta.ended
        self._follow_clocks(fx, delta, at, fired)
        self._ask_outbox(fx, delta, at)
        for element in delta.ends:
            self._end(element)
        if delta.done:
            self.done = True
            fx.clock_changes += [self.clocks.finish(c, at, done=False) for c in list(self.clocks.live)]
            fx.done = self.outcome or "ended"
        self._tell_stuck(fx)
        return fx

    def _tell_stuck(self, fx: Effects) -> None:
        """Say once that nothing can happen any more, until something does again."""
        stuck = self.follows(STUCK_IS_TOLD) and not (self.done or self.machine.can_move)
        if stuck and not self.stuck:
            fx.stuck = self.standing()
        self.stuck = stuck

    def _end(self, element: str) -> None:
        """Take the outcome of an end that was reached. A side branch that ends nameless takes no named outcome away."""
        elements = self.release.process(self.process).elements
        named = elements[element].properties.get("outcome")
        if named is not None or self.outcome not in {
            e.properties.get("outcome") for e in elements.values()
        } - {None}:
            self.outcome = named or element

    def _ref(self, place: Any) -> str:
        return reference(self.process, place.process, place.element)

    def _follow_clocks(self, fx: Effects, delta: Delta, at: str, fired: int | None) -> None:
        changes: list[ClockChanged] = []
        if fired is not None and str(fired) in self.clocks.live:
            changes.append(self.clocks.breach(str(fired), at))
        states = {task: state for task, _, state in delta.moves}
        for task, state in states.items():
            if state in _LEFT:
                done = state is State.COMPLETED
                changes += [self.clocks.finish(c.id, at, done=done) for c in self.clocks.on_task(task)]
        for armed in delta.armed:
            if (
                armed.sla is None
                or str(armed.timer) in self.clocks.live
                or armed.attached in (None, *delta.closed)
            ):
                continue
            clock = self.clocks.start(
                str(armed.timer), armed.sla["p"], armed.sla["s"], armed.due, armed.attached, armed.timer
            )
            fx.clocks.append(clock.as_started(self._ref(armed.place), armed.sla["v"]))
            if self.paused is not None:
                changes += self.pause_clocks(at, only=clock.id)
        for _, place, state in delta.moves if self.clocks.live else ():
            if state is State.COMPLETED:
                changes += self._meet(self.release.element(place.process, place.element), at)
        fx.clock_changes = changes

    def _meet(self, element: Element, at: str) -> list[ClockChanged]:
        met = (f"c:{parameter}" for parameter in element.listed("meets"))
        return [self.clocks.finish(clock, at, done=True) for clock in met if clock in self.clocks.live]

    def start_case_clocks(self, at: str, received: str | None) -> list[ClockStarted]:
        """Begin the clocks that run on the whole case, counted from its first receipt."""
        found = []
        for parameter in self.release.process(self.process).case_clocks:
            began = min(received or at, at)
            due = self.release.time.due(parameter, datetime.fromisoformat(began))
            clock = self.clocks.start(f"c:{parameter}", parameter, began, iso(due.due), None, None)
            found.append(clock.as_started(None, int(due.provisional)))
        return found

    def pause_clocks(self, at: str, only: str | None = None) -> list[ClockChanged]:
        """Pause clocks that may pause, and their drawn timers."""
        changes = self.clocks.pause(at, only)
        for change in changes:
            if (timer := self.clocks.live[change.clock].timer) is not None:
                self.machine.reschedule(timer, None)
        return changes

    def resume_clocks(self, at: str) -> list[ClockChanged]:
        """Resume paused clocks, and move their drawn timers along."""
        changes = self.clocks.resume(at)
        for change in changes:
            clock = self.clocks.live[change.clock]
            if clock.timer is not None:
                self.machine.reschedule(clock.timer, clock.due)
        return changes

    def _ask_outbox(self, fx: Effects, delta: Delta, at: str) -> None:
        for asked in delta.services:
            event = str(asked["event"])
            if self.follows(MESSAGES_WITHDRAWN):
                taken_back = [key for key in asked.get("withdraws", ()) if key in self.unsent]
                self.contradicted |= self.events.intersection(asked.get("withdraws", ())) - self.unsent
                self.unsent.difference_update(taken_back)
                fx.withdrawn += taken_back
            if asked["service"] == WITHDRAW:
                continue
            if event in self.events:
                fx.suppressed.append(event)
                continue
            self.events.add(event)
            if asked["service"] == CASE:
                fx.linked.append(requests.link(self, asked, event))
            else:
                fx.requests.append(requests.message(self, asked, event, at))
                if asked["service"] != NOTICE:
                    self.unsent.add(event)

    # ------------------------------------------------------------ asking
    def at_instant(self, at: str) -> Logical:
        """A logical world at ``at`` for questions that need ``now()`` outside a machine run."""
        return Logical(self.machine.counters, datetime.fromisoformat(at))
