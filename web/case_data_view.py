"""Case data in words: labels and values by the forms of the release that collected them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext

from engine.base.locales import in_language
from engine.forms import Field, Form, show
from engine.forms.attachments import describes_file
from engine.queries.timeline import Answered
from engine.release.release import Release

from . import formatting
from .i18n import joined, listed, locale

Line = tuple[str, str]  #: label and value
Change = tuple[str, bool, str | None, str | None]
_FORMAT = "%Y-%m-%d %H:%M"
_ENGINE = frozenset({"case_no", "case_opened_at"})  #: data the engine gives every case


@dataclass(frozen=True, slots=True)
class Reading:
    """The data of a case read by the forms of its release: each name first by the form that asked for it last."""

    release: Release
    answered: Answered

    def _field(self, name: str) -> Field | None:
        form = self.release.forms.get(self.answered.get(name) or "")
        asked = next((field for field in form.fields if field.name == name), None) if form else None
        return asked or self.release.fields.get(name)

    def label(self, name: str) -> str | None:
        """What the forms call the data ``name``; None for data that no form asks for."""
        fixed = {
            "case_no": gettext("Case number"),
            "case_opened_at": gettext("Case opened"),
        }.get(name)
        field = self._field(name)
        return fixed or (in_language(field.label, locale()) if field else None)

    def text(self, name: str, value: Any) -> str:
        """``value`` as people read it: options by their labels, instants in Shanghai, money in yuan."""
        return _text(self._field(name), value)

    def lines(self, data: Mapping[str, Any], leave_out: Form | None = None) -> list[Line]:
        """The data that forms know, as label and text, in the order it was collected.

        What nobody answered was set by the diagram, and says so.
        """
        skipped = leave_out.names if leave_out else frozenset()
        found = []
        for name, value in data.items():
            title, words = self.label(name), self.text(name, value)
            if title and words and name not in skipped:
                fixed = name in _ENGINE or name in self.answered
                found.append(
                    (title if fixed else gettext("%(label)s (set by the process)", label=title), words)
                )
        return found

    def technical(self, data: Mapping[str, Any]) -> list[Line]:
        """The rest: what scripts and tables of the diagrams set."""
        return [(name, self.text(name, value)) for name, value in data.items() if self.label(name) is None]

    def changes(self, found: Iterable[tuple[str, Any, Any]]) -> list[Change]:
        """(name, whether a form knows it, before, after) of changed data, forms' data first; None: not there."""
        told = []
        for name, before, after in found:
            title = self.label(name)
            texts = [None if value is None else self.text(name, value) for value in (before, after)]
            told.append((title or name, title is not None, texts[0], texts[1]))
        return sorted(told, key=lambda change: not change[1])


def _text(field: Field | None, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        if any(isinstance(one, Mapping) for one in value):
            return "\n".join(_record(field, one) for one in value)
        return listed(_text(field, one) for one in value)
    if isinstance(value, Mapping) and field is not None and field.widget == "timerange":
        return f"{value.get('from')}–{value.get('to')}"
    if isinstance(value, Mapping):
        return _record(field, value)
    if field is not None:
        for option in field.options:
            if option.value == value:
                return in_language(option.label, locale())
        if "money" in (field.widget, field.shown_as):
            return show(field, value)
        if field.widget == "datetime" and isinstance(value, str):
            return formatting.parse(value).strftime(_FORMAT)
    if isinstance(value, str) and _is_instant(value):
        return formatting.parse(value).strftime(_FORMAT)
    return str(value)


def _record(field: Field | None, value: Any) -> str:
    """One row of a table, a file by its name, or what a script put together: each part with what it is called."""
    if not isinstance(value, Mapping):
        return _text(field, value)
    if describes_file(value):
        return str(value["name"])
    columns = {column.name: column for column in (field.rows.fields if field and field.rows else ())}
    parts = []
    for name in [
        *(name for name in columns if name in value),
        *(name for name in value if name not in columns),
    ]:
        words = _text(columns.get(name), value[name])
        if words:
            label = in_language(columns[name].label, locale()) if name in columns else name
            parts.append(gettext("%(label)s: %(value)s", label=label, value=words))
    return joined(parts)


def _is_instant(value: str) -> bool:
    return len(value) >= 19 and value[4:5] == "-" and value[10:11] == "T" and value.endswith("+00:00")
