"""Small forms for tests, and pages read as a browser would send them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lxml.html

from engine.forms import LOCALES, Form
from web.forms_ui import render_form

NOW = "2026-02-13T08:00:30+00:00"
SHIPPED = [
    Form.load(path.read_bytes(), path.name)
    for path in sorted((Path(__file__).parents[2] / "forms").glob("*.json"))
]


def text(word: str) -> dict[str, str]:
    """One word in every language."""
    return dict.fromkeys(LOCALES, word)


def field(name: str, widget: str, **more: object) -> dict[str, Any]:
    """A field labelled by its name."""
    return {"name": name, "widget": widget, "label": text(name), **more}


def options(*values: object) -> list[dict[str, Any]]:
    """Choices labelled by their values."""
    return [{"value": value, "label": text(str(value))} for value in values]


def load(*fields: dict[str, Any], **more: object) -> Form:
    """The form ``sample`` with these fields."""
    raw = {"key": "sample", "title": text("sample"), "source": "a test", "fields": list(fields), **more}
    return Form.load(json.dumps(raw).encode(), "forms/sample.json")


def draw(form: Form, values: dict[str, Any], context: dict[str, Any] | None = None) -> str:
    """The form as HTML, without errors."""
    return str(render_form(form, values, [], "en", NOW, context=context or {}))


def tree(html: str) -> Any:
    """HTML to ask by XPath."""
    return lxml.html.fromstring(f"<form>{html}</form>")


class Sent(dict[str, list[str]]):
    """Controls as a browser sends them."""

    def getlist(self, name: str) -> Sequence[str]:
        """What was sent under that name."""
        return self.get(name, [])


def sent(html: str) -> Sent:
    """What a browser would send for the controls of a page."""
    found = Sent()
    for control in tree(html).iter("input", "select", "textarea"):
        name, kind = control.get("name"), control.get("type")
        if name is None or kind in ("submit", "file"):
            continue
        if kind in ("checkbox", "radio"):
            values = [control.get("value")] if control.get("checked") is not None else []
        elif control.tag == "select":
            values = [
                option.get("value") for option in control.iter("option") if option.get("selected") is not None
            ]
        elif control.tag == "textarea":
            values = [(control.text or "").removeprefix("\n")]
        else:
            values = [control.get("value", "")]
        found.setdefault(name, []).extend(values)
    return found
