"""What a form is made of. Built only by :mod:`engine.forms.loading`, never changed afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol

from engine.bpmn.conditions import Condition

Text = Mapping[str, str]  #: one text by locale, always those of :data:`engine.base.locales.WRITTEN`
Choice = str | int | bool


class SchemaValidator(Protocol):
    """A compiled JSON Schema."""

    def is_valid(self, instance: Any) -> bool:
        """Whether the value fits."""

    def iter_errors(self, instance: Any) -> Any:
        """Why it does not."""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a radio, select or checkboxes field."""

    value: Choice
    label: Text


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition over fields that must hold; its message stands at ``field`` ("": the whole form)."""

    check: Condition
    field: str
    message: Text


@dataclass(frozen=True, slots=True)
class Default:
    """What a field holds when the form is first shown: a literal or an expression over the case's data."""

    value: Any = None
    expression: Condition | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A distance from now, or an expression over the answers and the case's data that gives an instant or day."""

    offset: timedelta = timedelta()
    expression: Condition | None = None

    @property
    def is_now(self) -> bool:
        """Whether it is the instant of the answer itself."""
        return self.expression is None and not self.offset


class Counts(StrEnum):
    """What of an answer becomes a fact that reports count by."""

    ASKED = "asked"
    DECIDED = "decided"
    GIVEN = "given"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Mark:
    """How one answer is counted; of rows, those with ``column`` filled in, as the fact ``fact``."""

    counts: Counts
    column: str = ""
    fact: str = ""


@dataclass(frozen=True)
class Field:
    """One question of a form."""

    name: str
    widget: str
    schema: Mapping[str, Any]
    validator: SchemaValidator
    label: Text
    help: Text | None = None
    section: Text | None = None
    options: tuple[Option, ...] = ()
    required: bool = False
    required_if: Condition | None = None
    show_if: Condition | None = None
    personal: bool = False
    told: Condition | None = None  #: when the answer is what the customer was told; None: it never is
    default: Default | None = None
    rows: Group | None = None  #: the columns of a ``rows`` field
    accept: tuple[str, ...] = ()  #: file name endings, with their dot
    max_size: int = 0  #: bytes of one file
    earliest: Bound | None = None  #: of a day or instant; None: the usual one
    latest: Bound | None = None
    shown_as: str | None = None  #: of a ``readonly`` field: ``money`` for fen that are shown in yuan
    report: Mark | None = None  #: what reports count of the answer
    controls: bool = False  #: whether another field appears or becomes required by this one

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Every expression that decides whether the field is asked and needed, and within which bounds."""
        bounds = [bound.expression for bound in (self.earliest, self.latest) if bound is not None]
        return tuple(c for c in (self.show_if, self.required_if, *bounds) if c is not None)

    @cached_property
    def choices(self) -> Mapping[str, Choice]:
        """Option values by the text that stands for them in HTML."""
        return {choice_text(option.value): option.value for option in self.options}

    @property
    def free_text(self) -> bool:
        """Whether a person writes a text of their own here: one that no list of choices gives."""
        return (
            self.widget in ("text", "textarea") and self.schema.get("type") == "string" and not self.options
        )


@dataclass(frozen=True)
class Group:
    """Ordered fields with their rules: a form, or one row of a ``rows`` field."""

    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    by_name: Mapping[str, Field] = field(default_factory=dict)
    outside: frozenset[str] = frozenset()  #: names its conditions read that are none of its fields


def choice_text(value: Choice) -> str:
    """The text that stands for an option's value in HTML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
