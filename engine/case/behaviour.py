"""Versions of the engine's behaviour. A history row is executed by the rules of the version it names, for ever.

The same commands must give the same effects, or a history that nobody touched looks forged. So whatever changes what
a command does is one named change here, asked for where it matters (``instance.follows(EVERY_TEXT_SEALED)``); the
code of before stays beside it. New commands follow the newest version. ``tests/golden`` holds histories of each.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.base.errors import GongdanError


@dataclass(frozen=True, slots=True)
class Change:
    """One change of behaviour: its name, the first version that has it, and what is different since."""

    name: str
    since: int
    what: str


EVERY_TEXT_SEALED = Change(
    "every_text_sealed",
    2,
    "Every free text that a person typed is sealed, and every reason: until then only fields marked personal, "
    "and texts that repeat one.",
)
MESSAGES_WITHDRAWN = Change(
    "messages_withdrawn",
    2,
    "A service task with the property withdraws takes back messages of the case that are not sent yet.",
)

STUCK_IS_TOLD = Change(
    "stuck_is_told",
    2,
    "A case that is not done and in which nothing can happen any more (no open task, no timer) says so.",
)

RECEIPT_COUNTS = Change(
    "receipt_counts",
    3,
    "A first receipt that a form or a correction names later moves the limits of the whole case, which count from it: "
    "until then they went on counting from the opening.",
)

RELEASE_PROVED = Change(
    "release_proved",
    4,
    "The start of a case says the digest of its release, so that a release whose files were changed is found: until "
    "then a row said the number alone.",
)

RECORDING_PROVED = Change(
    "recording_proved",
    4,
    "Row format 2: the hash of a row covers when it was recorded; until then that instant could be changed unseen.",
)

ERASURE_PROVED = Change(
    "erasure_proved",
    5,
    "An erasure says what the rows hold that stay of the case, by a digest for each table, since nothing derives them "
    "any more: until then they could be changed unseen.",
)

CHANGES = (
    EVERY_TEXT_SEALED,
    MESSAGES_WITHDRAWN,
    STUCK_IS_TOLD,
    RECEIPT_COUNTS,
    RELEASE_PROVED,
    RECORDING_PROVED,
    ERASURE_PROVED,
)
NEWEST = max(change.since for change in CHANGES)


def version(engine: str) -> int:
    """The number of the version that a history row names; raises :class:`GongdanError` for one this code lacks."""
    if not (engine.isascii() and engine.isdigit() and 1 <= int(engine) <= NEWEST):
        raise GongdanError(
            f"a row was written by version {engine!r} of the engine's behaviour, and this program has 1 to {NEWEST}"
        )
    return int(engine)
