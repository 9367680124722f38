"""The log: one line an event on standard error, in UTC, with phone numbers masked whatever said them."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from .phones import mask_phones_in


def mask_phones(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: mobile numbers in texts (and in tracebacks) are masked, as on pages."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = mask_phones_in(value)
    return event


def configure(level: str, stream: TextIO | None = None) -> None:
    """Log from ``level`` (``debug``, ``info``, ``warning``, ``error``) on, to ``stream`` or standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask_phones,
            structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
    )
