"""What a first receipt, learned after the case was opened, does to the limits of the whole case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.base.facts import Effects
from engine.base.instants import instant_of
from engine.case.behaviour import RECEIPT_COUNTS
from engine.case.clocks import RECEIVED
from engine.case.instance import Instance


def counted_from(instance: Instance, data: Mapping[str, Any], at: str, effects: Effects) -> Effects:
    """``effects``, and the clocks that count from a receipt that ``data`` names.

    A limit towards the customer or the regulator runs from the moment when the complaint was heard (domain
    ``limits``), never from later than the opening of the case.
    """
    if not instance.follows(RECEIPT_COUNTS) or (named := instant_of(data.get(RECEIVED))) is None:
        return effects
    opened = str(instance.machine.any_data().get("case_opened_at", at))
    effects.clock_changes += instance.clocks.recount(min(named, opened), at)
    return effects
