"""A form: which questions a user task asks, and whether answers satisfy it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.base.errors import FieldError, InvalidForm

from . import checking, parsing
from .draft import Draft
from .files import Recall, Store
from .loading import FORM_KEYS, read_group, read_json
from .model import Field, Group, Text
from .names import why_not
from .values import FUNCTIONS, Refused, clean_datetime

Values = dict[str, Any]
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Submission:
    """An HTML submission: ``values`` to show again, ``clean`` ones to use when there are no errors."""

    values: Values
    clean: Values
    errors: list[FieldError]


@dataclass(frozen=True)
class Form:
    """The questions of one user task. Made by :meth:`load`; immutable and safe to share between threads."""

    key: str
    title: Text
    source: str
    group: Group
    intro: Text | None = None

    @classmethod
    def load(cls, data: bytes, path: str = "") -> Form:
        """Read a form file. Raises :class:`InvalidFile`: everything wrong, where, and how to mend it."""
        draft = Draft(path)
        raw = draft.mapping(read_json(data, draft), "", FORM_KEYS)
        key = raw.get("key")
        if reason := why_not(key):
            draft.wrong("key", reason, "name the form like its file, without .json")
        elif path and path.rpartition("/")[2] != f"{key}.json":
            draft.wrong("key", f"is {key!r}, unlike the file's name", "give both the same name")
        title = draft.text(raw.get("title"), "title")
        intro = draft.text(raw["intro"], "intro") if "intro" in raw else None
        source = raw.get("source")
        if not isinstance(source, str) or not source.strip():
            draft.wrong("source", "is missing", "name the passage the form comes from, or why it exists")
        group = read_group(draft, raw.get("fields"), raw.get("rules", []), "")
        if draft.problems:
            raise draft.give_up()
        return cls(str(key), title, str(source), group, intro)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The questions in order."""
        return self.group.fields

    def field(self, name: str) -> Field:
        """The field of that name; raises ``KeyError``."""
        return self.group.by_name[name]

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of data this form gives; one that a submission leaves out has no value any more."""
        return frozenset(field.name for field in self.fields if field.widget != "readonly")

    @cached_property
    def personal_names(self) -> frozenset[str]:
        """Fields with personal data, to be sealed; a rows field when any of its columns is personal."""
        return frozenset(
            field.name
            for field in self.fields
            if field.personal
            or (field.rows is not None and any(column.personal for column in field.rows.fields))
        )

    @cached_property
    def text_names(self) -> frozenset[str]:
        """Fields in which a person writes a text of their own; a rows field when any of its columns is one."""
        return frozenset(
            field.name
            for field in self.fields
            if field.free_text
            or (field.rows is not None and any(column.free_text for column in field.rows.fields))
        )

    @cached_property
    def control_names(self) -> frozenset[str]:
        """Fields on which others depend: a page draws the form anew when one changes."""
        return frozenset(field.name for field in self.fields if field.controls)

    @cached_property
    def tells(self) -> bool:
        """Whether any answer of it is something that the customer was told."""
        return any(field.told is not None for field in self.fields)

    def told(self, answers: Mapping[str, Any]) -> list[str]:
        """Which of the given answers are what the customer was told, in the order of the form."""
        return [
            field.name
            for field in self.fields
            if field.told is not None and answers.get(field.name) and field.told.evaluate(answers, {})
        ]

    @property
    def context_names(self) -> frozenset[str]:
        """Names that conditions read from the case's data."""
        return self.group.outside

    def visible(self, data: Mapping[str, Any], now: str) -> tuple[Field, ...]:
        """The fields asked, given the answers so far laid over the case's data."""
        return tuple(field for field, _ in checking.asked(self.group, data, data, condition_functions(now)))

    def initial(self, context: Mapping[str, Any], now: str) -> Values:
        """What the form shows at first: the fields' defaults over the case's data."""
        functions = condition_functions(now)
        values: Values = {}
        for field in self.fields:
            if field.default is None:
                continue
            value = field.default.value
            if field.default.expression is not None:
                value = field.default.expression.evaluate(context, functions)
            if value is None:
                continue
            if field.widget == "datetime":
                value = _whole_minute(field, value)
            values[field.name] = value
        return values

    def parse(
        self,
        getlist: parsing.GetList,
        *,
        files: parsing.GetFiles | None = None,
        store: Store | None = None,
        recall: Recall | None = None,
    ) -> tuple[Values, list[FieldError]]:
        """Typed values of an HTML submission and what could not be understood; see :func:`parsing.parse`."""
        return parsing.parse(self.group, getlist, files, store, recall)

    def check(
        self, values: Any, *, context: Mapping[str, Any] = _NOTHING, now: str
    ) -> tuple[Values, list[FieldError]]:
        """Clean values and every error, without raising. ``now`` is the command's time, ISO 8601 in UTC."""
        if not isinstance(values, Mapping):
            return {}, [FieldError("", "not_an_object")]
        return checking.check(self.group, values, context, condition_functions(now))

    def validate(self, values: Any, *, context: Mapping[str, Any] = _NOTHING, now: str) -> Values:
        """The clean values, hidden fields left out; raises :class:`InvalidForm` with every error."""
        clean, errors = self.check(values, context=context, now=now)
        if errors:
            raise InvalidForm(self.key, errors)
        return clean

    def submit(
        self,
        getlist: parsing.GetList,
        *,
        context: Mapping[str, Any] = _NOTHING,
        now: str,
        files: parsing.GetFiles | None = None,
        store: Store | None = None,
        recall: Recall | None = None,
    ) -> Submission:
        """Parse and check an HTML submission at once; one error a field, the first found."""
        values, unread = self.parse(getlist, files=files, store=store, recall=recall)
        clean, errors = self.check(values, context=context, now=now)
        open_fields = checking.asked(self.group, values, context, condition_functions(now))
        asked = {field.name for field, _ in open_fields}
        first: dict[str, FieldError] = {}
        for error in [*(e for e in unread if e.field.split("-")[0] in asked), *errors]:
            first.setdefault(error.field, error)
        return Submission(values, clean, list(first.values()))

    def press_row_button(self, getlist: parsing.GetList, values: Values) -> bool:
        """Add or remove a row of ``values`` if such a button was pressed; whether there was one."""
        return parsing.press_row_button(self.group, getlist, values)


def condition_functions(now: str) -> dict[str, Callable[..., Any]]:
    """What conditions of forms may call, at the instant ``now``."""
    return {**FUNCTIONS, "now": lambda: now}


def _whole_minute(field: Field, value: Any) -> Any:
    # A datetime control asks for minutes; seconds in the default would make browsers ask for them too.
    try:
        return f"{clean_datetime(field, value)[:16]}:00+00:00"
    except Refused:
        return value
