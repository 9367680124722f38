"""Time in tests: it stands still until a test lets it pass."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

SHANGHAI, UTC = ZoneInfo("Asia/Shanghai"), ZoneInfo("UTC")


class Clock:
    """A simulated clock: ``now`` is what commands carry as ``at`` (ISO 8601, UTC)."""

    def __init__(self, local: str = "2026-03-02 09:00") -> None:
        self.set(local)

    def set(self, local: str) -> str:
        """Go to ``YYYY-MM-DD HH:MM`` in Shanghai; returns the instant."""
        self._at = datetime.fromisoformat(local).replace(tzinfo=SHANGHAI).astimezone(UTC)
        return self.now

    def advance(self, **span: float) -> str:
        """Let time pass (keywords of ``timedelta``); returns the new instant."""
        self._at += timedelta(**span)
        return self.now

    @property
    def instant(self) -> datetime:
        """The current instant, as the engine's workers take it."""
        return self._at

    @property
    def now(self) -> str:
        """The current instant."""
        return self._at.isoformat(timespec="seconds")
