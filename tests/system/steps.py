"""What a process does in one step: a page carries out what somebody asks, a worker does a round or a part of one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from engine.base.errors import GongdanError
from engine.base.instants import SHANGHAI, iso
from engine.case.commands import (
    AmendData,
    AssignTask,
    ClaimTask,
    Command,
    CompleteTask,
    MoveClock,
    PauseClocks,
    ReleaseTask,
    RescheduleTask,
    ResumeClocks,
    StartCase,
)
from engine.case.instance import Instance
from engine.operations import erasure, leftovers
from engine.operations.worker import work_once
from engine.people.directory import DEMO_PEOPLE
from engine.people.rules import fits
from engine.simulate.behaviour import Customer
from engine.simulate.filling import CannotFill, Filler
from engine.storage.tables import cases, incident, outbox, sla_clock, task
from tests.erasing import REQUEST

from .record import ACKNOWLEDGED, REFUSED, Attempt, told
from .world import Process, World

#: shipped processes with different features → how often one is opened
PROCESSES = {
    "network_fault_consultation": 4,  # limits that pause
    "cantonese_callback": 4,  # timers in a loop, messages that take others back
    "billing_dispute": 2,
    "policy_consultation": 6,  # opens another case
    "satisfaction_revisit": 2,
    "courier_complaint": 4,  # limits in working time that pause
    "general_complaint": 3,  # mail to a role, a hook
}
MOST_CASES = 4
#: the answer with which a consultation becomes a complaint
COMPLAINS = ("offer_promotion.policy_choice", ["complain"])
NO_NUMBER = "几次"
LEADS = ("supervisor1", "admin1")
#: what a page is asked for → how often
ASKED = {
    "open_case": 5, "complete": 50, "claim": 8, "release": 3, "assign": 3, "reschedule": 2, "pause": 5, "resume": 3,
    "amend": 3, "move_clock": 3, "again": 6, "incident": 4, "send_again": 3, "erase": 4, "publish": 1,
}  # fmt: skip
ROUNDS = {"round": 3, "timers": 4, "outbox": 5, "schedule": 1, "stuck": 1, "files": 1}
#: how time passes between steps → how often
SPANS = {"moment": 60, "minutes": 14, "hours": 12, "morning": 6, "days": 3, "due": 8}


class Business:
    """The people of one run, what they know, and what workers are for."""

    def __init__(self, world: World) -> None:
        self.world, self.rng = world, world.rng
        self.filler = Filler(world.behaviour)
        self.customers: dict[str, Customer] = {}
        self.seen: list[tuple[str, int]] = []  #: tasks that somebody once saw open
        self.given: list[Attempt] = []  #: what was sent with a submit key
        self.has_schedule = world.rng.random() < 0.15
        (favourite,) = world.rng.choices(list(PROCESSES), list(PROCESSES.values()))
        self.processes = PROCESSES if world.rng.random() < 0.4 else {favourite: 1}
        self.numbers = 0

    def __call__(self, world: World, process: Process) -> None:
        """One step of ``process``."""
        self._time_passes()
        todo = ROUNDS if process.worker else ASKED
        (name,) = self.rng.choices(list(todo), list(todo.values()))
        if not process.worker and not self.given and self.numbers < 3:  # a desk does not begin idle
            name = "open_case"
        with world.perhaps_bad_disk(process):
            try:
                getattr(self, f"_{name}")(process)
            except GongdanError as error:  # whoever asked reads it on the page; a worker tries again
                world.say(process, f"{name}: {type(error).__name__}: {str(error)[:120]}")

    def _time_passes(self) -> None:
        world = self.world
        (span,) = self.rng.choices(list(SPANS), list(SPANS.values()))
        if span == "minutes":
            world.pass_time(timedelta(minutes=self.rng.randrange(1, 50)))
        elif span == "hours":
            world.pass_time(timedelta(hours=self.rng.uniform(1, 8)))
        elif span == "morning":
            local = world.now.astimezone(SHANGHAI)
            at = datetime.combine(local.date() + timedelta(days=1), time(9, 30), SHANGHAI)
            world.now = at.astimezone(world.now.tzinfo)
        elif span == "days":
            world.pass_time(timedelta(days=self.rng.uniform(1, 9)))
        elif span == "due" and (due := self._next_due()) is not None and due > world.now:
            world.now = min(due, world.now + timedelta(days=3))

    def _next_due(self) -> datetime | None:
        """When time will do something next: the instant itself is where mistakes are."""
        running = next((one.engine for one in self.world.processes if one.engine is not None), None)
        if running is None:
            return None
        found = running.db.rows(sa.select(sa.func.min(cases.c.next_due)))[0][0]
        return datetime.fromisoformat(found) if found else None

    # ------------------------------------------------------------ giving commands
    def give(self, process: Process, command: Command) -> Attempt:
        """Give a command, and write down what was answered."""
        world = self.world
        attempt = world.record.attempt(command)
        if command.key is not None:
            self.given.append(attempt)
        words = f"{command.kind} {command.case_id} {getattr(command, 'task', '')} by {command.actor}"
        if isinstance(command, StartCase):
            words = f"start {command.process} by {command.actor}"
        world.say(process, words)
        try:
            attempt.receipt = process.g.dispatch(command)
        except GongdanError as error:
            attempt.outcome, attempt.error = REFUSED, f"{type(error).__name__}: {error}"
            world.say(process, f"{words} – {attempt.error[:160]}")
        else:
            attempt.outcome = ACKNOWLEDGED
            got = attempt.receipt
            again = ", as before" if got.already else ""
            world.say(process, f"{words} – {got.case_id} row {got.seq}, opened {got.opened}{again}")
        finally:
            attempt.ended = world.record.next()
        return attempt

    def _key(self) -> str | None:
        self.numbers += 1
        return f"submit-{self.numbers}" if self.rng.random() < 0.6 else None

    def _open_case(self, process: Process) -> None:
        if self._count(process) >= MOST_CASES:
            return self._complete(process)
        self.numbers += 1
        (name,) = self.rng.choices(list(self.processes), list(self.processes.values()))
        number = f"{self.world.seed % 100000:05d}{self.numbers:03d}"
        data = {
            "customer_name": f"欧阳{number}",
            "contact_phone": f"139{number}",
            "content": f"客户 {number} 反映的问题，请尽快处理",
        }
        external = f"T-{number}"
        self.world.record.personal[external] = told(data)
        respondent = "agent2" if self.rng.random() < 0.15 else None
        command = StartCase(
            process=name, data=data, actor=self._one(("agent1", "agent2", "supervisor1", "om1")),
            at=process.g.now(), key=self._key(), external_id=external, respondent=respondent,
        )  # fmt: skip
        self.give(process, command)
        return None

    def _complete(self, process: Process) -> None:
        if (found := self._task(process)) is None:
            if self._count(process) < MOST_CASES:
                self._open_case(process)
            return
        case_id, number = found
        instance = process.g.dispatcher.current(case_id)
        if number not in instance.open:  # somebody's page is old
            self.give(process, self._command(CompleteTask, process, case_id, "agent1", task=number, data={}))
            return
        holder = instance.claims.get(number)
        duty, excluded = instance.assignment_of(number), instance.excluded(number)
        able = [p.name for p in DEMO_PEOPLE if fits(p, duty) and p.name not in excluded]
        actor = holder if holder and self.rng.random() < 0.9 else self._person(able)
        element = instance.element_of(number)
        form = instance.release.forms[element.properties["form"]]
        customer = self._customer(case_id, instance)
        at = self.world.clock_of(process)
        try:
            data = self.filler.fill(form, element.id, instance.machine.data_of(number), customer, at)
        except CannotFill as error:
            self.world.say(process, f"nobody can fill {form.key}: {str(error)[:100]}")
            return
        if data and self.rng.random() < 0.06:
            data.pop(self._one(sorted(data)))
        wait = instance.not_before.get(number)
        if wait is not None and self.rng.random() < 0.7:  # most people wait
            self.world.now = max(self.world.now, datetime.fromisoformat(wait) - process.skew)
        command = self._command(CompleteTask, process, case_id, actor, task=number, data=data)
        self.give(process, replace(command, key=self._key()))

    def _customer(self, case_id: str, instance: Instance) -> Customer:
        """Who is behind a case; more than usual of those whose story makes it open another one."""
        if case_id not in self.customers:
            behaviour = self.world.behaviour
            made = self.customers[case_id] = behaviour.customer(case_id, instance.process)
            made.is_known_as(instance.machine.any_data())
            stories = behaviour.personas.get(instance.process, ())
            complains = [one for one in stories if COMPLAINS in one.answers.items()]
            if complains and self.rng.random() < 0.6:
                made.persona = complains[0]
        return self.customers[case_id]

    def _claim(self, process: Process) -> None:
        if (found := self._task(process)) is not None:
            self.give(
                process,
                self._command(ClaimTask, process, found[0], self._fit(process, *found), task=found[1]),
            )

    def _release(self, process: Process) -> None:
        if (found := self._task(process)) is not None:
            who = self._one((self._fit(process, *found), "supervisor1"))
            self.give(process, self._command(ReleaseTask, process, found[0], who, task=found[1]))

    def _assign(self, process: Process) -> None:
        if (found := self._task(process)) is not None:
            to = self._fit(process, *found)
            what = {"task": found[1], "to": to, "reason": "熟悉该客户"}
            self.give(process, self._command(AssignTask, process, found[0], self._lead(), **what))

    def _reschedule(self, process: Process) -> None:
        if (found := self._task(process)) is not None:
            later = iso(self.world.now + timedelta(hours=self.rng.randrange(1, 30)))
            what = {"task": found[1], "not_before": self._one((later, None)), "reason": "客户另约时间"}
            self.give(process, self._command(RescheduleTask, process, found[0], self._lead(), **what))

    def _pause(self, process: Process) -> None:
        if (case_id := self._case(process)) is not None:
            reason = "等客户补充资料"
            self.give(process, self._command(PauseClocks, process, case_id, self._lead(), reason=reason))

    def _resume(self, process: Process) -> None:
        waiting = self._values(process, sa.select(cases.c.id).where(cases.c.waiting_customer.is_not(None)))
        if waiting:
            self.give(process, self._command(ResumeClocks, process, self._one(waiting), self._lead()))

    def _amend(self, process: Process) -> None:
        if (case_id := self._case(process)) is None:
            return
        began = iso(self.world.now - timedelta(hours=self.rng.randrange(1, 60)))
        known = process.g.dispatcher.current(case_id).machine.any_data()
        # Automatic steps count on numbers: a correction that makes a word of one lets them fail, another mends it.
        numbers = sorted(name for name, value in known.items() if type(value) is int or value == NO_NUMBER)
        data = self._one(({"remark": "客户补充说明"}, {"priority": "P1"}, {"received_at": began}))
        if numbers and self.rng.random() < 0.6:
            name = self._one(numbers)
            data = {name: 1 if known[name] == NO_NUMBER else NO_NUMBER}
        what = {"data": data, "reason": "记录有误"}
        self.give(process, self._command(AmendData, process, case_id, self._lead(), **what))

    def _move_clock(self, process: Process) -> None:
        running = sa.select(sla_clock.c.case_id, sla_clock.c.clock).where(sla_clock.c.state == "running")
        with process.g.db.read() as connection:
            found = connection.execute(running.order_by(sla_clock.c.case_id, sla_clock.c.clock)).all()
        if found:
            case_id, clock = self._one(found)
            due = iso(self.world.now + timedelta(hours=self.rng.randrange(1, 200)))
            what = {"clock": clock, "due": due, "reason": "双方同意"}
            self.give(process, self._command(MoveClock, process, case_id, self._lead(), **what))

    def _again(self, process: Process) -> None:
        """The same submit once more: a second click, or a page that heard no answer."""
        if self.given:
            last = self.given[-1] if self.rng.random() < 0.5 else self._one(self.given)
            self.give(process, last.command)

    # ------------------------------------------------------------ what else people ask for
    def _incident(self, process: Process) -> None:
        found = self._values(process, sa.select(incident.c.id).where(incident.c.closed_at.is_(None)))
        if not found:
            return
        chosen, at = self._one(found), self.world.clock_of(process)
        incidents, lead = process.g.incidents, self._lead()
        if self.rng.random() < 0.3:
            self.world.say(process, f"closes incident {chosen}")
            incidents.close(chosen, lead, "已人工处理", at)
            return
        element = incidents.get(chosen).element
        skip = (element,) if element and self.rng.random() < 0.4 else ()
        self.world.say(process, f"retries incident {chosen}, passing over {skip}")
        stored = incidents.get(chosen).command
        attempt = None
        if stored.get("type") == "complete":
            command = CompleteTask(
                case_id=incidents.get(chosen).case_id, task=stored["task"], data=stored["data"],
                actor=stored["actor"], at=iso(at),
            )  # fmt: skip
            attempt = self.world.record.attempt(command)
        try:
            receipt = incidents.retry(chosen, lead, at, skip)
            if attempt is not None:
                attempt.outcome, attempt.receipt = ACKNOWLEDGED, receipt
        finally:
            if attempt is not None:
                attempt.ended = self.world.record.next()

    def _send_again(self, process: Process) -> None:
        stopped = sa.select(outbox.c.id).where(outbox.c.state.in_(("failed", "unknown")))
        if found := self._values(process, stopped):
            chosen = self._one(found)
            self.world.say(process, f"sends {chosen} again")
            self.world.record.asked_again.append((self.world.record.next(), chosen))
            process.g.outbox.send_again(chosen, self.world.clock_of(process))

    def _erase(self, process: Process) -> None:
        closed = self._values(process, sa.select(cases.c.id).where(cases.c.state == "closed"))
        if closed:
            chosen = self._one(closed)
            self.world.say(process, f"erases {chosen}")
            self.world.record.maybe_erased.add(chosen)
            erasure.erase(process.g, [chosen], REQUEST)
            self.world.record.erased.add(chosen)

    def _publish(self, process: Process) -> None:
        self.world.say(process, "publishes")
        process.g.releases.publish(self.world.stage.reworded(), "folder", "another text", process.g.now())

    # ------------------------------------------------------------ workers
    def _round(self, process: Process) -> None:
        if self.has_schedule:
            done = work_once(process.g, self.world.clock_of(process))
            self.world.say(process, f"a whole round: {done} done")
        else:
            self._timers(process)
            self._outbox(process)

    def _timers(self, process: Process) -> None:
        self._counted(process, "timers", process.g.timers.wake_due)

    def _outbox(self, process: Process) -> None:
        self._counted(
            process, "outbox", lambda now: [f"{s.id} {s.state}" for s in process.g.outbox.work(now)]
        )

    def _schedule(self, process: Process) -> None:
        if self.has_schedule:
            self._counted(process, "schedule", process.g.schedule.open_due)

    def _stuck(self, process: Process) -> None:
        self._counted(process, "stuck cases", process.g.incidents.find_stuck)

    def _files(self, process: Process) -> None:
        self._counted(process, "files", lambda now: leftovers.settle(process.g, now))

    def _counted(self, process: Process, what: str, work: Callable[[datetime], Any]) -> None:
        done = work(self.world.clock_of(process))
        if done:
            self.world.say(process, f"{what}: {done}")

    # ------------------------------------------------------------ choosing
    def _one(self, among: Any) -> Any:
        return self.rng.choice(among)

    def _lead(self) -> str:
        return self._person(LEADS)

    def _person(self, able: Any) -> str:
        """One of the able; now and then somebody else."""
        if able and self.rng.random() < 0.93:
            return str(self._one(able))
        return str(self._one(DEMO_PEOPLE).name)

    def _fit(self, process: Process, case_id: str, number: int) -> str:
        found = process.g.db.rows(
            sa.select(task.c.role, task.c.skill, task.c.department).where(
                task.c.case_id == case_id, task.c.task == number
            )
        )
        able = [
            p.name
            for p in DEMO_PEOPLE
            for role, skill, department in found
            if role in p.roles and skill in (None, *p.skills) and department in (None, *p.departments)
        ]
        return self._person(able)

    def _command(
        self, kind: Callable[..., Command], process: Process, case_id: str, actor: str, **what: Any
    ) -> Command:
        return kind(case_id=case_id, actor=actor, at=process.g.now(), **what)

    def _values(self, process: Process, query: Any) -> list[Any]:
        with process.g.db.read() as connection:
            return sorted(connection.scalars(query))

    def _count(self, process: Process) -> int:
        return len(self._values(process, sa.select(cases.c.id).where(cases.c.external_id.like("T-%"))))

    def _case(self, process: Process) -> str | None:
        found = self._values(process, sa.select(cases.c.id).where(cases.c.state == "open"))
        return self._one(found) if found else None

    def _task(self, process: Process) -> tuple[str, int] | None:
        """An open task; now and then one that was open some time ago."""
        if self.seen and self.rng.random() < 0.06:
            return self.rng.choice(self.seen)
        with process.g.db.read() as connection:
            open_now = sa.select(task.c.case_id, task.c.task).where(task.c.state == "open")
            found = connection.execute(open_now.order_by(task.c.case_id, task.c.task)).all()
        if not found:
            return None
        # A case that is worked on comes to its end; one among many hardly would.
        row = found[0] if self.rng.random() < 0.5 else self.rng.choice(found)
        chosen = str(row[0]), int(row[1])
        self.seen.append(chosen)
        return chosen
