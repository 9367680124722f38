"""From the controls of an HTML submission to typed values; what cannot be understood stays as typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.base.errors import FieldError
from engine.base.texts import seen

from .files import Recall, Store, Upload, take
from .model import Field, Group
from .values import READ, Refused

GetList = Callable[[str], Sequence[str]]
GetFiles = Callable[[str], Sequence[Upload]]

MAX_SUBMITTED_ROWS = 200  #: rows of one field read from a submission at most


def parse(
    group: Group,
    getlist: GetList,
    files: GetFiles | None = None,
    store: Store | None = None,
    recall: Recall | None = None,
    prefix: str = "",
) -> tuple[dict[str, Any], list[FieldError]]:
    """Typed values of all fields that were sent, hidden ones included, and what could not be understood.

    Controls are named like their field, those of rows ``name-index-column``, with the number of rows in
    ``name-count``. ``store`` receives the bytes of new files; ``recall`` finds what an earlier submission
    stored (its digests come back in ``name-kept``).
    """
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for field in group.fields:
        name = prefix + field.name
        match field.widget:
            case "readonly":
                continue
            case "checkbox":
                values[field.name] = any(text not in ("", "false", "0") for text in getlist(name))
            case "checkboxes":
                if chosen := [field.choices.get(text, text) for text in getlist(name) if text]:
                    values[field.name] = chosen
            case "timerange":
                ends = {
                    end: text
                    for end in ("from", "to")
                    if (text := seen(_last(getlist(f"{name}-{end}")), joined=False))
                }
                if ends:
                    values[field.name] = ends
            case "rows" if field.rows is not None:
                rows, wrong = _parse_rows(field.rows, getlist, name)
                errors += wrong
                if rows:
                    values[field.name] = rows
            case "file":
                found, wrong = _parse_files(field, getlist, files, store, recall, name)
                errors += wrong
                if found:
                    values[field.name] = found
            case widget:
                # Marks that nobody sees go before anything is read, or refused for them.
                text = seen(_last(getlist(name)), joined=widget in ("text", "textarea"))
                if not text.strip():
                    continue
                try:
                    values[field.name] = READ[widget](field, text)
                except Refused as refusal:
                    values[field.name] = text
                    errors.append(FieldError(name, refusal.code, refusal.parameters))
    return values, errors


def _last(texts: Sequence[str]) -> str:
    return texts[-1] if texts else ""


def _parse_rows(group: Group, getlist: GetList, name: str) -> tuple[list[dict[str, Any]], list[FieldError]]:
    rows: list[dict[str, Any]] = []
    errors: list[FieldError] = []
    for index in range(row_count(getlist, name)):
        row, wrong = parse(group, getlist, prefix=f"{name}-{index}-")
        rows.append(row)
        errors += wrong
    return rows, errors


def row_count(getlist: GetList, name: str) -> int:
    """How many rows of the field ``name`` a submission holds."""
    text = _last(getlist(f"{name}-count"))
    return min(int(text), MAX_SUBMITTED_ROWS) if text.isascii() and text.isdigit() and len(text) < 5 else 0


def _parse_files(
    field: Field,
    getlist: GetList,
    files: GetFiles | None,
    store: Store | None,
    recall: Recall | None,
    name: str,
) -> tuple[list[Any], list[FieldError]]:
    kept: list[Any] = []
    if recall is not None:
        kept = [meta for digest in getlist(f"{name}-kept") if (meta := recall(digest)) is not None]
    taken, refused = take(field, files(name) if files else (), store)
    return kept + taken, [FieldError(name, why.code, why.parameters) for why in refused[:1]]


def press_row_button(group: Group, getlist: GetList, values: dict[str, Any]) -> bool:
    """Do what a pressed ``_add_NAME`` or ``_remove_NAME_INDEX`` button asks; whether there was one."""
    for field in group.fields:
        if field.widget != "rows":
            continue
        rows: list[Any] = list(values.get(field.name, []))
        if getlist(f"_add_{field.name}"):
            if len(rows) < field.schema["maxItems"]:
                rows.append({})
            values[field.name] = rows
            return True
        for index in range(len(rows)):
            if getlist(f"_remove_{field.name}_{index}"):
                del rows[index]
                values[field.name] = rows
                return True
    return False
