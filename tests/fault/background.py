"""A process that wakes due cases and sends the outbox until it is killed: ``python -m tests.fault.background VAR``."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from engine.app import open_gongdan
from engine.worker import work_once
from tests.fault.installation import settings


def main(var: Path) -> None:
    """Work until killed."""
    gongdan = open_gongdan(settings(var, os.environ.get("FAULT_DATABASE_URL", "")), migrate=False)
    while True:
        if not work_once(gongdan, datetime.now(UTC)):
            time.sleep(0.02)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
