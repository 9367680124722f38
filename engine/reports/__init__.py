"""Reports: what was closed in a period, counted from the read models, every figure down to its cases.

Uses delivery, proof, export and everything below. Read first: ``model``, ``read``, ``period``.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.base.errors import NotFound
from engine.storage.database import Database

from . import (
    accountability,
    archive,
    cable,
    callbacks,
    closed_list,
    regulator,
    satisfaction,
    sla,
    spot_checks,
    upgrades,
)
from .model import Asked, Report

Build = Callable[[Database, Asked], Report]

#: name → (what makes it, the kind of period it is usually asked for)
REPORTS: dict[str, tuple[Build, str]] = {
    "closed_list": (closed_list.build, "week"),
    "upgrades": (upgrades.build, "month"),
    "satisfaction": (satisfaction.build, "month"),
    "sla": (sla.build, "month"),
    "regulator": (regulator.build, "month"),
    "archive": (archive.build, "month"),
    "callbacks": (callbacks.build, "month"),
    "spot_checks": (spot_checks.build, "month"),
    "cable": (cable.build, "month"),
    "accountability": (accountability.build, "month"),
}
#: who may read them


def make(db: Database, name: str, asked: Asked) -> Report:
    """The report called ``name``; raises :class:`NotFound`."""
    if name not in REPORTS:
        raise NotFound(f"there is no report {name!r}; there are {', '.join(REPORTS)}")
    return REPORTS[name][0](db, asked)


__all__ = ["REPORTS", "Asked", "Report", "make"]
