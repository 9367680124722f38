"""Everything Gongdan can refuse or fail with. One root; HTTP status lives only in ``web/errors.py``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class GongdanError(Exception):
    """Something was refused or failed; the message says what is wrong and how to mend it.

    ``template`` is the message with ``{names}`` for the ``values`` it tells: pages translate it whole.
    """

    seq: int | None = (
        None  #: where the history of the case ended that it failed on, if whoever raised it knows
    )

    def __init__(self, message: str = "", **values: object) -> None:
        self.template = message
        self.values = values
        super().__init__(message.format(**values) if values else message)


class ConfigurationError(GongdanError):
    """A setting is missing or cannot be used; the message names its environment variable."""


class NoDatabase(ConfigurationError):
    """There is no database of Gongdan where the settings say, and a command that reads makes none."""


class NewerDatabase(GongdanError):
    """The database was brought into a shape that only a newer version of Gongdan knows."""


class NotFound(GongdanError):
    """The thing does not exist, or the actor must not know that it does."""


class NotAllowed(GongdanError):
    """The actor may not do this."""


class Rejected(GongdanError):
    """The command does not fit the state of the case ("Expected …, but …")."""


class Conflict(Rejected):
    """Somebody else was first: the case, task or claim changed meanwhile."""


class Unavailable(GongdanError):
    """Nothing can be written just now (database or disk full, locked, restarted). Nothing of it was kept."""


class InvalidForm(GongdanError):
    """Form data does not satisfy the form.

    ``errors`` holds ``(field, message key, parameters)`` per finding; the field is ``""`` for the whole form.
    """

    def __init__(self, form: str, errors: Sequence[FieldError]) -> None:
        self.form = form
        self.errors = list(errors)
        super().__init__(f"form {form!r}: " + "; ".join(f"{e.field}: {e.code}" for e in self.errors))


@dataclass(frozen=True, slots=True)
class FieldError:
    """One finding on one field: a stable ``code`` for translation and its parameters."""

    field: str
    code: str
    parameters: Mapping[str, object] = dataclasses.field(default_factory=dict)


class InvalidFile(GongdanError):
    """A diagram, table, form or calendar file cannot be used as it is."""


class Damaged(GongdanError):
    """What the database holds is not what the engine wrote there: somebody changed it, or the disk did."""


class UnknownYear(GongdanError):
    """The business calendar does not cover a year that the computation touches."""


class TechnicalFailure(GongdanError):
    """An automatic step crashed. The command was rolled back; an incident records it where there is a case."""

    incident: str | None = None  #: the id of that incident

    def __init__(self, message: str, element: str | None = None, line: int | None = None) -> None:
        self.element = element
        self.line = line
        super().__init__(message)


class Diverged(TechnicalFailure):
    """A case's history does not execute as it was recorded: it was changed, or the engine was without a new version."""


class Runaway(TechnicalFailure):
    """A command ran more automatic steps or made more tasks than a command may."""
