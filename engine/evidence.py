"""Evidence: whether the files that a case's history names are still what was given."""

from __future__ import annotations

from collections.abc import Iterator

from . import store
from .app import Gongdan
from .attachments import Folder, named
from .sealing import Seal


def faults(gongdan: Gongdan, case_id: str) -> Iterator[str]:
    """What is wrong with the files that the history of a case names; nothing is known of an erased one's."""
    key = gongdan.keys.get(case_id)
    if key is None:
        return
    seal, folder = Seal(key, frozenset()), Folder(gongdan.settings.var, case_id)
    commands = [seal.parse(row.command) for row in store.rows(gongdan.db, case_id)]
    for described in named([command.get("data") for command in commands]):
        fault = folder.fault(described["sha256"])
        if fault is not None:
            yield f"the file {described['name']!r} {fault}"
