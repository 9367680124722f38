"""What lint says: a rule with its words in two languages, and one finding of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from engine.base.locales import in_language

from .traditional import traditional

Severity = Literal["error", "warning", "info"]
#: most a text of a file may add to a message
MAX_VALUE = 120


@dataclass(frozen=True)
class Rule:
    """One thing lint looks for. ``{name}`` in its words is filled from the finding's values."""

    id: str
    severity: Severity
    zh: str
    en: str
    zh_fix: str
    en_fix: str

    def at(
        self,
        file: str,
        element: str | None = None,
        line: int | None = None,
        severity: Severity | None = None,
        **values: object,
    ) -> Finding:
        """A finding of this rule; ``severity`` overrides the rule's own."""
        shown = {name: _shown(value) for name, value in values.items()}
        return Finding(file, self, severity or self.severity, element, line, shown)


@dataclass(frozen=True)
class Finding:
    """One finding: where (file, element id, line from 1), which rule, how grave, and with what values."""

    file: str
    about: Rule
    severity: Severity
    element: str | None
    line: int | None
    values: Mapping[str, str]

    @property
    def rule(self) -> str:
        """Id of the rule."""
        return self.about.id

    @property
    def message(self) -> str:
        """What is wrong, in English."""
        return self.message_in("en")

    @property
    def fix(self) -> str:
        """How to mend it, in English."""
        return self.fix_in("en")

    def message_in(self, locale: str) -> str:
        """What is wrong: in the Chinese of a Chinese ``locale``, else by its English words."""
        if not locale.startswith("zh"):
            return _fill(in_language({"en": self.about.en}, locale), self.values)
        values = {name: _chinese(name, value, locale) for name, value in self.values.items()}
        return _fill(_of(locale, self.about.zh), values)

    def fix_in(self, locale: str) -> str:
        """How to mend it: in the Chinese of a Chinese ``locale``, else by its English words."""
        zh = locale.startswith("zh")
        words = _of(locale, self.about.zh_fix) if zh else in_language({"en": self.about.en_fix}, locale)
        return _fill(words, self.values)

    def in_file(self, file: str) -> Finding:
        """The same finding under another name of the file."""
        return replace(self, file=file)

    @property
    def grave(self) -> bool:
        """True for what must be mended before publishing: errors and warnings."""
        return self.severity != "info"

    def as_json(self, locale: str = "en") -> dict[str, object]:
        """The stable keys of ``lint --json``, with the line added."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "element": self.element,
            "message": self.message_in(locale),
            "fix": self.fix_in(locale),
            "line": self.line,
        }


#: kinds of source text, as a Chinese finding calls them; properties keep their names
_SOURCES = {
    "condition": "条件",
    "script": "脚本",
    "timer": "定时表达式",
    "loopCardinality": "循环次数",
    "completionCondition": "完成条件",
    "loopCondition": "循环条件",
}
#: values that are words of a parser or library, which speak English
_QUOTED = frozenset({"problem", "reason"})


def _of(locale: str, simplified: str) -> str:
    """Our own words in one of the two Chinese scripts; what files say stays as it is."""
    return traditional(simplified) if locale.startswith("zh-Hant") else simplified


def _chinese(name: str, value: str, locale: str) -> str:
    if name == "what":
        return _of(locale, _SOURCES.get(value, value))
    return f"“{value}”（原文）" if name in _QUOTED and value.isascii() else value


def _shown(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"


def _fill(words: str, values: Mapping[str, str]) -> str:
    # not str.format: values come from files, and words may hold braces
    for name, value in values.items():
        words = words.replace("{" + name + "}", value)
    return words
