"""Deciding whether values satisfy a form: the one truth for dispatch, for pages and for the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.base.errors import FieldError

from .bounds import span
from .files import clean_files
from .model import Field, Group
from .values import CLEAN, Refused

Functions = Mapping[str, Callable[..., Any]]
MAX_UNKNOWN = 20  #: unknown names reported at most

_CODES = {
    "minLength": ("too_short", "min"),
    "maxLength": ("too_long", "max"),
    "minimum": ("too_small", "min"),
    "maximum": ("too_large", "max"),
    "exclusiveMinimum": ("not_above", "min"),
    "exclusiveMaximum": ("not_below", "max"),
    "minItems": ("too_few", "min"),
    "maxItems": ("too_many", "max"),
}
_PATTERNS = {"phone": "not_phone", "case": "not_case_number"}
_MONEY = {"too_small", "too_large", "not_above", "not_below"}


def check(
    group: Group,
    values: Mapping[str, Any],
    context: Mapping[str, Any],
    functions: Functions,
    prefix: str = "",
) -> tuple[dict[str, Any], list[FieldError]]:
    """The clean values of ``group`` and what is wrong with the others.

    ``context`` is read for names that are no fields of the group. Names that are not fields are errors;
    fields that their condition hides are left out. Errors carry ``prefix`` before the field's name.
    """
    errors: dict[str, FieldError] = {}
    unknown = values.keys() - group.by_name.keys()
    for name in sorted(map(str, unknown))[:MAX_UNKNOWN]:
        errors[name] = FieldError(prefix + name[:60], "unknown_field")
    env = {name: context[name] for name in group.outside if name in context}
    clean: dict[str, Any] = {}
    rows: list[FieldError] = []
    asked: list[Field] = []
    for field in group.fields:
        name = field.name
        if not shown(field, env, functions):
            continue
        if field.widget == "readonly":
            if name in values:
                errors[name] = FieldError(prefix + name, "unknown_field")
            continue
        asked.append(field)
        value = values.get(name)
        if value is None and field.widget == "checkbox":
            value = False
        if value is None or value == "":
            continue
        try:
            if field.rows is not None:
                value, inner = _check_rows(field, field.rows, value, {**context, **env}, functions, prefix)
                rows += inner
            elif field.widget == "file":
                value = clean_files(field, value)
            else:
                value = CLEAN[field.widget](field, value)
        except Refused as refusal:
            errors[name] = FieldError(prefix + name, refusal.code, refusal.parameters)
            continue
        if value is None:
            continue
        if not field.validator.is_valid(value):
            errors[name] = _schema_error(field, value, prefix + name)
            continue
        clean[name] = env[name] = value
    for field in asked:
        if field.name not in clean and field.name not in errors and needed(field, env, functions):
            errors[field.name] = FieldError(prefix + field.name, "required")
    for field in asked:
        if field.widget in ("date", "datetime") and field.name in clean:
            try:
                span(field, env, functions).check(field, clean[field.name])
            except Refused as refusal:
                errors[field.name] = FieldError(prefix + field.name, refusal.code, refusal.parameters)
    broken = {error.field.removeprefix(prefix).split("-")[0] for error in rows} | errors.keys()
    for rule in group.rules:
        # A rule speaks only of what is there and sound: an answer left out is the business of ``required``.
        if (rule.field and rule.field not in clean) or broken & rule.check.names:
            continue
        if not rule.check.evaluate(env, functions):
            broken_rule = FieldError(prefix + rule.field, "rule", {"message": dict(rule.message)})
            errors.setdefault(rule.field, broken_rule)
    return clean, [*errors.values(), *rows]


def asked(
    group: Group, values: Mapping[str, Any], context: Mapping[str, Any], functions: Functions
) -> list[tuple[Field, bool]]:
    """The fields that are asked, each with whether it must be answered, while answers are still coming."""
    env = {name: context[name] for name in group.outside if name in context}
    found = []
    for field in group.fields:
        if shown(field, env, functions):
            found.append(field)
            if values.get(field.name) is not None:
                env[field.name] = values[field.name]
    return [(field, needed(field, env, functions)) for field in found]


def shown(field: Field, env: Mapping[str, Any], functions: Functions) -> bool:
    """Whether a field is asked, given the answers above it and the case's data."""
    return field.show_if is None or bool(field.show_if.evaluate(env, functions))


def needed(field: Field, env: Mapping[str, Any], functions: Functions) -> bool:
    """Whether an answer must be given, given the other answers and the case's data."""
    if field.required or field.schema.get("const") is True:
        return True
    return field.required_if is not None and bool(field.required_if.evaluate(env, functions))


def _check_rows(
    field: Field, group: Group, value: Any, context: Mapping[str, Any], functions: Functions, prefix: str
) -> tuple[Any, list[FieldError]]:
    """The rows that are not blank, and the errors of each under ``name-index-column``."""
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise Refused("not_rows")
    if len(value) > 4 * field.schema["maxItems"]:
        raise Refused("too_many", max=field.schema["maxItems"])
    clean: list[dict[str, Any]] = []
    errors: list[FieldError] = []
    for index, row in enumerate(value):
        if not any(item not in (None, "", [], False) for item in row.values()):
            continue
        found, wrong = check(group, row, context, functions, f"{prefix}{field.name}-{index}-")
        clean.append(found)
        errors += wrong
    return clean or None, errors


def _schema_error(field: Field, value: Any, name: str) -> FieldError:
    kind = next(iter(field.validator.iter_errors(value))).kind
    if kind.name in _CODES:
        code, parameter = _CODES[kind.name]
        if field.widget == "money" and code in _MONEY:
            code = f"money_{code}"
        return FieldError(name, code, {parameter: kind.limit})
    if kind.name == "pattern":
        return FieldError(name, _PATTERNS.get(field.widget, "pattern"))
    if kind.name == "const":
        return FieldError(name, "must_be_ticked" if kind.expected_value is True else "not_allowed")
    return FieldError(name, "not_allowed")
