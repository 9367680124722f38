"""Reading a form file. Everything wrong with it is found at once, each with its place and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import jsonschema_rs

from .bounds import offset_of
from .draft import Draft
from .files import DEFAULT_ACCEPT, DEFAULT_MAX_SIZE, MAX_MAX_SIZE, TYPES
from .marks import read_mark
from .model import Bound, Default, Field, Group, Option, Rule, SchemaValidator
from .names import why_not

T = TypeVar("T")

MAX_BYTES = 256 * 1024
MAX_FIELDS = 80
MAX_ROWS = 50  #: most rows a ``rows`` field may ever have
MAX_FILES = 10
FORM_KEYS = {"key", "title", "intro", "source", "fields", "rules"}
FIELD_KEYS = {
    *(
        "name",
        "schema",
        "label",
        "help",
        "section",
        "widget",
        "options",
        "required",
        "required_if",
        "show_if",
    ),
    *(
        "personal",
        "told",
        "default",
        "fields",
        "rules",
        "accept",
        "max_size",
        "earliest",
        "latest",
        "shown_as",
    ),
    "report",
}
OPTION_KEYS = {"value", "label"}
RULE_KEYS = {"check", "field", "message"}
SCHEMA_KEYS = {
    *("type", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum"),
    *("exclusiveMaximum", "multipleOf", "const", "minItems", "maxItems"),
}
#: JSON type of each widget's value; the choices take theirs from the options.
WIDGETS: dict[str, tuple[str, ...]] = {
    "text": ("string",),
    "textarea": ("string",),
    "phone": ("string",),
    "case": ("string",),
    "radio": ("string", "integer", "boolean"),
    "select": ("string", "integer", "boolean"),
    "checkboxes": ("array",),
    "checkbox": ("boolean",),
    "date": ("string",),
    "datetime": ("string",),
    "timerange": ("object",),
    "number": ("number", "integer"),
    "money": ("integer",),
    "file": ("array",),
    "rows": ("array",),
    "readonly": ("null",),
}
MOBILE = r"^1[3-9]\d{9}$"
CASE_NUMBER = r"^[0-9]{6}-[0-9]{5,8}-[0-9]$"
#: mobiles, landlines, 400 and 800, short numbers such as 95588 and 12345, and those of elsewhere with their +
PHONE = (
    r"^(1[3-9]\d{9}|0\d{2,3}-?\d{7,8}(-\d{1,6})?|[48]00\d{7}|9[56]\d{3,6}|1[02]\d{3,4}"
    r"|\+([1-79]\d{6,14}|8[0-57-9]\d{5,13}))$"
)
_EXTRA: dict[str, dict[str, Any]] = {
    "text": {"maxLength": 200},
    "textarea": {"maxLength": 2000},
    "phone": {"maxLength": 30, "pattern": PHONE},
    "case": {"maxLength": 20, "pattern": CASE_NUMBER},
    "rows": {"maxItems": 20},
    "file": {"maxItems": 5},
    "money": {"minimum": 0, "maximum": 1_000_000_000},
}


def read_json(data: bytes, draft: Draft) -> Any:
    """The JSON of a form file; raises :class:`InvalidFile` for what is none."""
    if len(data) > MAX_BYTES:
        draft.wrong("", f"is {len(data)} bytes long", f"keep it under {MAX_BYTES}")
        raise draft.give_up()
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        draft.wrong("", f"is no JSON in UTF-8 ({error})", "mend it at the place named")
        raise draft.give_up() from None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"a key is given twice among {', '.join(sorted(found))}")
    return found


def read_group(draft: Draft, fields: Any, rules: Any, where: str, *, nested: bool = False) -> Group:
    """Fields with their rules; ``nested`` for the columns of a rows field."""
    raw = draft.sequence(fields, f"{where}fields")
    if not 1 <= len(raw) <= MAX_FIELDS:
        draft.wrong(f"{where}fields", f"has {len(raw)} fields", f"give between 1 and {MAX_FIELDS}")
    read = [
        _read_field(draft, item, f"{where}fields[{index}]", nested)
        for index, item in enumerate(raw[:MAX_FIELDS])
    ]
    by_name: dict[str, Field] = {}
    for index, item in enumerate(read):
        if item.name in by_name:
            draft.wrong(
                f"{where}fields[{index}]", f"repeats the name {item.name!r}", "give each field its own name"
            )
        shown = item.show_if.names if item.show_if else frozenset()
        for name in sorted(shown & ({later.name for later in read} - by_name.keys())):
            draft.wrong(
                f"{where}fields[{index}].show_if",
                f"{item.name!r} depends on {name!r}, which does not come before it",
                f"move {name!r} further up",
            )
        by_name[item.name] = item
    for index, item in enumerate(read):
        for name in sorted(item.told.names - by_name.keys()) if item.told else ():
            draft.wrong(
                f"{where}fields[{index}].told",
                f"depends on {name!r}, which the form does not ask",
                "ask it here",
            )
    checked = tuple(
        rule
        for index, item in enumerate(draft.sequence(rules, f"{where}rules"))
        if (rule := _read_rule(draft, item, f"{where}rules[{index}]", by_name)) is not None
    )
    conditions = [c for item in read for c in (item.show_if, item.required_if) if c is not None]
    controls = {name for condition in conditions for name in condition.names} & by_name.keys()
    final = tuple(_with_controls(item, item.name in controls) for item in read)
    inner = {name for item in final if item.rows for name in item.rows.outside}
    read_from = [c for item in read for c in item.conditions] + [rule.check for rule in checked]
    outside = {name for condition in read_from for name in condition.names} | inner
    # What a readonly field shows comes from the case's data, also when a condition reads it.
    answers = {item.name for item in final if item.widget != "readonly"}
    return Group(final, checked, {item.name: item for item in final}, frozenset(outside - answers))


def _with_controls(item: Field, controls: bool) -> Field:
    return Field(**{**item.__dict__, "controls": True}) if controls else item


def _read_field(draft: Draft, raw: Any, where: str, nested: bool) -> Field:
    data = draft.mapping(raw, where, FIELD_KEYS)
    name = data.get("name")
    where = f"{where} {name!r}"
    widget = data.get("widget")
    if not isinstance(widget, str) or widget not in WIDGETS:
        draft.wrong(f"{where}.widget", f"is {widget!r}", f"use one of {', '.join(WIDGETS)}")
        widget = "text"
    if reason := why_not(name, readonly=widget == "readonly"):
        draft.wrong(where, f"the name {reason}", "choose another name")
    if nested and widget in ("rows", "file", "readonly", "case"):
        draft.wrong(f"{where}.widget", f"{widget} cannot stand in a row", "move it out of the rows")
    options = _read_options(draft, data, where, widget)
    schema = _read_schema(draft, data, where, widget, options)
    accept, max_size = _read_file_limits(draft, data, where, widget)
    if "pattern" in schema and "help" not in data and widget not in ("phone", "case"):
        draft.wrong(
            f"{where}.help", "is missing beside a pattern", "say in plain words what the pattern asks for"
        )
    rows = None
    if widget == "rows" or (widget == "readonly" and "fields" in data):
        rows = read_group(draft, data.get("fields"), data.get("rules", []), f"{where}.", nested=True)
    elif "fields" in data or "rules" in data:
        draft.wrong(where, "has fields or rules of its own", "only rows and readonly may have them")

    def optional(key: str, read: Callable[[Any, str], T]) -> T | None:
        return read(data[key], f"{where}.{key}") if key in data else None

    return Field(
        name=str(name),
        widget=widget,
        schema=schema,
        validator=_compile(draft, schema, where),
        label=draft.text(data.get("label"), f"{where}.label"),
        help=optional("help", draft.text),
        section=optional("section", draft.text),
        options=options,
        required=bool(optional("required", draft.flag)),
        required_if=optional("required_if", draft.condition),
        show_if=optional("show_if", draft.condition),
        personal=bool(optional("personal", draft.flag)),
        told=optional("told", draft.always_or_condition),
        default=_read_default(draft, data["default"], f"{where}.default") if "default" in data else None,
        rows=rows,
        accept=accept,
        max_size=max_size,
        earliest=_read_bound(draft, data, "earliest", where, widget),
        latest=_read_bound(draft, data, "latest", where, widget),
        shown_as=_read_shown_as(draft, data, where, widget),
        report=read_mark(draft, data, where),
    )


def _read_options(draft: Draft, data: Mapping[str, Any], where: str, widget: str) -> tuple[Option, ...]:
    if widget not in ("radio", "select", "checkboxes") and not (widget == "readonly" and "options" in data):
        if "options" in data:
            draft.wrong(f"{where}.options", f"mean nothing for {widget}", "use radio, select or checkboxes")
        return ()
    options: list[Option] = []
    for index, raw in enumerate(draft.sequence(data.get("options"), f"{where}.options")):
        place = f"{where}.options[{index}]"
        option = draft.mapping(raw, place, OPTION_KEYS)
        value = option.get("value")
        if not isinstance(value, str | int) or value == "":
            draft.wrong(f"{place}.value", f"is {value!r}", "use a text, an integer, true or false")
            continue
        options.append(Option(value, draft.text(option.get("label"), f"{place}.label")))
    values = [option.value for option in options]
    if not values or len({type(value) for value in values}) != 1 or len(set(values)) != len(values):
        draft.wrong(
            f"{where}.options", "are none, of several types or repeated", "give distinct values of one type"
        )
    return tuple(options)


def _read_schema(
    draft: Draft, data: Mapping[str, Any], where: str, widget: str, options: Iterable[Option]
) -> dict[str, Any]:
    given = draft.mapping(data.get("schema", {}), f"{where}.schema", SCHEMA_KEYS)
    types = WIDGETS[widget]
    if widget in ("radio", "select"):
        found = {bool: "boolean", int: "integer", str: "string"}
        types = tuple({found[type(option.value)] for option in options}) or ("string",)
    schema = {"type": types[0], **_EXTRA.get(widget, {}), **given}
    if schema["type"] not in types:
        draft.wrong(
            f"{where}.schema.type", f"is {schema['type']!r}", f"a {widget} field is of type {types[0]}"
        )
        schema["type"] = types[0]
    most = {"rows": MAX_ROWS, "file": MAX_FILES}.get(widget)
    if most is not None and not (isinstance(schema["maxItems"], int) and 1 <= schema["maxItems"] <= most):
        draft.wrong(f"{where}.schema.maxItems", f"is {schema['maxItems']!r}", f"give 1 to {most}")
        schema["maxItems"] = most
    return schema


def _compile(draft: Draft, schema: dict[str, Any], where: str) -> SchemaValidator:
    try:
        return jsonschema_rs.Draft202012Validator(schema)
    except (ValueError, TypeError) as error:
        draft.wrong(f"{where}.schema", str(error).split("\n")[0], "write a valid JSON Schema of the value")
        return jsonschema_rs.Draft202012Validator({})


def _read_file_limits(
    draft: Draft, data: Mapping[str, Any], where: str, widget: str
) -> tuple[tuple[str, ...], int]:
    if widget != "file":
        for key in data.keys() & {"accept", "max_size"}:
            draft.wrong(f"{where}.{key}", f"means nothing for {widget}", "only file fields have it")
        return (), 0
    accept = data.get("accept", list(DEFAULT_ACCEPT))
    if not isinstance(accept, list) or not accept or any(item not in TYPES for item in map(str, accept)):
        draft.wrong(f"{where}.accept", f"is {accept!r}", f"give a list of endings among {' '.join(TYPES)}")
        accept = list(DEFAULT_ACCEPT)
    size = data.get("max_size", DEFAULT_MAX_SIZE)
    if isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= MAX_MAX_SIZE:
        draft.wrong(f"{where}.max_size", f"is {size!r}", f"give bytes, at most {MAX_MAX_SIZE}")
        size = DEFAULT_MAX_SIZE
    return tuple(map(str, accept)), size


def _read_bound(draft: Draft, data: Mapping[str, Any], key: str, where: str, widget: str) -> Bound | None:
    if key not in data:
        return None
    if widget not in ("date", "datetime"):
        draft.wrong(f"{where}.{key}", f"means nothing for {widget}", "only dates and times have it")
        return None
    raw = data[key]
    offset = offset_of(raw) if isinstance(raw, str) else None
    if offset is not None:
        return Bound(offset)
    if isinstance(raw, str) and raw.lstrip("-").startswith("P") and raw.lstrip("-")[1:2].isdigit():
        draft.wrong(f"{where}.{key}", f"is {raw!r}", "write days from now: P60D, -P30D, or now")
        return None
    return Bound(expression=draft.condition(raw, f"{where}.{key}"))


def _read_shown_as(draft: Draft, data: Mapping[str, Any], where: str, widget: str) -> str | None:
    shown_as = data.get("shown_as")
    if shown_as is not None and (widget, shown_as) != ("readonly", "money"):
        draft.wrong(f"{where}.shown_as", f"is {shown_as!r}", 'only readonly fields have it, and only "money"')
    return "money" if shown_as is not None else None


def _read_default(draft: Draft, raw: Any, where: str) -> Default:
    if isinstance(raw, str):
        return Default(expression=draft.condition(raw, where))
    if isinstance(raw, dict) and set(raw) == {"value"}:
        return Default(value=raw["value"])
    draft.wrong(where, "is neither an expression nor a value", 'write "name" or {"value": …}')
    return Default()


def _read_rule(draft: Draft, raw: Any, where: str, fields: Mapping[str, Field]) -> Rule | None:
    data = draft.mapping(raw, where, RULE_KEYS)
    field = data.get("field", "")
    if not isinstance(field, str) or (field != "" and field not in fields):
        draft.wrong(f"{where}.field", f"is {field!r}", "name a field of this form, or leave it out")
        field = ""
    check = draft.condition(data.get("check"), f"{where}.check")
    message = draft.text(data.get("message"), f"{where}.message")
    return Rule(check, field, message) if check is not None else None
