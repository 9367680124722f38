"""Reports in words: titles, columns and codes in the reader's language. Words of reports live in words.json."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from engine.base.errors import NotFound
from engine.base.instants import SHANGHAI
from engine.base.locales import LOCALES, WRITTEN, in_language
from engine.forms import Text, choice_text
from engine.release.release import Release

from .model import Cell, Figure, Report, Term


@cache
def book() -> Mapping[str, Mapping[str, str]]:
    """Word → locale → text."""
    raw = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
    return {key: dict(zip(WRITTEN, texts, strict=True)) for key, texts in raw.items()}


class ReportText:
    """Tells cells in one language, by the names of one release."""

    def __init__(
        self, release: Release, locale: str, person: Callable[[str], str] = str, *, year: int | None = None
    ) -> None:
        """``person`` gives a display name; instants are written with their year, but for those of ``year``."""
        self._release = release
        self._locale = locale if locale in LOCALES else LOCALES[0]
        self._person = person
        self._year = year
        self._options: dict[str, dict[str, Text]] = {}
        for form in release.forms.values():
            for field in form.fields:
                labels = self._options.setdefault(field.name, {})
                labels.update((choice_text(option.value), option.label) for option in field.options)

    def word(self, code: str) -> str:
        """A word of words.json; the code itself when it is not there."""
        return in_language(book()[code], self._locale) if code in book() else code

    def title(self, name: str) -> str:
        """The name of a report."""
        return self.word(f"report:{name}")

    def about(self, name: str) -> str:
        """What a report is for."""
        return self.word(f"about:{name}")

    def table(self, report: Report | str, key: str) -> str:
        """The heading of a table."""
        name = report if isinstance(report, str) else report.name
        own = f"table:{name}.{key}"
        return self.word(own if own in book() else f"table:{key}")

    def cell(self, cell: Cell) -> str:
        """A cell as text."""
        return self.figure(cell) if isinstance(cell, Figure) else self.term(cell)

    def figure(self, figure: Figure) -> str:
        """A number as people read it: ``12``, ``78.6%``, ``4.21``; a dash where there is nothing to tell."""
        if figure.value is None:
            return "—"
        if figure.unit == "share":
            return f"{figure.value:.1%}"
        return f"{figure.value:.2f}" if figure.unit == "mean" else f"{figure.value:g}"

    def term(self, term: Term) -> str:
        """A word, code or instant in the reader's language."""
        kind, code = term
        match kind:
            case "word" | "severity" | "state" | "name":
                return self.word(code if kind == "word" else f"{kind}:{code}")
            case "field":
                return self._option(*code.partition("/")[::2])
            case "process":
                known = self._release.processes.get(code)
                return in_language(known.names, self._locale) if known else code
            case "outcome":
                return self._outcome(*code.partition("/")[::2])
            case "parameter":
                parameter = self._release.parameters.get(code)
                return in_language(parameter.name, self._locale) if parameter else code
            case "department":
                return book().get(f"unit:{code}", {}).get(self._locale) or self._option("department", code)
            case "triage":
                return book().get(f"triage:{code}", {}).get(self._locale, code)
            case "team":
                role, _, part = code.partition("/")
                names = self._release.roles.names.get(role)
                told = in_language(names, self._locale) if names else role
                return f"{told} · {self.term(Term('department', part))}" if part else told
            case "person":
                return self._person(code) if code else ""
            case "instant":
                return self._instant(code) if code else ""
        return code

    def _instant(self, code: str) -> str:
        at = datetime.fromisoformat(code).astimezone(SHANGHAI)
        return at.strftime("%m-%d %H:%M" if at.year == self._year else "%Y-%m-%d %H:%M")

    def _option(self, name: str, value: str) -> str:
        labels = self._options.get(name, {})
        return "、".join(
            in_language(labels[one], self._locale) if one in labels else one for one in value.split("、")
        )

    def _outcome(self, process: str, key: str) -> str:
        try:
            elements = self._release.process(process).elements.values()
        except NotFound:
            return key
        ends = (e for e in elements if e.kind == "endEvent" and e.properties.get("outcome", e.id) == key)
        return next((e.name for e in ends if e.name), key)
