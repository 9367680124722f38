"""The simulation itself: events happen in time order, and everything they do is a command of the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.errors import GongdanError, InvalidForm, Rejected, TechnicalFailure
from engine.base.sending import CASE
from engine.base.services import OUTSIDE
from engine.case.commands import (
    ClaimTask,
    Command,
    CompleteTask,
    PauseClocks,
    ResumeClocks,
    StartCase,
)
from engine.case.dispatch import Receipt
from engine.case.instance import Instance
from engine.delivery.links import CaseOpener
from engine.delivery.outbox import Outbox
from engine.queries.cases import children
from engine.storage.tables import cases

from .arrivals import NOT_REVISITED, Arrival, Business, Revisits, revisit_of
from .behaviour import Behaviour, Customer
from .desk import Desk, Job
from .events import Due, Event, Finished, OnDuty, Rhythm, Send
from .filling import CannotFill, Filler
from .gateway import SimulatedGateway
from .schedule import Schedule
from .service_times import Pace
from .staff import Worker
from .stratified import generator

SEND_AFTER = timedelta(seconds=20)  #: the outbox is worked off so soon after a command asked for something
ROUND = timedelta(hours=1)  #: how often it is asked whether the rhythm of a process opens a case
RETRY_AFTER = timedelta(minutes=20)  #: longer than the longest wait between two tries of the outbox


@dataclass
class Known:
    """What the simulation knows of an open case."""

    instance: Instance
    customer: Customer
    tasks: set[int] = field(default_factory=set)
    due: str | None = None
    requests: int = 0


class World:
    """Open cases, people at work, customers; run by :meth:`run`."""

    def __init__(
        self, gongdan: Gongdan, behaviour: Behaviour, workers: list[Worker], start: datetime, until: datetime
    ) -> None:
        self.gongdan, self.behaviour, self.workers, self.until = gongdan, behaviour, workers, until
        self.schedule: Schedule[Event] = Schedule(start)
        self.desk = Desk(workers, lambda case: self.cases[case].instance)
        self.filler = Filler(behaviour)
        self.rng = generator(behaviour.seed, "world")
        self.pace = Pace(behaviour, self.rng)
        gateway = SimulatedGateway(behaviour.seed)
        opener = CaseOpener(gongdan.dispatcher, gongdan.keys)
        self.outbox = Outbox(
            gongdan.db,
            gongdan.dispatcher,
            {**dict.fromkeys(OUTSIDE, gateway), CASE: opener},
        )
        self.cases: dict[str, Known] = {}
        self.expected = (
            0  #: arrivals, sendings and rounds of the rhythm that are planned and have not come yet
        )
        self.left_aside: dict[str, str] = {}  #: what nobody here can go on with, and why
        self.revisits = Revisits(0, 0)
        self.happened: dict[type, Callable[..., None]] = {
            Job: self.on_job,
            Finished: self.on_finished,
            Due: self.on_due,
            Send: self.on_send,
            OnDuty: self.on_duty,
            Rhythm: self.on_rhythm,
            Arrival: self.on_arrival,
        }

    def run(
        self, case_ids: list[str], business: Business, on_progress: Callable[[datetime], object] | None = None
    ) -> None:
        """Work ``case_ids`` and what arrives on the way, until the end or until nothing is left."""
        for case_id in case_ids:
            self.look_at(case_id, datetime.fromisoformat(self.meet(case_id).instance.at))
        for at, arrival in business.arrivals:
            self.expect(at, arrival)
        coming = [known.instance.process for known in self.cases.values()]
        coming += [arrival.process for _, arrival in business.arrivals]
        self.revisits = Revisits(business.revisits, sum(map(self.has_customer, coming)))
        if business.scheduled_until is not None:
            self.look_for_due(self.schedule.now, Rhythm(business.scheduled_until))
        for worker in self.workers:
            self.schedule.plan(worker.next_duty(self.schedule.now), OnDuty(worker))
        while (self.cases or self.expected) and (event := self.schedule.next(self.until)) is not None:
            self.happened[type(event)](event)
            if on_progress is not None:
                on_progress(self.schedule.now)

    # ------------------------------------------------------------ cases
    def meet(self, case_id: str) -> Known:
        """Take a case into the simulation: its live instance and its customer."""
        instance = self.gongdan.dispatcher.instance(case_id)
        known = Known(instance, self.behaviour.customer(case_id, instance.process))
        known.requests = len(instance.events)
        self.cases[case_id] = known
        return known

    def meet_new(self, now: datetime) -> None:
        """Take in the open cases that nobody here opened."""
        query = sa.select(cases.c.id).where(cases.c.state == "open").order_by(cases.c.id)
        for (case_id,) in self.gongdan.db.rows(query):
            if case_id not in self.cases and case_id not in self.left_aside:
                self.meet(case_id)
                self.look_at(case_id, now)

    def look_at(self, case_id: str, now: datetime) -> None:
        """After anything happened to a case: new tasks become work, gone ones are dropped, time is planned."""
        known = self.cases[case_id]
        # More cases may be open than the dispatcher keeps: then it worked on another copy.
        if not known.instance.done:
            known.instance = self.gongdan.dispatcher.instance(case_id)
        instance = known.instance
        for task in sorted(known.tasks - instance.open.keys()):
            self.desk.drop(case_id, task)
        for task in sorted(instance.open.keys() - known.tasks):
            ready = self.pace.ready(instance, known.customer, task, now, first=not known.tasks)
            if ready is not None:
                self.schedule.plan(ready, Job(case_id, task))
        known.tasks = set(instance.open)
        if len(instance.events) > known.requests:
            known.requests = len(instance.events)
            self.send(now + SEND_AFTER)
        if instance.done:
            del self.cases[case_id]
            if self.has_customer(instance.process) and self.revisits.falls_on_next():
                self.expect(*revisit_of(case_id, known.customer, now))
        elif (due := instance.next_due()) is not None and due[0] != known.due:
            known.due = due[0]
            self.schedule.plan(datetime.fromisoformat(due[0]), Due(case_id))

    def has_customer(self, process: str) -> bool:
        """Whether a case of ``process`` has a customer whom a revisit could ask."""
        return self.gongdan.releases.current().process(process).domain not in NOT_REVISITED

    def expect(self, at: datetime, arrival: Arrival) -> None:
        """Somebody will come at ``at``."""
        self.expected += 1
        self.schedule.plan(at, arrival)

    def command(self, command: Command) -> Receipt:
        """Dispatch, then look at what became of the case."""
        receipt = self.gongdan.dispatch(command)
        if receipt.case_id not in self.cases:
            self.meet(receipt.case_id)
        self.look_at(receipt.case_id, datetime.fromisoformat(receipt.at))
        return receipt

    # ------------------------------------------------------------ events
    def on_job(self, job: Job) -> None:
        """A task is there to be done."""
        known = self.cases.get(job.case)
        if known is not None and job.task in known.instance.open:
            self.desk.add(job)
            self.hand_out()

    def on_duty(self, event: OnDuty) -> None:
        """A shift begins: its person takes what waits."""
        self.schedule.plan(event.worker.next_duty(self.schedule.now), event)
        self.hand_out()

    def on_due(self, event: Due) -> None:
        """Timers, warnings and breaches of a case come due."""
        known = self.cases.get(event.case)
        if known is None:
            return
        known.due = None
        try:
            self.gongdan.dispatcher.wake(event.case, self.schedule.now.isoformat())
        except GongdanError as error:
            self.gongdan.incidents.open_for_timer(event.case, error, self.schedule.now)
            self.leave_aside(event.case, error)
        else:
            self.look_at(event.case, self.schedule.now)
        self.hand_out()

    def on_send(self, event: Send) -> None:
        """The outbox is worked off; what is to be tried again comes back."""
        self.expected -= 1
        sent = self.outbox.work(self.schedule.now)
        if any(entry.state == "pending" for entry in sent):
            self.send(self.schedule.now + RETRY_AFTER)
        for case_id in dict.fromkeys(entry.id.partition("/")[0] for entry in sent):
            if case_id in self.cases:
                self.look_at(case_id, self.schedule.now)
        for parent in dict.fromkeys(entry.id.partition("/")[0] for entry in sent if entry.kind == CASE):
            self.meet_children(parent)

    def send(self, at: datetime) -> None:
        """The outbox will be worked off at ``at``."""
        self.expected += 1
        self.schedule.plan(at, Send())

    def meet_children(self, parent: str) -> None:
        """Take in the cases that a case has opened; their customer is the one they say."""
        for child in children(self.gongdan.db, parent):
            if child.is_open and child.id not in self.cases:
                known = self.meet(child.id)
                known.customer.is_known_as(known.instance.machine.any_data())
                self.look_at(child.id, self.schedule.now)

    def on_rhythm(self, event: Rhythm) -> None:
        """Open the cases of weeks and months that have passed."""
        self.expected -= 1
        now = self.schedule.now
        if self.gongdan.schedule.open_due(now):
            self.meet_new(now)
        if now + ROUND <= event.until:
            self.look_for_due(now + ROUND, event)

    def look_for_due(self, at: datetime, event: Rhythm) -> None:
        """It will be asked at ``at`` what the rhythms open: the desk may be idle, and still not done."""
        self.expected += 1
        self.schedule.plan(at, event)

    def on_arrival(self, arrival: Arrival) -> None:
        """Somebody comes with something new; an agent on duty opens the case."""
        free = [w for w in self.workers if "agent" in w.person.roles and w.on_duty(self.schedule.now)]
        if not free:
            front = [w.next_duty(self.schedule.now) for w in self.workers if "agent" in w.person.roles]
            self.schedule.plan(min(front), arrival)
            return
        self.expected -= 1
        data = dict(arrival.data)
        if arrival.again and (earlier := self.open_case(arrival.process)) is not None:
            customer = self.cases[earlier].customer
            data |= {"customer_name": customer.name, "contact_phone": customer.phone, "duplicate_of": earlier}
        receipt = self.command(
            StartCase(
                process=arrival.process,
                data=data,
                actor=self.rng.choice(free).person.name,
                at=self.schedule.now.isoformat(),
            )
        )
        self.cases[receipt.case_id].customer.is_known_as(data)
        self.hand_out()

    def open_case(self, process: str) -> str | None:
        """An open case of ``process``, the oldest, or None."""
        return next((case for case, known in self.cases.items() if known.instance.process == process), None)

    # ------------------------------------------------------------ work
    def hand_out(self) -> None:
        """Give waiting work to whoever is idle, on duty and may do it."""
        for worker, job in self.desk.hand_out(self.schedule.now):
            self.begin(worker, job)

    def begin(self, worker: Worker, job: Job) -> None:
        """A person takes a job: claims it, perhaps has to wait for the customer, works on it."""
        known, name, now = self.cases[job.case], worker.person.name, self.schedule.now
        at = now.isoformat()
        form = known.instance.element_of(job.task).properties.get("form", "")
        try:
            if job.resume:
                self.command(ResumeClocks(case_id=job.case, actor=name, at=at))
            elif job.only is None:
                self.command(ClaimTask(case_id=job.case, task=job.task, actor=name, at=at))
        except Rejected:
            return  # a timer took the task away at this very instant
        if known.customer.pauses_left and form in self.behaviour.waits_for_customer and not job.resume:
            known.customer.pauses_left -= 1
            reason = known.customer.rng.choice(self.behaviour.pause_reasons)
            self.command(PauseClocks(case_id=job.case, reason=reason, actor=name, at=at))
            answers = now + timedelta(hours=known.customer.rng.randint(4, 70))
            self.schedule.plan(answers, Job(job.case, job.task, worker, resume=True))
            worker.idle_since = now
            return
        minutes = self.behaviour.handling_minutes(form, known.customer.rng) * worker.pace
        done = now + timedelta(seconds=round(minutes * 60))
        if (later := self.pace.callable_from(known.instance, job.task, done)) > done:
            self.schedule.plan(later, Job(job.case, job.task, worker))
            worker.idle_since = now
            return
        worker.busy = True
        self.schedule.plan(done, Finished(worker, job))

    def on_finished(self, event: Finished) -> None:
        """A person completes a task with its form, if it is still there."""
        worker, job, now = event.worker, event.job, self.schedule.now
        worker.busy, worker.idle_since = False, now
        known = self.cases.get(job.case)
        if known is not None and job.task in known.instance.open:
            element = known.instance.element_of(job.task)
            form = known.instance.release.forms[element.properties["form"]]
            context = known.instance.machine.data_of(job.task)
            try:
                values = self.filler.fill(form, element.id, context, known.customer, now)
                self.command(
                    CompleteTask(
                        case_id=job.case,
                        task=job.task,
                        data=values,
                        actor=worker.person.name,
                        at=now.isoformat(),
                    )
                )
            except (CannotFill, InvalidForm, TechnicalFailure) as error:
                self.leave_aside(job.case, error)
        self.hand_out()

    def leave_aside(self, case_id: str, error: GongdanError) -> None:
        """A case that cannot go on stays open for people; the rest of the desk goes on."""
        self.left_aside[case_id] = str(error)
        self.desk.drop(case_id)
        del self.cases[case_id]
