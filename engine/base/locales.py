"""The languages of pages, findings and reports: the registry, and how a text is found in one of them.

A new language is a line in :data:`LOCALES`, its file in ``engine/base/languages/`` and its catalogue of page texts in
``web/translations/``. Forms, diagrams and tables need no change: a text that they do not have in it is looked up in
the language's own file by its English words, and stands in the language it is ``like`` where that has none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: in the order in which pages offer them; the first is the default
LOCALES = ("zh-Hans", "zh-Hant-HK", "en")
#: those in which every text of a release, a report and a message must be written
WRITTEN = ("zh-Hans", "zh-Hant-HK", "en")
#: property of a process or lane → the language in which it names it; the first is the name as drawn
NAME_PROPERTIES = {f"name_{locale.replace('-', '_')}": locale for locale in LOCALES[1:]}

_FOLDER = Path(__file__).with_name("languages")


@dataclass(frozen=True, slots=True)
class TimeWords:
    """How instants and lengths are told. ``sentences`` by what they say; the rest are parts of them."""

    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    moment: str
    day: str
    hours: str
    minutes: str
    seconds: str
    working_hours: str
    working_days: str
    sentences: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its own name, its catalogue of page texts, its marks, and texts by their English words."""

    locale: str
    name: str
    catalogue: str
    like: str | None  #: the language whose texts stand where it has none
    comma: str  #: between the things of a list
    semicolon: str  #: between clauses
    stop: str  #: at the end of a sentence
    span: str  #: between the first and the last day
    time: TimeWords
    words: Mapping[str, str]


@cache
def language(locale: str) -> Language:
    """The language ``locale``; the default one for a name that is none of :data:`LOCALES`."""
    known = locale if locale in LOCALES else LOCALES[0]
    raw = json.loads((_FOLDER / f"{known}.json").read_text(encoding="utf-8"))
    time = raw.pop("time")
    weekdays, months = tuple(time.pop("weekdays")), tuple(time.pop("months"))
    return Language(locale=known, time=TimeWords(weekdays=weekdays, months=months, **time), **raw)


def in_language(text: Mapping[str, str], locale: str) -> str:
    """``text`` (by language) in ``locale``: its own, by the language's file, or of the language it is like."""
    if own := text.get(locale):
        return own
    here = language(locale)
    if own := text.get(here.locale) or here.words.get(text.get("en", "")):
        return own
    return in_language(text, here.like) if here.like else next(iter(text.values()), "")
