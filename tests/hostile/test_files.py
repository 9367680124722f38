"""Spoilt files by the thousand: each is refused in words or runs, none crashes, escapes, or takes long or much."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from engine.base.settings import CHECKOUT

SECONDS = 2.0  #: of CPU for one file
MEGABYTES = 200.0  #: above a process at rest
BATCH = 500


def judged(first: int, count: int) -> dict[str, Any]:
    """What a process of its own says of spoilt files ``first`` to ``first + count - 1``."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.child", str(first), str(count)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.timeout(3_600)
def test_spoilt_files_are_refused_in_words_or_run(full: bool, record_property: Any) -> None:
    batches = [judged(first, BATCH) for first in range(0, 10_000 if full else BATCH, BATCH)]
    for trouble in ("crashes", "unclear", "escaped"):
        found = [line for batch in batches for line in batch[trouble]]
        assert not found, f"{len(found)} {trouble}, such as\n" + "\n".join(found[:5])
    assert max(batch["slowest"] for batch in batches) < SECONDS
    assert max(batch["megabytes"] for batch in batches) < MEGABYTES
    ends = {
        name: sum(b["ends"].get(name, 0) for b in batches) for name in ("refused", "failed", "walked", "done")
    }
    files = sum(batch["files"] for batch in batches)
    assert sum(ends.values()) == files
    assert ends["refused"] > files / 2, "most are spoilt for good"
    assert ends["done"] + ends["walked"] > files / 10, "and enough get through lint to be run"
    record_property(
        "fault",
        f"{files:,} spoilt files: {ends['refused']:,} refused, {ends['done'] + ends['walked']:,} ran, "
        f"{ends['failed']:,} became an incident or a refusal, 0 crashes; slowest "
        f"{max(b['slowest'] for b in batches):.2f} s, {max(b['megabytes'] for b in batches):.0f} MB at most",
    )
