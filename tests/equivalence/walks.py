"""Random walks on our machine: complete, let time pass, reload, until the case ends; each step's state noted.

After each walk the same commands are replayed on a fresh machine, and now and then the machine is frozen and thawed
on the way: live, reloaded and replayed must be byte for byte the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson
from SpiffWorkflow.util.task import TaskState

from engine.base.errors import GongdanError
from engine.base.settings import CHECKOUT
from engine.bpmn.spiff.machine import Machine
from engine.bpmn.spiff.parser import Program
from engine.bpmn.spiff.serialization import freeze, thaw
from tests.equivalence.state import digest, text

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
Fill = Callable[[str, Random], dict[str, Any]]  #: (element, chance) → form data


def random_form(element: str, chance: Random) -> dict[str, Any]:
    """Form data for a generated diagram: something for its conditions, something nested."""
    note = {"by": chance.randint(0, 9), "list": [chance.randint(0, 3)] * 2}
    again = chance.random() < 0.5
    return {f"k{chance.randint(0, 4)}": chance.randint(0, 12), "again": again, f"note_{element}": note}


@dataclass
class Walk:
    """One walk and how it went. ``files`` are the diagrams and tables for the other side."""

    number: int
    process: str
    files: list[str]
    rules: list[str] = field(default_factory=list)
    steps: list[tuple[str, Any, str]] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    ended: str = "open"  #: done, stuck, failed or open (given up)

    def line(self) -> str:
        """What the other side needs, as one line of JSON."""
        return json.dumps(
            {
                "number": self.number,
                "process": self.process,
                "files": self.files,
                "rules": self.rules,
                "steps": self.steps,
            }
        )

    def digests(self) -> list[str]:
        """The states as the other side prints them."""
        return [s if s == "failed" else digest(s) for s in self.states]


class Walker:
    """Walks ``program``'s ``process`` by chance of ``seed``."""

    def __init__(self, program: Program, walk: Walk, seed: int, fill: Fill = random_form) -> None:
        self.program, self.walk, self.fill = program, walk, fill
        self.chance = Random(seed)
        self.now = BEGIN
        self.last = BEGIN  #: instant of the last command
        self.machine = Machine(program, walk.process)
        self.commands: list[Callable[[Machine], Any]] = []

    def run(self, data: Mapping[str, Any], steps: int = 60) -> Walk:
        """Walk at most ``steps`` steps from a start with ``data``."""
        walk, at = self.walk, self.now
        if not self._do("start", dict(data), lambda machine: machine.start(at, data)):
            return walk
        for _ in range(steps):
            if self.machine.flow.is_completed():
                walk.ended = "done"
                break
            if self.chance.random() < 0.2:
                self._reload()
            if not self._step():
                break
        assert _frozen(self.replay()) == _frozen(self.machine), (
            f"walk {walk.number}: replay differs from live"
        )
        return walk

    def _step(self) -> bool:
        tasks = self.machine.flow.get_tasks(state=TaskState.READY, manual=True)
        due = sorted(self.machine.due.values())
        if due and (not tasks or self.chance.random() < 0.3):
            missed = self.chance.randint(1, min(3, len(due))) if self.chance.random() < 0.3 else 1
            return self._let_time_come(due[missed - 1])
        if not tasks:
            self.walk.ended = "stuck"
            return False
        self.now += timedelta(seconds=self.chance.randint(1, 50))
        if due and self.now >= datetime.fromisoformat(due[0]):
            self.now = datetime.fromisoformat(due[0]) - timedelta(milliseconds=500)
        number = self.chance.randrange(len(tasks))
        element = tasks[number].task_spec.name.partition(" [")[0]
        form, task, at = self.fill(element, self.chance), tasks[number].id, self.now
        return self._do("complete", [number, form], lambda machine: machine.complete(at, task, form))

    def _let_time_come(self, until: str) -> bool:
        """Fire all that is due by ``until``, one command each; the other side only hears the instants."""
        self.now = max(self.now, datetime.fromisoformat(until))
        instants: list[str] = []
        failed = not self._fire_due(instants)
        return self._note("timers", instants, failed=failed)

    def _fire_due(self, instants: list[str]) -> bool:
        for _ in range(100):
            due = min(
                ((at, n) for n, at in self.machine.due.items() if at <= self.now.isoformat()), default=None
            )
            if due is None:
                return True
            instant, timer = due
            at = max(datetime.fromisoformat(instant), self.last)
            instants += [instant] if instant not in instants else []
            if not self._run(lambda machine, at=at, timer=timer: machine.fire(at, timer), at):  # type: ignore[misc]
                return False
        return False

    def _do(self, kind: str, argument: Any, command: Callable[[Machine], Any]) -> bool:
        """One command, and what is due at once after it (a timer armed in the past)."""
        return self._note(kind, argument, failed=not (self._run(command, self.now) and self._fire_due([])))

    def _run(self, command: Callable[[Machine], Any], at: datetime) -> bool:
        try:
            command(self.machine)
        except GongdanError:
            return False
        self.commands.append(command)
        self.last = at
        return True

    def _note(self, kind: str, argument: Any, *, failed: bool = False) -> bool:
        self.walk.steps.append((kind, argument, self.now.isoformat()))
        self.walk.states.append("failed" if failed else text(self.machine.flow))
        if failed:
            self.walk.ended = "failed"
            self.machine = self.replay() if self.commands else self.machine
        return not failed

    def _reload(self) -> None:
        frozen = _frozen(self.machine)
        thawed = thaw(self.program, orjson.loads(frozen))
        assert _frozen(thawed) == frozen, f"walk {self.walk.number}: a reloaded machine differs"
        self.machine = thawed

    def replay(self) -> Machine:
        """A fresh machine after the same commands."""
        machine = Machine(self.program, self.walk.process)
        for command in self.commands:
            try:
                command(machine)
            except GongdanError:
                break
        return machine


def _frozen(machine: Machine) -> bytes:
    return orjson.dumps(freeze(machine)) if machine.workflow is not None else b""


def differences(walks: list[Walk], folder: Path) -> list[str]:
    """Where stock SpiffWorkflow, repeating the walks in its own process, comes to another state; one line a walk."""
    path = folder / "walks.jsonl"
    path.write_text("\n".join(walk.line() for walk in walks), encoding="utf-8")
    told = {found["number"]: found["states"] for found in _stock(path)}
    different = []
    for walk in walks:
        ours, theirs = walk.digests(), told[walk.number]
        if ours != theirs:
            different.append(_explained(walk, path, ours, theirs))
    return different


def _stock(path: Path, *arguments: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.equivalence.stock", str(path), *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def _explained(walk: Walk, path: Path, ours: list[str], theirs: list[str]) -> str:
    pairs = zip(ours, theirs, strict=False)
    step = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(ours), len(theirs)))
    head = f"walk {walk.number} ({walk.files[0]}), step {step} {walk.steps[min(step, len(walk.steps) - 1)]}"
    (full,) = _stock(path, str(walk.number))
    here, there = walk.states[step : step + 1], full["states"][step : step + 1]
    if not here or not there or "failed" in (here[0], there[0]):
        return (
            f"{head}: ours {here[0][:20] if here else 'ended'}, stock {there[0][:20] if there else 'ended'}"
        )
    a, b = json.loads(here[0]), json.loads(there[0])
    first = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return (
        f"{head}: at {first} ours {str(a[first : first + 2])[:400]}, stock {str(b[first : first + 2])[:400]}"
    )
