"""Commands on the case as a whole."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.case.clocks import RECEIVED
from engine.case.effects import Effects
from engine.case.instance import Instance

from .receipt import counted_from


def start(instance: Instance, command: dict[str, Any]) -> Effects:
    """Begin the process; the case knows its number and when it was opened."""
    at = command["at"]
    data = {"case_no": instance.case_id, "case_opened_at": at, **command["data"]}
    instance.respondent = command.get("respondent")
    delta = instance.machine.start(datetime.fromisoformat(at), data)
    clocks: Effects = {}
    instance.start_case_clocks(clocks, at, command["data"].get(RECEIVED))
    effects = instance.absorb(delta, at)
    started = clocks.get("clocks", []) + effects.get("clocks", [])
    return {**effects, "clocks": started} if started else effects


def amend(instance: Instance, command: dict[str, Any]) -> Effects:
    """Correct data of what is still running. The correction itself is the command; the effect names the fields."""
    instance.note_texts(command["data"])
    delta = instance.machine.amend(datetime.fromisoformat(command["at"]), command["data"])
    effects = counted_from(instance, command["data"], command["at"], instance.absorb(delta, command["at"]))
    return {**effects, "amended": list(command["data"])}


def service_result(instance: Instance, command: dict[str, Any]) -> Effects:
    """Note what a gateway answered."""
    instance.unsent.discard(command["event"])
    return {"service": [command["event"], command["state"], instance.discreet(command.get("detail"))]}


def incident(instance: Instance, command: dict[str, Any]) -> Effects:
    """Note that a technical failure was opened, retried or closed."""
    return {"incident": [command["incident"], command["action"]]}
