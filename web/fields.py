"""Case data in words: labels and values by the forms of the release that collected them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

from flask_babel import gettext

from engine.forms import Field, Form, localised, show
from engine.release import Release
from web import shown
from web.i18n import locale

Line = tuple[str, str]  #: label and value


@lru_cache(maxsize=64)
def _book(release: Release) -> Mapping[str, Field]:
    found: dict[str, Field] = {}
    for form in release.forms.values():
        for field in form.fields:
            if field.widget != "readonly" or field.name not in found:
                found[field.name] = field
    return found


def label(release: Release, name: str) -> str | None:
    """What the forms call the data ``name``; None for data that no form asks for."""
    fixed = {
        "case_no": gettext("Case number"),
        "case_opened_at": gettext("Case opened"),
    }.get(name)
    field = _book(release).get(name)
    return fixed or (localised(field.label, locale()) if field else None)


def text(release: Release, name: str, value: Any) -> str:
    """``value`` as people read it: options by their labels, instants in Shanghai, money in yuan."""
    field = _book(release).get(name)
    return _text(field, value)


def _text(field: Field | None, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        if field is not None and field.rows is not None:
            return "\n".join(_row(field, row) for row in value)
        return "、".join(_text(field, one) for one in value)
    if isinstance(value, dict):
        if (field is not None and field.widget == "file") or ("name" in value and "sha256" in value):
            return str(value.get("name", ""))
        return json.dumps(value, ensure_ascii=False)
    if field is not None:
        for option in field.options:
            if option.value == value:
                return localised(option.label, locale())
        if field.widget == "money":
            return show(field, value)
        if field.widget == "datetime" and isinstance(value, str):
            return shown.parse(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, str) and _is_instant(value):
        return shown.parse(value).strftime("%Y-%m-%d %H:%M")
    return str(value)


def _row(field: Field, row: Any) -> str:
    if field.rows is None or not isinstance(row, Mapping):
        return str(row)
    return "；".join(
        f"{localised(column.label, locale())} {_text(column, row[column.name])}"
        for column in field.rows.fields
        if row.get(column.name) is not None
    )


def _is_instant(value: str) -> bool:
    return len(value) >= 19 and value[4:5] == "-" and value[10:11] == "T" and value.endswith("+00:00")


def lines(
    release: Release, data: Mapping[str, Any], answered: Collection[str], leave_out: Form | None = None
) -> list[Line]:
    """The data that forms know, as label and text, in the order it was collected.

    What nobody ``answered`` was set by the diagram, and says so.
    """
    skipped = leave_out.names if leave_out else frozenset()
    found = []
    for name, value in data.items():
        title, words = label(release, name), text(release, name, value)
        if title and words and name not in skipped:
            fixed = name in _ENGINE or name in answered
            found.append((title if fixed else gettext("%(label)s (set by the process)", label=title), words))
    return found


#: data the engine gives every case
_ENGINE = frozenset({"case_no", "case_opened_at"})


def technical(release: Release, data: Mapping[str, Any]) -> list[Line]:
    """The rest: what scripts and tables of the diagrams set."""
    return [
        (name, text(release, name, value)) for name, value in data.items() if label(release, name) is None
    ]


Change = tuple[str, bool, str | None, str | None]


def changes(release: Release, found: Iterable[tuple[str, Any, Any]]) -> list[Change]:
    """(name, whether a form knows it, before, after) of changed data, forms' data first; None: not there."""
    told = []
    for name, before, after in found:
        title = label(release, name)
        texts = [None if value is None else text(release, name, value) for value in (before, after)]
        told.append((title or name, title is not None, texts[0], texts[1]))
    return sorted(told, key=lambda change: not change[1])
