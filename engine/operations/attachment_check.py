"""Evidence: whether the files of a case are those that its history names, all of them and still what was given."""

from __future__ import annotations

from collections.abc import Iterator

from engine.app import Gongdan
from engine.case import store
from engine.forms.attachments import Folder, named
from engine.forms.files import FileMeta
from engine.privacy.sealing import Seal


def faults(gongdan: Gongdan, case_id: str) -> Iterator[str]:
    """What is wrong with the files that the history of a case names; nothing is known of an erased one's."""
    folder = Folder(gongdan.settings.var, case_id)
    for described in _named(gongdan, case_id):
        fault = folder.fault(described["sha256"])
        if fault is not None:
            yield f"the file {described['name']!r} {fault}"


def unnamed(gongdan: Gongdan, case_id: str) -> list[str]:
    """Digests of files in the folder of a case that its history does not name: nobody ever sent them."""
    return Folder(gongdan.settings.var, case_id).unnamed(named_by(gongdan, case_id))


def remove_unnamed(gongdan: Gongdan, case_id: str) -> int:
    """Delete the files that no command of the case names; returns how many.

    Each is taken out of its place before the history is asked once more: a command that named it in this very
    moment gets it back.
    """
    folder, removed = Folder(gongdan.settings.var, case_id), 0
    for sha256 in unnamed(gongdan, case_id):
        aside = folder.set_aside(sha256)
        if sha256 in named_by(gongdan, case_id):
            aside.replace(folder.path / sha256)
            continue
        (folder.path / sha256).with_suffix(".json").unlink(missing_ok=True)
        aside.unlink()
        removed += 1
    return removed


def named_by(gongdan: Gongdan, case_id: str) -> set[str]:
    """Digests of the files that the history of a case names."""
    return {str(described["sha256"]) for described in _named(gongdan, case_id)}


def _named(gongdan: Gongdan, case_id: str) -> Iterator[FileMeta]:
    key = gongdan.keys.get(case_id)
    if key is None:
        return iter(())
    seal = Seal(key, frozenset())
    commands = [seal.parse(row.command) for row in store.rows(gongdan.db, case_id)]
    return named([command.get("data") for command in commands])
