"""The log: one line an event on standard error, in UTC, with phone numbers masked whatever said them.

As text for people or, where ``GONGDAN_LOG_FORMAT`` says so, as JSON for machines. Then each request and each command
has a line, and every line names the request, the case and the account it belongs to.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import orjson
import structlog

from .phones import mask_phones_in

TEXT, JSON = "text", "json"
REQUEST = "request"  #: the id of a request: what looks like a number to call in it is chance
_detailed, _form = False, TEXT


def mask_phones(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: mobile numbers in texts (and in tracebacks) are masked, as on pages."""
    for name, value in event.items():
        if isinstance(value, str) and name != REQUEST:
            event[name] = mask_phones_in(value)
    return event


def detailed() -> bool:
    """Whether what is everyday (each request, each command) has a line too."""
    return _detailed


def say(text: str) -> None:
    """Tell the operator something at the start: a line on standard error, or of the log where it is for machines."""
    if _form == JSON:
        structlog.get_logger("gongdan").info(text)
    else:
        sys.stderr.write(f"{text}\n")


def configure(level: str, stream: TextIO | None = None, form: str = TEXT) -> None:
    """Log from ``level`` (``debug``, ``info``, ``warning``, ``error``) on, to ``stream`` or standard error.

    ``form``: :data:`TEXT`, or :data:`JSON`, as which the lines of libraries come, too.
    """
    global _detailed, _form
    _form = form
    number, out = logging.getLevelNamesMapping()[level.upper()], stream or sys.stderr
    _detailed = number <= (logging.INFO if form == JSON else logging.DEBUG)
    end = (
        _as_json
        if form == JSON
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False)
    )
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *_SHARED, end],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=out),
    )
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, _OfLibraries)]:
        root.removeHandler(handler)
    if form == JSON:
        root.addHandler(_OfLibraries(out))
        root.setLevel(max(number, logging.WARNING))


#: what every line goes through
_SHARED: list[structlog.typing.Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    mask_phones,
]


def _as_json(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    """One line, in which nothing of the text can begin another."""
    return orjson.dumps(dict(event), default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class _OfLibraries(logging.StreamHandler[TextIO]):
    """What libraries log by Python's own means (gunicorn, Alembic, Procrastinate), in the same form."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _as_json],
                foreign_pre_chain=[
                    structlog.contextvars.merge_contextvars,
                    structlog.stdlib.add_logger_name,
                    structlog.stdlib.ExtraAdder(allow=()),
                    *_SHARED,
                ],
            )
        )
