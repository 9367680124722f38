"""Faults that nothing can notice, each with the reason: ``equivalent.json`` beside this module."""

from __future__ import annotations

import json
from pathlib import Path

from .mutants import Key, mutants_of

FILE = Path(__file__).with_name("equivalent.json")


def known(file: Path = FILE) -> dict[Key, str]:
    """Faults by their key, and why nothing can notice them."""
    entries = json.loads(file.read_text())
    return {
        (one["module"], one["line"], one["kind"], one["was"], one["becomes"], one.get("again", 0)): one[
            "reason"
        ]
        for one in entries
    }


def stale(root: Path, file: Path = FILE) -> list[str]:
    """Entries that name no fault of the code as it is, in words: the line was changed, and with it the reason."""
    listed = known(file)
    there = {mutant.key for module in {key[0] for key in listed} for mutant in mutants_of(root, module)}
    return [
        f"{file.name}: no such fault any more, remove it or look at it again: {' | '.join(map(str, key))}"
        for key in listed
        if key not in there
    ]
