"""What time does to cases: each due thing a command of its own, stamped with its due time, in due order."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from engine.base.errors import Conflict, GongdanError, Rejected, TechnicalFailure
from engine.storage.statements import Write

from .commands import CLOCK, BreachClock, Command, FireTimer, WarnClock, to_plain
from .counting import OK, Counted, count
from .handlers import NONSENSE
from .instance import Instance
from .instance_cache import LiveInstances

ATTEMPTS = 5  #: fresh copies that are tried while other processes keep changing a case
MAX_FIRINGS = 500  #: due things worked off before one command; a stuck clock must not hold a thread for ever


class CatchingUp(Conflict):
    """More is due on a case than one command may wait for."""


@dataclass(slots=True)
class _Together:
    """What time did to cases, to be written in one transaction."""

    writes: list[Write] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    done: list[tuple[Command, int]] = field(default_factory=list)  #: each thing, and the row it is to be

    def add(self, part: _Together) -> None:
        """Take what was done to one more case."""
        self.writes += part.writes
        self.instances += part.instances
        self.done += part.done


class Waking(LiveInstances, ABC):
    """Lets time act on live instances."""

    @abstractmethod
    def _run(
        self,
        instance: Instance,
        plain: dict[str, Any],
        key: str | None,
        extra: Sequence[Write] = (),
        together: list[Write] | None = None,
    ) -> object:
        """Execute a command and commit it, or hand its writes to who commits several ``together``."""

    @abstractmethod
    def _committed(self, instance: Instance) -> None:
        """What an instance did is committed."""

    @abstractmethod
    def _checked(self, command: Command, at: str, instance: Instance) -> dict[str, Any]:
        """What the rules add to a command; raises what is against it."""

    def wake(self, case_id: str, now: str) -> int:
        """Let time do what is due on a case by ``now``; returns how many things it did.

        An error says at which end of the history it came (``seq``).
        """
        done = 0
        for _ in range(ATTEMPTS):
            instance = self.instance(case_id)
            with instance.lock:
                if instance.spoiled:
                    continue
                try:
                    done += self._work_off(instance, now, None)
                except Conflict:
                    continue
                except GongdanError as error:
                    error.seq = instance.seq
                    raise
                if done or not self.moved_on(instance):  # a stale copy may not know of what is due
                    break
        return done

    def wake_together(self, case_ids: Iterable[str], now: str) -> tuple[int, list[str]]:
        """Let time do what is due on several cases by ``now``, in one transaction: all of it is kept, or nothing.

        Returns how many things it did, and the cases that want a :meth:`wake` of their own: which somebody holds, in
        which something failed, or on which nothing was due. Raises :class:`Unavailable`.
        """
        ordered = sorted(case_ids)  # of two that write the same cases, none waits for the other in turn
        loaded = self.load_missing(ordered)
        woken, alone, began = _Together(), [], time.perf_counter()
        with ExitStack() as held:
            try:
                for case_id in ordered:
                    before = len(woken.done)
                    with suppress(*NONSENSE):  # it is told where the case is woken alone
                        instance = loaded.get(case_id) or self.instance(case_id)
                        if instance.lock.acquire(blocking=False):  # who has several locks waits for none
                            held.callback(instance.lock.release)
                            self._wake_into(woken, instance, now, loaded=case_id in loaded)
                    if len(woken.done) == before:
                        alone.append(case_id)
                self.db.write(woken.writes)
            except BaseException as error:
                for instance in woken.instances:  # they are ahead of their histories
                    self._drop(instance)
                if not isinstance(error, Conflict | Rejected):
                    raise
                return 0, [*alone, *(instance.case_id for instance in woken.instances)]
            for instance in woken.instances:
                self._committed(instance)
        share = (time.perf_counter() - began) / max(len(woken.done), 1)
        for command, seq in woken.done:
            count(command, OK, command.case_id, seq, share)
        return len(woken.done), alone

    def _wake_into(self, woken: _Together, instance: Instance, now: str, *, loaded: bool) -> None:
        """Execute what is due on a case and add it to what is to be written; ``loaded``: just now."""
        if not loaded:  # others may have moved it on, and a conflict would cost all that are woken with it
            self.moved_on(instance)
        if instance.spoiled:
            return
        part = _Together(instances=[instance])
        try:
            self._work_off(instance, now, None, part)
        except BaseException:
            self._drop(instance)
            raise
        if part.done:
            woken.add(part)

    def wake_once(self, case_id: str, now: str, skip: tuple[str, ...], skipped_by: str) -> None:
        """Fire the next due timer of a case, passing over failed automatic steps."""
        instance = self.instance(case_id)
        with instance.lock:
            due = instance.next_due()
            if due is None or due[0] > now:
                return
            command = _due_command(instance, due)
            if isinstance(command, FireTimer):
                command = replace(command, skip=skip, skipped_by=skipped_by)
            self._checked(command, command.at, instance)
            self._run_due(instance, command, None)

    def _work_off(
        self, instance: Instance, now: str, asked: Command | None, together: _Together | None = None
    ) -> int:
        """Issue what is due by ``now``, in due order. A due thing the asked command itself names is left to it.

        After a long outage it stops at a limit, and the next look goes on; raises :class:`TechnicalFailure` when the
        clock does not move: a diagram that arms timers in the past would fire for ever. ``together``: as for a command.
        """
        done, first = 0, instance.next_due()
        due = first
        while due is not None and due[0] <= now:
            if done >= MAX_FIRINGS:
                if first is not None and due[0] <= first[0]:
                    raise TechnicalFailure(
                        f"more than {MAX_FIRINGS} timers due at {due[0]}: the clock does not move"
                    )
                if asked is None:
                    break
                raise CatchingUp(
                    "Expected case {case_id} to be up to date, but it is catching up; try again",
                    case_id=instance.case_id,
                )
            command = _due_command(instance, due)
            if asked is not None and replace(asked, actor=CLOCK, at=command.at, key=None) == command:
                break
            self._run_due(instance, command, together)
            done += 1
            due = instance.next_due()
        return done

    def _run_due(self, instance: Instance, command: Command, together: _Together | None) -> None:
        if together is None:
            with Counted(command) as counted:
                self._run(instance, to_plain(command), None)
                counted.seq = instance.seq
        else:  # it counts when it is written
            self._run(instance, to_plain(command), None, together=together.writes)
            together.done.append((command, instance.seq))


def _due_command(instance: Instance, due: tuple[str, int, str]) -> Command:
    instant, rank, thing = due
    common: Mapping[str, Any] = {"case_id": instance.case_id, "actor": CLOCK, "at": max(instant, instance.at)}
    if rank == 0:
        return WarnClock(clock=thing, **common)
    if rank == 1:
        return BreachClock(clock=thing, **common)
    return FireTimer(timer=int(thing), **common)
