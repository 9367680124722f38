"""A process that opens and works cases as fast as it can, and writes down what it was told.

``python -m tests.fault.client VAR LEDGER SEED``: runs until it is killed. A line in the ledger is flushed to disk
after the receipt came back, so the ledger never claims more than was acknowledged.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from engine.app import open_gongdan
from engine.base.errors import Rejected, Unavailable
from engine.case.commands import Command, CompleteTask, StartCase
from engine.storage.tables import task
from tests.fault.installation import AGENT, FORM, PROCESS, long_ago, settings

_OPEN = sa.select(task.c.case_id, task.c.task).where(task.c.state == "open").limit(20)


def main(var: Path, path: Path, seed: str) -> None:
    """Work until killed."""
    gongdan = open_gongdan(settings(var, os.environ.get("FAULT_DATABASE_URL", "")), migrate=False)
    chance = random.Random(seed)
    number = 0
    with path.open("a") as ledger:

        def ask(command: Command) -> None:
            receipt = gongdan.dispatch(command)
            ledger.write(json.dumps({"case": receipt.case_id, "seq": receipt.seq, "key": command.key}) + "\n")
            ledger.flush()
            os.fsync(ledger.fileno())

        while True:
            number += 1
            key = f"{seed}-{number}"
            try:
                open_tasks = gongdan.db.rows(_OPEN)
                if len(open_tasks) < 8 or chance.random() < 0.2:
                    at = long_ago() if chance.random() < 0.4 else datetime.now(UTC).isoformat()
                    ask(StartCase(process=PROCESS, data={}, actor="system:test", at=at, key=key))
                else:
                    case, open_task = chance.choice(open_tasks)
                    at = datetime.now(UTC).isoformat()
                    ask(CompleteTask(case_id=case, task=open_task, data=FORM, actor=AGENT, at=at, key=key))
            except Rejected:
                continue  # another process was first: that is an answer, too
            except Unavailable:
                time.sleep(0.05)  # nothing was acknowledged; try again


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
