"""What dispatch checks before a command runs: who asks, and whether the form is in order. Pure reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from engine.base.errors import Conflict, FieldError, InvalidForm, NotAllowed, NotFound, Rejected
from engine.base.instants import instant_of, iso
from engine.forms import Form, calls
from engine.forms.names import why_not
from engine.people.directory import People, Person
from engine.people.rights import COMMANDS, SOFTWARE, may
from engine.people.rules import (
    RESPONDENT,
    check_active,
    check_lead,
    check_open,
    check_work,
    fits,
)
from engine.privacy.sealing import MARK, looks_sealed
from engine.release.release import Release

from .commands import (
    AmendData,
    AssignTask,
    ClaimTask,
    Command,
    CompleteTask,
    FireTimer,
    MoveClock,
    PauseClocks,
    ReleaseTask,
    RescheduleTask,
    ResumeClocks,
    StartCase,
)
from .instance import Instance
from .numbers import is_case_number

LONGEST_WAIT = timedelta(days=60)  #: that a supervisor may put a task off
JUST_PASSED = timedelta(days=1)
LONGEST_REASON = 500  #: characters of a reason: it stays in the history for good, and on every page of it
SYSTEM = "system:"  #: actors of this kind are code of ours, never somebody who signed in


def start(command: StartCase, release: Release, people: People) -> None:
    """May this actor open a case of this process? Raises :class:`NotFound` where the release has none such."""
    process = release.process(command.process)
    if command.actor.startswith(SYSTEM):
        return
    person = people.get(command.actor)
    check_active(person)
    check_open(person)
    if not process.startable:
        raise NotAllowed(
            "Expected a process that people may open, but {process!r} is not one", process=command.process
        )


def start_data(command: StartCase, release: Release) -> dict[str, Any]:
    """The start data, with names that a form could have; raises :class:`Rejected` for others."""
    _check_names(command.data, release)
    return dict(command.data)


def _check_names(data: Mapping[str, Any], release: Release) -> None:
    reserved = release.program.scripts.functions
    for name, value in data.items():
        reason = "it is a function of the engine" if name in reserved else why_not(name)
        if reason is not None:
            raise Rejected(
                "Expected names that a form may use, but the data has {name!r}: {reason}",
                name=name,
                reason=reason,
            )
        if looks_sealed(value):
            raise Rejected(
                "Expected plain data, but {name!r} holds an object whose only key is {mark!r}, "
                "which the engine keeps for sealed values",
                name=name,
                mark=MARK,
            )


def command(
    asked: Command,
    at: str,
    instance: Instance,
    people: People,
    is_case: Callable[[str], bool],
    is_about: Callable[[Person], bool],
) -> dict[str, Any]:
    """Check ``asked`` against the live instance; returns what to change in its plain data (checked form values).

    ``is_case`` says whether there is a case of that number, ``is_about`` whether this one complains about a person.
    """
    if isinstance(asked, CompleteTask | FireTimer) and asked.skip:
        _check_lead(people.get(asked.skipped_by or ""), asked, is_about)
    if asked.actor.startswith(SYSTEM):
        return {"due": iso(_instant(asked.due))} if isinstance(asked, MoveClock) else {}
    person = people.known(asked.actor)
    check_active(person)
    if COMMANDS[asked.kind] == SOFTWARE:
        raise NotAllowed(
            "Expected a command people may give, but {kind!r} is the system's own", kind=asked.kind
        )
    if COMMANDS[asked.kind] == "cases.lead":
        _check_lead(person, asked, is_about)
    reason = getattr(asked, "reason", "")
    if len(reason) > LONGEST_REASON:
        raise Rejected(
            "Expected a reason of at most {most} characters, but it has {length}",
            most=LONGEST_REASON,
            length=len(reason),
        )
    match asked:
        case CompleteTask():
            _check_task(person, instance, asked.task, is_about)
            holder = instance.claims.get(asked.task)
            if holder not in (None, person.name):
                raise Conflict(
                    "Expected task {task} to be yours or free, but {person} has claimed it",
                    task=asked.task,
                    person=holder,
                )
            return _checked_form(asked, at, instance, people, is_case, instance.opened_at.get(asked.task))
        case ClaimTask():
            _check_task(person, instance, asked.task, is_about)
        case ReleaseTask():
            if instance.claims.get(asked.task) != person.name:
                _check_lead(person, asked, is_about)
        case AssignTask():
            if not asked.reason.strip():
                raise Rejected("Expected a reason for the assignment, but it is empty")
            _check_task(people.get(asked.to), instance, asked.task, is_about)
        case RescheduleTask():
            instance.open_task(asked.task)
            if not asked.reason.strip():
                raise Rejected("Expected a reason for the new time, but it is empty")
            return {"not_before": _not_before(asked.not_before, at)}
        case MoveClock():
            if not asked.reason.strip():
                raise Rejected("Expected a reason for the new date, but it is empty")
            return {"due": iso(_instant(asked.due))}
        case AmendData():
            if not asked.reason.strip():
                raise Rejected("Expected a reason for the correction, but it is empty")
            _check_names(asked.data, instance.release)
        case PauseClocks() | ResumeClocks():
            if is_about(person):
                raise NotFound(f"there is no case {asked.case_id}")
            if not may_pause(person, instance):
                raise NotAllowed(
                    "Expected a supervisor, or somebody with a task of the case, but {person} is neither",
                    person=person.name,
                )
    return {}


def _instant(asked: str) -> datetime:
    """The instant that is meant; raises :class:`Rejected` for what is none."""
    if (found := instant_of(asked)) is None:
        raise Rejected("Expected an instant with its zone, but {asked!r} is none", asked=asked)
    return datetime.fromisoformat(found)


def _not_before(asked: str | None, at: str) -> str | None:
    """The instant from which a task may be worked on, None for at once.

    At most :data:`LONGEST_WAIT` from now. One that has just passed means at once; one long ago is mistyped.
    """
    if asked is None:
        return None
    instant = _instant(asked)
    now = datetime.fromisoformat(at)
    if not now - JUST_PASSED <= instant <= now + LONGEST_WAIT:
        raise Rejected(
            "Expected a time within {days} days from now, but it is {asked}",
            days=LONGEST_WAIT.days,
            asked=asked,
        )
    return iso(instant) if instant > now else None


def may_pause(person: Person, instance: Instance) -> bool:
    """Whether a person may pause a case: leads any, others those with a task of theirs."""
    return may(person, "cases.lead") or any(
        fits(person, instance.assignment_of(task)) for task in instance.open
    )


def _check_lead(person: Person, asked: Command, is_about: Callable[[Person], bool]) -> None:
    """A lead, and of a case that they may know of."""
    check_active(person)
    check_lead(person)
    if is_about(person):
        raise NotFound(f"there is no case {asked.case_id}")


def _check_task(person: Person, instance: Instance, task: int, is_about: Callable[[Person], bool]) -> None:
    excluded = instance.excluded(task) | ({person.name} if is_about(person) else set())
    check_work(person, instance.assignment_of(task), excluded)


def _checked_form(
    asked: CompleteTask,
    at: str,
    instance: Instance,
    people: People,
    is_case: Callable[[str], bool],
    opened: str | None,
) -> dict[str, Any]:
    """Checked values, and the names an earlier round answered and this one left out."""
    element = instance.element_of(asked.task)
    key = element.properties.get("form")
    form = instance.release.forms.get(key or "")
    if form is None:
        raise Rejected(
            "Expected a form {key!r} for {id!r}, but release {number} has none",
            key=key,
            id=element.id,
            number=instance.release.number,
        )
    context = instance.machine.data_of(asked.task)
    clean = form.validate(asked.data, context=context, now=at)
    planned = instance.not_before.get(asked.task)
    calls.check(form, element, clean, context, opened, planned, instance.release.time)
    _check_cases(form, clean, instance.case_id, is_case)
    _name_respondent(form, clean, people)
    cleared = sorted((form.names - clean.keys()) & context.keys())
    return {"data": clean, "cleared": cleared} if cleared else {"data": clean}


def _name_respondent(form: Form, clean: dict[str, Any], people: People) -> None:
    """Who is complained about is kept off the case by account: written otherwise, the account is found here."""
    written = clean.get(RESPONDENT)
    meant = people.meant_by(written) if isinstance(written, str) else []
    if len(meant) > 1:
        names = ", ".join(person.name for person in meant)
        raise InvalidForm(form.key, [FieldError(RESPONDENT, "several_accounts", {"names": names})])
    if meant:
        clean[RESPONDENT] = meant[0].name


def _check_cases(form: Form, clean: Mapping[str, Any], own: str, is_case: Callable[[str], bool]) -> None:
    """A case that an answer names is another one, and there is one.

    Only asked when the command is given: a replay must not depend on what other cases there are by then.
    """
    errors = []
    for field in form.fields:
        number = clean.get(field.name) if field.widget == "case" else None
        if number is None:
            continue
        if not is_case_number(number):
            errors.append(FieldError(field.name, "not_case_number"))
        elif number == own:
            errors.append(FieldError(field.name, "case_itself"))
        elif not is_case(number):
            errors.append(FieldError(field.name, "no_such_case", {"number": number}))
    if errors:
        raise InvalidForm(form.key, errors)
