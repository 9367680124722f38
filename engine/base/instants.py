"""Instants as Gongdan writes them, and the one zone its people live in."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")  #: where customers are called and clocks hang on walls


def iso(instant: datetime) -> str:
    """ISO 8601 text in UTC."""
    return instant.astimezone(UTC).isoformat()


def instant_of(value: object) -> str | None:
    """``value`` as ISO 8601 text in UTC; None where it is no instant, or says no zone."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return iso(moment) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
