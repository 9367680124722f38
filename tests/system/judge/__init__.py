"""The independent model: what must hold of the database, said from what was written down and from plain facts.

Nothing of the engine's logic is used to expect anything; only ``records`` asks the engine what it says of itself.
Read first: ``facts``, ``commands``, ``clocks``.
"""

from __future__ import annotations

from engine.app import Gongdan
from tests.system.world import Process, World

from . import clocks, commands, messages, records
from .facts import read


def faults(world: World, process: Process) -> list[str]:
    """Everything that is wrong at the end of a run, everything being at rest; ``process`` is asked."""
    facts = read(process.g)
    return [
        *commands.faults(world.record, facts),
        *clocks.faults(facts, world.stage.release, world.now),
        *messages.faults(world.record, facts),
        *records.faults(world.record, facts, process.g),
    ]


def heads(gongdan: Gongdan) -> str:
    """The end of every history, in order."""
    found = read(gongdan).history
    return "\n".join(
        f"{case_id} {steps[-1].seq} {steps[-1].hash}" for case_id, steps in sorted(found.items())
    )
