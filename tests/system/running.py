"""Running one seed from its beginning to its verdict."""

from __future__ import annotations

import shutil
import sqlite3
import traceback
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from engine.base.errors import GongdanError
from engine.storage.tables import cases, outbox

from .judge import faults, heads
from .stage import Stage
from .steps import Business
from .world import Process, World

STEPS = range(30, 81)  #: of one run
ROUNDS = 60  #: at most, until nothing is left to be done
#: what goes wrong, and how the trace says so
MARKS = {
    "processes stopped": "! it stops",
    "power cuts": "! all stop",
    "disks full, busy or interrupted": "meets a disk",
    "races": "stands still meanwhile",
    "answers unknown": "unknown'",
    "clocks set": "its clock is set",
    "erasures": "erases",
    "refusals": " – Rejected",
    "answers given again": "as before",
}
WRONG = (
    GongdanError,
    sa.exc.SQLAlchemyError,
    sqlite3.Error,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
)
HALTED = "it cannot go on"  #: begins the fault of a run that an error ended
SHOWN = 30  #: last steps that a failure tells


@dataclass(frozen=True)
class Outcome:
    """What came of one seed: what is wrong, the whole trace, and a digest of trace and histories."""

    seed: int
    faults: list[str]
    trace: list[str]
    digest: str

    def happened(self) -> list[str]:
        """What went wrong in the run, each time."""
        return [word for line in self.trace for word, mark in MARKS.items() if mark in line]

    def told(self) -> str:
        """The failure in words, and how to see it again."""
        return "\n".join([
            f"seed {self.seed}: {len(self.faults)} faults",
            *(f"  {fault}" for fault in self.faults[:20]),
            f"the last {SHOWN} of {len(self.trace)} lines:",
            *self.trace[-SHOWN:],
            f"again: GONGDAN_SEED={self.seed} .venv/bin/python -m pytest tests/system -k one_seed",
        ])  # fmt: skip


def run_seed(stage: Stage, folder: Path, seed: int) -> Outcome:
    """Run one seed in the new folder ``folder``, which is gone afterwards."""
    world = World(stage, folder, seed, lambda world, process: business(world, process))
    business = Business(world)
    found: list[str] = []
    end = ""

    def judge(process: Process) -> None:
        nonlocal end
        come_to_rest(world, process)
        found.extend(faults(world, process))
        end = heads(process.g)

    try:
        with world.simulated():
            world.run(world.rng.choice(STEPS))
            world.settle(judge)
    except WRONG:
        found.append(f"{HALTED}: {traceback.format_exc()}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found += world.record.unforeseen
    return Outcome(seed, found, world.trace, world.digest(end))


def come_to_rest(world: World, process: Process) -> None:
    """Let time do what is due and the outbox send what it holds, until nothing is left."""
    world.say(process, "everything comes to rest")
    world.pass_time(timedelta(minutes=10))  # past every lease
    for _ in range(ROUNDS):
        done = process.g.timers.wake_due(world.now) + len(process.g.outbox.work(world.now))
        if done:
            continue
        waiting = sa.select(sa.func.min(outbox.c.next_at)).where(outbox.c.state.in_(("pending", "sending")))
        next_at = process.g.db.rows(waiting)[0][0]
        due = process.g.db.rows(sa.select(sa.func.min(cases.c.next_due)))[0][0]
        if next_at is None and (due is None or due > world.now.isoformat()):
            return
        world.pass_time(timedelta(minutes=30))
