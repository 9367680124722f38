"""What a person sees who sits down at an open task: its form, the case's data, the words to say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from engine.app import Gongdan
from engine.base.errors import GongdanError, NotAllowed, Rejected
from engine.bpmn.diagrams import Element
from engine.bpmn.spiff import logical_clock
from engine.case import checks
from engine.case.instance import Instance
from engine.forms import Form
from engine.people import respondents
from engine.people.directory import Person
from engine.people.roles import Assignment
from engine.people.rules import check_work


@dataclass(frozen=True, slots=True)
class Words:
    """A text to say, filled for this case; ``fault`` says why it cannot be filled."""

    key: str
    version: int
    source: str
    text: str
    fault: Rejected | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """An open task as its page shows it. ``refusal`` says why this person may not do it (None: they may)."""

    element: Element
    form: Form | None
    data: Mapping[str, Any]
    words: list[Words]
    refusal: NotAllowed | None
    paused: str | None
    duty: Assignment
    excluded: frozenset[str]
    may_pause: bool

    def may_be_given_to(self, person: Person) -> bool:
        """Whether a supervisor may give the task to ``person``."""
        try:
            check_work(person, self.duty, self.excluded)
        except NotAllowed:
            return False
        return True


def desk(g: Gongdan, case_id: str, task: int, person: Person, locale: str, now: str) -> Desk:
    """The open task ``task`` for ``person``; raises Rejected when it is not open any more."""
    instance = g.dispatcher.current(case_id)
    with instance.lock:
        element = instance.element_of(task)
        data = deepcopy(instance.machine.data_of(task))
        duty = instance.assignment_of(task)
        complained = respondents.among(g.db, case_id, g.people.all)
        excluded = frozenset(instance.excluded(task) | complained)
        refused = _refusal(person, duty, excluded)
        world = logical_clock.enter(instance.at_instant(now))
        try:
            words = [_words(instance, key, data, locale) for key in element.listed("say")]
        finally:
            logical_clock.leave(world)
        form = instance.release.forms.get(element.properties.get("form", ""))
        may_pause = person.name not in complained and checks.may_pause(person, instance)
        return Desk(element, form, data, words, refused, instance.paused, duty, excluded, may_pause)


def refusal(g: Gongdan, case_id: str, task: int, person: Person) -> NotAllowed | None:
    """Why ``person`` may not do the open task; None: they may. Raises Rejected when it is not open any more."""
    instance = g.dispatcher.current(case_id)
    with instance.lock:
        complained = respondents.among(g.db, case_id, g.people.all)
        return _refusal(person, instance.assignment_of(task), instance.excluded(task) | complained)


def _refusal(person: Person, duty: Assignment, excluded: Collection[str]) -> NotAllowed | None:
    try:
        check_work(person, duty, excluded)
    except NotAllowed as error:
        return error
    return None


def _words(instance: Instance, key: str, data: Mapping[str, Any], locale: str) -> Words:
    """The text ``key``; ``=name`` is the text whose key stands in the data field ``name``."""
    key = str(data.get(key[1:])) if key.startswith("=") else key
    template = instance.release.templates.get(key)
    if template is None:
        missing = Rejected(
            "Expected text {key!r} in release {number}, but it has none of that name",
            number=instance.release.number,
            key=key,
        )
        return Words(key, 0, "", "", missing)
    functions: dict[str, Callable[..., Any]] = {
        **instance.release.program.scripts.functions,
        "data_get": data.get,
    }
    try:
        return Words(key, template.version, template.source, template.fill(data, functions, locale))
    except Rejected as error:
        return Words(key, template.version, template.source, "", error)
    except GongdanError as error:  # a slot that cannot be computed from this data
        fault = Rejected(
            "Expected text {key!r} to be filled from the case, but it cannot be: {reason}",
            key=key,
            reason=str(error),
        )
        return Words(key, template.version, template.source, "", fault)
