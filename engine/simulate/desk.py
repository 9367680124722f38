"""The desk: work that waits, people who take it, and who takes what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from engine.instance import Instance
from engine.rules import fits
from engine.simulate.staff import Worker


@dataclass(frozen=True)
class Job:
    """An open task as somebody's work. ``only`` is set when one person has it already."""

    case: str
    task: int
    only: Worker | None = None
    resume: bool = False  #: the customer has answered: the clocks run on first


class Desk:
    """Waiting jobs, oldest first, and the people who work."""

    def __init__(self, workers: list[Worker], instance_of: Callable[[str], Instance]) -> None:
        self.workers = workers
        self._instance_of = instance_of
        self._waiting: list[Job] = []

    def add(self, job: Job) -> None:
        """A job is there to be done."""
        self._waiting.append(job)

    def drop(self, case: str, task: int | None = None) -> None:
        """A task (or, without one, everything of a case) is not to be done any more."""
        self._waiting = [job for job in self._waiting if job.case != case or task not in (None, job.task)]

    def hand_out(self, now: datetime) -> Iterator[tuple[Worker, Job]]:
        """Pairs of an idle person on duty and a job for them, while there are any."""
        idle = [worker for worker in self.workers if not worker.busy and worker.on_duty(now)]
        for job in list(self._waiting):
            if not idle:
                return
            if job in self._waiting and (worker := self._fitting(job, idle)) is not None:
                idle.remove(worker)
                self._waiting.remove(job)
                yield worker, job

    def _fitting(self, job: Job, idle: list[Worker]) -> Worker | None:
        """Who of the idle takes a job: the one who waited longest."""
        instance = self._instance_of(job.case)
        duty = instance.duty_of(job.task)
        kept_off = instance.kept_off(job.task)
        able = [
            worker
            for worker in idle
            if job.only in (None, worker) and fits(worker.person, duty) and worker.person.name not in kept_off
        ]
        return min(able, key=lambda worker: (worker.idle_since, worker.person.name), default=None)
