"""The desk: work that waits, people who take it, and who takes what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import count

from engine.case.instance import Instance
from engine.people.roles import Assignment
from engine.people.rules import fits

from .staff import Worker


@dataclass(frozen=True)
class Job:
    """An open task as somebody's work. ``only`` is set when one person has it already."""

    case: str
    task: int
    only: Worker | None = None
    resume: bool = False  #: the customer has answered: the clocks run on first


class Desk:
    """Waiting jobs, oldest first, and the people who work.

    Jobs wait in a queue for each duty: a duty whose people are all busy costs one look, however long its queue.
    """

    def __init__(self, workers: list[Worker], instance_of: Callable[[str], Instance]) -> None:
        self.workers = workers
        self._instance_of = instance_of
        self._numbers = count()
        self._queues: dict[Assignment, dict[int, Job]] = {}
        self._places: dict[str, dict[int, tuple[Assignment, int]]] = {}  #: case → task → where it waits

    def add(self, job: Job) -> None:
        """A job is there to be done."""
        duty, number = self._instance_of(job.case).assignment_of(job.task), next(self._numbers)
        self._queues.setdefault(duty, {})[number] = job
        self._places.setdefault(job.case, {})[job.task] = duty, number

    def drop(self, case: str, task: int | None = None) -> None:
        """A task (or, without one, everything of a case) is not to be done any more."""
        places = self._places.get(case, {})
        for gone in list(places) if task is None else [task]:
            if (place := places.pop(gone, None)) is not None:
                del self._queues[place[0]][place[1]]
        if not places:
            self._places.pop(case, None)

    def hand_out(self, now: datetime) -> Iterator[tuple[Worker, Job]]:
        """Pairs of an idle person on duty and a job for them, while there are any."""
        idle = [worker for worker in self.workers if not worker.busy and worker.on_duty(now)]
        able = {
            duty: people
            for duty, queue in self._queues.items()
            if queue and (people := [worker for worker in idle if fits(worker.person, duty)])
        }
        lines = ([(number, duty, job) for number, job in self._queues[duty].items()] for duty in able)
        for number, duty, job in merge(*lines, key=lambda place: place[0]):
            if not able[duty] or number not in self._queues[duty]:
                continue
            if (worker := self._taker(job, able[duty])) is not None:
                for people in able.values():
                    if worker in people:
                        people.remove(worker)
                self.drop(job.case, job.task)
                yield worker, job

    def _taker(self, job: Job, able: list[Worker]) -> Worker | None:
        """Who of the able takes a job: the one who waited longest."""
        if job.only is not None:
            return job.only if job.only in able else None
        excluded = self._instance_of(job.case).excluded(job.task)
        willing = [worker for worker in able if worker.person.name not in excluded]
        return min(willing, key=lambda worker: (worker.idle_since, worker.person.name), default=None)
