"""Work in a folder that fills up: ``python -m tests.fault.quota VAR``, in a process of its own.

Run inside a mount namespace, VAR is a small file system of its own; where no such thing is allowed, the process
may not make files larger than a few megabytes. Prints what it did as JSON.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import sqlalchemy as sa

from engine.app import Gongdan, open_gongdan
from engine.base.errors import Unavailable
from engine.case.commands import StartCase
from engine.forms.attachments import Folder
from engine.operations.health import FRESH, Health
from engine.storage.tables import cases
from tests.fault import installation as place
from tests.giving import keep

SMALL = 3 << 20  #: bytes of the folder, or of its largest file
LARGE = 64 << 20
HUNGRY = {"note": "x" * 20_000}


def main(var: Path, mounted: bool) -> None:
    """Fill the folder up, see that nothing is half there, make room, go on."""
    _limit(var, mounted, LARGE)
    place.install(var)
    gongdan = open_gongdan(place.settings(var))
    _limit(var, mounted, SMALL)
    health = Health(gongdan)
    acknowledged, refused = _fill(gongdan)
    assert not health.look().well, "whoever asks hears that nothing can be written"
    stored = {row.id for row in gongdan.db.rows(sa.select(cases.c.id))}
    assert stored == set(acknowledged), "what was refused must not be there, what was acknowledged must"
    if mounted:
        _attach(var, acknowledged[0])
    _limit(var, mounted, LARGE)
    time.sleep(2 * FRESH)
    assert health.look().well, "it is well again by itself"
    again, _ = _fill(gongdan, 5)
    assert len(again) == 5, "there is room again"
    assert place.assert_goes_on(gongdan) == len(acknowledged) + 5
    place.assert_proves_itself(gongdan)
    gongdan.close()
    sys.stdout.write(json.dumps({"acknowledged": len(acknowledged) + 5, "refused": refused}))


def _fill(gongdan: Gongdan, most: int = 400) -> tuple[list[str], int]:
    """Cases that were opened, and how often it was refused, until ten refusals or ``most`` cases."""
    acknowledged: list[str] = []
    refused = 0
    while refused < 10 and len(acknowledged) < most:
        command = StartCase(process=place.PROCESS, data=HUNGRY, actor="system:test", at=place.long_ago())
        try:
            acknowledged.append(gongdan.dispatch(command).case_id)
        except Unavailable:
            refused += 1
    return acknowledged, refused


def _attach(var: Path, case: str) -> None:
    """A file that has no room is refused, and leaves nothing behind."""
    folder = Folder(var, case)
    content = b"%PDF-" + b"x" * LARGE
    meta = {"name": "a.pdf", "size": len(content), "type": "application/pdf", "sha256": "0" * 64}
    try:
        keep(folder, meta, content)
    except Unavailable:
        assert not list(folder.waiting.iterdir())
        assert not folder.path.exists()
        return
    raise AssertionError("a file larger than the folder was stored")


def _limit(var: Path, mounted: bool, size: int) -> None:
    if mounted:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(var)], check=True)
    else:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] == "mounted")
