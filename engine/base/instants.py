"""Instants as Gongdan writes them, and the one zone its people live in."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")  #: where customers are called and clocks hang on walls


def iso(instant: datetime) -> str:
    """ISO 8601 text in UTC."""
    return instant.astimezone(UTC).isoformat()
