"""Leases: who claimed a row works on it until an instant; after that, or when it makes no sense, others may."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from engine.base.instants import iso


def free(lease: sa.Column[str], now: datetime, length: timedelta) -> sa.ColumnElement[bool]:
    """Whether a row may be claimed at ``now``, where claims last ``length``.

    A lease that ends much later than any given now would was given by a clock that is fast: it binds nobody, or
    the row would lie there after that worker died. (A little later is everyday: who claimed first looked at the
    clock last.) What two do with one row must be fenced by other means.
    """
    return sa.or_(lease.is_(None), lease < iso(now), lease > iso(now + 2 * length))
