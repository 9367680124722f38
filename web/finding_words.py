"""The first findings of a verification in the language of the page: they are recorded in the words of the engine."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask_babel import gettext

from engine.operations.inspection import Fault

from . import damage

_OF_A_CASE = re.compile(r"(\S+) row (\d+|None): (.*)", re.DOTALL)
Said = re.Match[str]


def told(finding: str) -> str:
    """A finding (engine/proof/verifications.py) in words; what no words are known for stands as it was recorded."""
    if (of := _OF_A_CASE.fullmatch(finding)) is not None:
        fault = Fault(of[3], int(of[2]) if of[2] != "None" else None)
        return gettext("Case %(number)s: %(what)s", number=of[1], what=damage.told(fault))
    for begins, words in _WHERE.items():
        if (where := re.match(begins, finding)) is not None:
            return gettext("%(where)s: %(what)s", where=words(where), what=_what(finding[where.end() :]))
    return finding


def _what(reason: str) -> str:
    return next((words() for like, words in _WHAT.items() if re.match(like, reason)), reason)


def _row(thing: str, row: str | None) -> str:
    return thing if row is None else gettext("%(thing)s, row %(row)s", thing=thing, row=row)


#: how findings beside the cases begin (engine/proof/records.py, log_check.py, engine/cli/verify.py) → what is meant
_WHERE: dict[str, Callable[[Said], str]] = {
    r"the access log(?:, row (\d+))?: ": lambda of: _row(gettext("Access log"), of[1]),
    r"the verifications(?:, row (\d+))?: ": lambda of: _row(gettext("Verifications"), of[1]),
    r"the security log(?:, row (\d+))?: ": lambda of: _row(gettext("Security log"), of[1]),
    r"(?:release|publication) (\S+): ": lambda of: gettext("Release %(number)s", number=of[1]),
    r"the checkpoint of (\d+) leaves:? (?:is )?": lambda of: gettext(
        "Checkpoint of %(size)s leaves", size=of[1]
    ),
    r"the log: ": lambda of: gettext("Log of the checkpoints"),
    r"the log does not continue what was kept: ": lambda of: gettext("Held against what was kept"),
}
#: how their reasons begin (these, engine/proof/held.py, log.py, notes.py, engine/storage/chains.py) → what is said
_WHAT: dict[str, Callable[[], str]] = {
    "where the chain (?:ends|begins) is not known": lambda: gettext("where it begins or ends is not known"),
    "the chain |the log is shorter": lambda: gettext("it ends elsewhere than it should"),
    r"row \d+ is gone": lambda: gettext("its end was cut off since the checkpoint"),
    "a column holds something else": lambda: gettext("it holds something that was never written there"),
    "the row was changed": lambda: gettext("it was changed, or one before it is missing"),
    "its beginning was cut off": lambda: gettext(
        "its beginning was cut off, and nothing in the security log says so"
    ),
    "the release is missing|missing": lambda: gettext("it is missing"),
    "its files are others": lambda: gettext("its files are others than when the checkpoint was made"),
    "who published it": lambda: gettext(
        "who published it, when or why is told otherwise than when the checkpoint was made"
    ),
    r"row \d+ is another one": lambda: gettext("it is another one than when the checkpoint was made"),
    "it is not the newest": lambda: gettext(
        "which release is in force is told otherwise: it must be the newest"
    ),
    r"it is of \d+ leaves|this was signed by|the signature of|this is no checkpoint": lambda: gettext(
        "it is not what was signed, or another key signed it"
    ),
    r"hash \d+ of level|the log is not whole": lambda: gettext("its hashes are not those of its leaves"),
    r"the leaves of the log give another root|its first \d+ leaves|leaf \d+ of the log \(": lambda: gettext(
        "its leaves are others than were signed"
    ),
    r"leaf \d+ of the log is missing|a line of this file": lambda: gettext(
        "a leaf is missing or cannot be read"
    ),
}
