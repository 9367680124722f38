"""Forms as HTML. Works without JavaScript; with htmx, changing a field that others depend on redraws the form.

The caller writes ``<form novalidate>`` with its token and buttons around what :func:`render_form` gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from engine.base.errors import FieldError
from engine.base.locales import WRITTEN, in_language, language
from engine.forms import Field, Form, choice_text, local_minutes, message, show
from engine.forms.bounds import Span, span, written
from engine.forms.checking import asked
from engine.forms.form import condition_functions
from engine.forms.model import Bound, Group
from engine.forms.parsing import GetFiles, GetList

from .i18n import listed

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates" / "forms"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

_WORDS: dict[str, tuple[str, str, str]] = {
    "required": ("必填", "必填", "required"),
    "choose": ("请选择", "請選擇", "Choose"),
    "no_answer": ("不填", "不填", "No answer"),
    "from": ("从", "由", "from"),
    "to": ("到", "至", "to"),
    "row": ("第 {n} 行", "第 {n} 行", "Row {n}"),
    "add": ("添加一行", "新增一行", "Add a row"),
    "remove": ("删除第 {n} 行", "刪除第 {n} 行", "Remove row {n}"),
    "keep": ("保留", "保留", "Keep"),
    "errors": ("有 {n} 处需要修改", "有 {n} 處需要修改", "{n} to be corrected"),
    "depends": (
        "视此前的回答而定，不适用时留空：{names}",
        "視乎之前的回答而定，不適用時留空：{names}",
        "Depends on earlier answers; leave empty where it does not apply: {names}",
    ),
    "optional": ("不适用时留空。", "不適用時留空。", "Leave empty where it does not apply."),
    "between": (
        "可填 {first} 至 {last}。",
        "可填 {first} 至 {last}。",
        "From {first} to {last}.",
    ),
    "now": ("现在", "現在", "now"),
    "seconds": ("秒", "秒", "seconds"),
    "none": ("无", "沒有", "None"),
}
_INPUT_MODES = {"number": "decimal", "money": "decimal", "phone": "tel"}


@dataclass(frozen=True)
class Choice:
    """One option as drawn."""

    value: str
    label: str
    chosen: bool


@dataclass
class Control:
    """One field as drawn. ``name`` is the control's name, with its row: ``alternatives-0-number``."""

    name: str
    widget: str
    label: str
    help: str
    section: str
    required: bool
    controls: bool
    text: str
    error: str
    limits: str = ""  #: of a day or instant: from when to when
    note: str = ""  #: for a field that does not apply now: when it would
    maxlength: int | None = None
    inputmode: str = ""
    choices: list[Choice] = field(default_factory=list)
    ends: tuple[str, str] = ("", "")
    files: list[Mapping[str, Any]] = field(default_factory=list)
    accept: str = ""
    rows: list[list[Control]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    table: list[list[str]] = field(default_factory=list)
    full: bool = False
    kept: bool = False  #: whether a redraw leaves the control on the page as it is

    @property
    def described_by(self) -> str:
        """Ids of what explains the control."""
        helped = self.help or self.limits
        names = [f"help-{self.name}" if helped else "", f"err-{self.name}" if self.error else ""]
        return " ".join(name for name in names if name)


@dataclass(frozen=True)
class _Page:
    """What drawing needs besides the fields."""

    locale: str
    functions: Mapping[str, Any]
    errors: Mapping[str, str]
    redrawn_without: frozenset[str] | None = None  #: in a redraw, the fields not to be left as they are


def word(key: str, locale: str, **values: object) -> str:
    """A word of the form pages in ``locale``."""
    return in_language(dict(zip(WRITTEN, _WORDS[key], strict=True)), locale).format_map(values)


def needs_multipart(form: Form) -> bool:
    """Whether the ``<form>`` must be sent as ``multipart/form-data``."""
    return any(field.widget == "file" for field in form.fields)


def render_form(
    form: Form,
    values: Mapping[str, Any],
    errors: Iterable[FieldError],
    locale: str,
    now: str,
    *,
    context: Mapping[str, Any],
    preview_url: str | None = None,
) -> Markup:
    """The fields of ``form`` with ``values`` (typed, or as they were typed in) and ``errors`` beside them.

    ``context`` is the case's data, ``now`` the instant of conditions. With ``preview_url``, fields that others
    depend on and row buttons post the form there and put :func:`render_preview`'s answer in place of this.
    """
    return _render(form, values, errors, locale, now, context, preview_url, None)


def _render(
    form: Form,
    values: Mapping[str, Any],
    errors: Iterable[FieldError],
    locale: str,
    now: str,
    context: Mapping[str, Any],
    preview_url: str | None,
    redrawn_without: frozenset[str] | None,
) -> Markup:
    found = list(errors)
    texts: dict[str, str] = {}
    for error in found:
        texts.setdefault(error.field, message(error, locale))
    page = _Page(locale, condition_functions(now), texts, redrawn_without)
    controls = _draw(form.group, values, context, page)
    summary = [(anchor, label, texts[name]) for name, anchor, label in _places(form, found, controls, locale)]
    template: Any = _environment.get_template("form.html").module
    markup: Markup = template.form(
        intro=in_language(form.intro, locale) if form.intro else "",
        controls=controls,
        summary=summary,
        preview_url=preview_url,
        bad=sorted(texts),
        word=lambda key, **values: word(key, locale, **values),
    )
    return markup


def render_preview(
    form: Form,
    getlist: GetList,
    locale: str,
    now: str,
    *,
    context: Mapping[str, Any],
    preview_url: str,
    files: GetFiles | None = None,
) -> Markup:
    """The form redrawn from an unfinished submission: fields come and go, rows are added and removed."""
    values, unread = form.parse(getlist, files=files)
    form.press_row_button(getlist, values)
    before = set(" ".join(getlist("_shown")).split())
    for name, value in form.initial(context, now).items():
        if name not in before:  # it appears only now, so it has its default
            values[name] = value
    # What was in error stays so until it is right; nobody is told of a field that they have not come to yet.
    bad = frozenset(" ".join(getlist("_bad")).split())
    _, found = form.check(values, context=context, now=now)
    still = [error for error in found if error.field in bad]
    # A control that was in error shows so on itself, and must lose that look.
    return _render(form, values, [*unread, *still], locale, now, context, preview_url, bad)


def _draw(
    group: Group, values: Mapping[str, Any], context: Mapping[str, Any], page: _Page, prefix: str = ""
) -> list[Control]:
    needed = {field.name: need for field, need in asked(group, values, context, page.functions)}
    env = {**{name: context[name] for name in group.outside if name in context}, **values}
    controls = []
    for item in group.fields:
        if item.name not in needed and page.redrawn_without is not None:
            continue  # only browsers with scripts ask for redraws, and those draw what applies
        value = context.get(item.name) if item.widget == "readonly" else values.get(item.name)
        control = _control(item, value, prefix + item.name, page)
        if item.widget in ("date", "datetime"):
            control.limits = _limits(item, span(item, env, page.functions), page.locale)
            control.help = _sentence(control.help, page.locale)
        control.required = needed.get(item.name, item.required)
        if item.name not in needed:
            control.note = _note(group, item, page.locale)
            control.required = False
        if item.widget == "rows" and item.rows is not None:
            rows = value if isinstance(value, list) else []
            rows = [row for row in rows if isinstance(row, Mapping)] or [{}]
            inner = {**context, **values}
            control.rows = [
                _draw(item.rows, row, inner, page, f"{control.name}-{index}-")
                for index, row in enumerate(rows)
            ]
            control.full = len(rows) >= item.schema["maxItems"]
        control.kept = (
            page.redrawn_without is not None and not prefix and item.name not in page.redrawn_without
        )
        controls.append(control)
    return controls


def _control(item: Field, value: Any, name: str, page: _Page) -> Control:
    control = Control(
        name=name,
        widget=item.widget,
        label=in_language(item.label, page.locale),
        help=in_language(item.help, page.locale) if item.help else "",
        section=in_language(item.section, page.locale) if item.section else "",
        required=False,
        controls=item.controls,
        text="" if isinstance(value, list | dict) else show(item, value),
        error=page.errors.get(name, ""),
        maxlength=item.schema.get("maxLength"),
        inputmode=_INPUT_MODES.get(item.widget, ""),
        accept=",".join(item.accept),
    )
    chosen = (
        [choice_text(part) for part in value if isinstance(part, str | int)]
        if isinstance(value, list)
        else []
    )
    control.choices = [
        Choice(text, in_language(option.label, page.locale), text in chosen or text == control.text)
        for option in item.options
        for text in [choice_text(option.value)]
    ]
    if item.widget == "timerange" and isinstance(value, Mapping):
        control.ends = (str(value.get("from") or ""), str(value.get("to") or ""))
    if item.widget == "file" and isinstance(value, list):
        control.files = [meta for meta in value if isinstance(meta, Mapping)]
    if item.widget == "readonly":
        _draw_readonly(control, item, value, page.locale)
    return control


def _limits(item: Field, asked_within: Span, locale: str) -> str:
    """From when to when the field may be, in words."""

    def shown(bound: Bound | None, instant: datetime) -> str:
        if bound is not None and bound.is_now and item.widget == "datetime":
            return word("now", locale)
        return local_minutes(written(item, instant.replace(second=0))).replace("T", " ")

    first, last = shown(item.earliest, asked_within.first), shown(item.latest, asked_within.last)
    return word("between", locale, first=first, last=last)


def _sentence(text: str, locale: str) -> str:
    """Help that more is written behind: it ends as a sentence does."""
    if not text or text.endswith(("。", "？", "！", ".", "?", "!")):
        return text
    return text + language(locale).stop


def _draw_readonly(control: Control, item: Field, value: Any, locale: str) -> None:
    if item.rows is not None:
        rows = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
        control.columns = [in_language(column.label, locale) for column in item.rows.fields]
        control.table = [[show(column, row.get(column.name)) for column in item.rows.fields] for row in rows]
        return
    labels = [choice.label for choice in control.choices if choice.chosen]
    if labels:
        control.text = listed(labels, locale)
    elif isinstance(value, list):
        control.text = listed((str(part) for part in value), locale)
    elif isinstance(value, str):
        control.text = local_minutes(value)


def _note(group: Group, item: Field, locale: str) -> str:
    names = item.show_if.names if item.show_if else frozenset()
    labels = [in_language(other.label, locale) for other in group.fields if other.name in names]
    return word("depends", locale, names=listed(labels, locale)) if labels else word("optional", locale)


def _places(
    form: Form, errors: list[FieldError], controls: list[Control], locale: str
) -> list[tuple[str, str, str]]:
    """For each error once: its field, the id to jump to ("" when it is not drawn), and what to call it."""
    drawn = {control.name: (control.name, control.label) for control in controls}
    for control in controls:
        for index, row in enumerate(control.rows):
            for cell in row:
                label = f"{control.label} {word('row', locale, n=index + 1)} {cell.label}"
                drawn[cell.name] = (cell.name, label)
    places = {}
    for error in errors:
        anchor, label = drawn.get(error.field, ("", error.field or in_language(form.title, locale)))
        places[error.field] = (error.field, f"f-{anchor}" if anchor else "", label)
    return list(places.values())
