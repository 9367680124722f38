"""Files that a crash left waiting: those that a case names take their places, the others go.

A form's files wait while its command runs. When the process dies in between, or cannot tell whether the command was
recorded, the history knows, and this asks it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from engine.app import Gongdan
from engine.base.errors import GongdanError
from engine.forms.attachments import Waiting, waiting

from . import attachment_check

log = structlog.get_logger("gongdan.leftovers")
GRACE = timedelta(minutes=15)  #: no command is under way for longer; until then its files may still be named


def settle(gongdan: Gongdan, now: datetime) -> int:
    """Settle what waits; returns how many files took their places or went."""
    done = 0
    known: dict[str, set[str]] = {}
    for one in waiting(gongdan.settings.var):
        case_id = one.folder.case_id
        if case_id not in known:
            try:
                known[case_id] = attachment_check.named_by(gongdan, case_id)
            except (GongdanError, ValueError) as error:  # a damaged history: the files of others go on
                log.warning("files of a case wait on", case=case_id, error=str(error))
                continue
        if one.sha256 not in known[case_id]:
            if now - one.since > GRACE:
                one.path.unlink(missing_ok=True)
                done += 1
        elif one.whole:
            done += _settled(one)
    return done


def _settled(one: Waiting) -> int:
    try:
        one.folder.settle(one.path, one.sha256)
    except FileNotFoundError:  # its own form was faster
        return 0
    except OSError as error:  # no room, no right: it waits on, the others go on
        log.warning("a file waits on", case=one.folder.case_id, error=str(error))
        return 0
    return 1
