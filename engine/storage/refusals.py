"""What drivers say, as errors of ours."""

from __future__ import annotations

import structlog

from engine.base.errors import Conflict, GongdanError, Rejected, Unavailable

#: what drivers raise, beside their own DataError, for values that no database holds
NO_VALUES = (UnicodeError, OverflowError)
_MALFORMED = "malformed"  #: as SQLite calls a file whose pages make no sense
log = structlog.get_logger("gongdan.database")


def translated(error: BaseException) -> GongdanError:
    """Why a change was not recorded."""
    text = str(error)
    if "UNIQUE" in text or "duplicate key" in text or "unique constraint" in text:
        return Conflict("Expected to be first, but another change was recorded meanwhile")
    if isinstance(error, NO_VALUES) or any(kind.__name__ == "DataError" for kind in type(error).__mro__):
        return refused_values(error)
    return Unavailable(f"the database could not record the change: {first_line(error)}")


def unread(error: BaseException) -> GongdanError | None:
    """Why nothing could be read: the database is away, busy or damaged, or was asked for what it cannot hold.

    None for what is a fault of ours.
    """
    cause = getattr(error, "orig", None) or error
    kinds = {kind.__name__ for kind in type(cause).__mro__}
    if kinds & {"OperationalError", "TimeoutError"}:  # the latter: every connection is taken
        return Unavailable(f"the database cannot be read: {first_line(cause)}")
    if "DataError" in kinds or isinstance(cause, NO_VALUES):
        return refused_values(cause)
    if _MALFORMED in str(cause):
        return Unavailable(
            f"the database is damaged ({first_line(cause)}): "
            "keep a copy of its files and restore a backup (`run.py db restore`)"
        )
    return None


def refused_values(error: BaseException) -> Rejected:
    """What the driver says stays in the log: it repeats the values."""
    log.warning("values refused", reason=type(error).__name__)
    return Rejected("Expected values that the database can hold, but one is none")


def first_line(error: BaseException) -> str:
    """The first line of what it says."""
    return next(iter(str(error).splitlines()), repr(error))
