"""The worker of ``serve`` in a process of its own, until it is killed: ``python -m tests.fault.background VAR``.

With a second argument its wall clock is that many minutes off.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.app import open_gongdan
from engine.operations.worker import Worker
from tests.fault.installation import settings

READY = "background.ready"  #: the file that says that it works


def main(var: Path, minutes_off: float = 0.0) -> None:
    """Work until killed."""
    off = timedelta(minutes=minutes_off)
    chosen = settings(var, os.environ.get("FAULT_DATABASE_URL", ""), worker_poll_seconds=0.05)
    worker = Worker(open_gongdan(chosen, migrate=False, wall=lambda: datetime.now(UTC) + off))
    (var / READY).touch()
    worker.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(float, sys.argv[2:]))
