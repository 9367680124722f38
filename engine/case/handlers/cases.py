"""Commands on the case as a whole."""

from __future__ import annotations

from datetime import datetime

from engine.base.facts import Effects, IncidentNoted, ServiceAnswered
from engine.case.behaviour import RELEASE_PROVED
from engine.case.clocks import RECEIVED
from engine.case.commands import AmendData, EraseCase, NoteIncident, RecordServiceResult, StartCase
from engine.case.instance import Instance

from .receipt import counted_from


def start(instance: Instance, command: StartCase) -> Effects:
    """Begin the process; the case knows its number and when it was opened."""
    data = {"case_no": instance.case_id, "case_opened_at": command.at, **command.data}
    instance.respondent = command.respondent
    delta = instance.machine.start(datetime.fromisoformat(command.at), data)
    of_the_case = instance.start_case_clocks(command.at, command.data.get(RECEIVED))
    effects = instance.apply(delta, command.at)
    effects.clocks[:0] = of_the_case
    if instance.follows(RELEASE_PROVED):
        effects.release = instance.release.digest
    return effects


def amend(instance: Instance, command: AmendData) -> Effects:
    """Correct data of what is still running. The correction itself is the command; the effect names the fields."""
    instance.note_texts(command.data)
    delta = instance.machine.amend(datetime.fromisoformat(command.at), command.data)
    effects = counted_from(instance, command.data, command.at, instance.apply(delta, command.at))
    effects.amended = list(command.data)
    return effects


def service_result(instance: Instance, command: RecordServiceResult) -> Effects:
    """Note what a gateway answered."""
    instance.unsent.discard(command.event)
    detail = instance.discreet(command.detail)
    return Effects(service=ServiceAnswered(command.event, command.state, detail))


def incident(instance: Instance, command: NoteIncident) -> Effects:
    """Note that a technical failure was opened, retried or closed."""
    return Effects(incident=IncidentNoted(command.incident, command.action))


def erase(instance: Instance, command: EraseCase) -> Effects:
    """Note that the key of the case was destroyed with this command."""
    return Effects(erased=True)
