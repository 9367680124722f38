"""Events as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict
from typing import BinaryIO

from .cells import BOM, safe
from .events import Trace

COLUMNS = (
    "case_id", "seq", "at", "activity", "lifecycle", "actor", "kind", "process", "element", "task",
    "case_process", "outcome",
)  # fmt: skip


def write_csv(traces: Iterable[Trace], out: BinaryIO) -> int:
    """One line an event (UTF-8 with a byte order mark); returns how many."""
    events = 0
    out.write((BOM + ",".join(COLUMNS) + "\r\n").encode())
    for trace in traces:
        lines = io.StringIO()
        writer = csv.writer(lines)
        for event in trace.events:
            whole = {**asdict(event), "case_process": trace.process, "outcome": trace.outcome or ""}
            writer.writerow([safe(str(whole[name])) for name in COLUMNS])
            events += 1
        out.write(lines.getvalue().encode())
    return events
