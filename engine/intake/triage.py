"""Which process a complaint belongs to: the decision table ``bpmn/decisions/triage.dmn``, read and evaluated.

The table is ordinary DMN; its entries are the plain condition language with one function more:
``mentions(?, "phrase", …)``. The first rule that matches decides. Nothing is learned and nothing is random,
so the same text always goes the same way, and whoever owns the table can say why.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any

from lxml import etree

from engine.base.errors import InvalidFile
from engine.base.safe_parsing import load_dmn, local
from engine.bpmn.conditions import Condition, compile_condition

TABLE = "bpmn/decisions/triage.dmn"  #: path of the table in a release
_NO_WORD = re.compile(r"[^\w$]+|(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)")
_ANY = "-"


@dataclass(frozen=True, slots=True)
class Triage:
    """Where a complaint goes: the process to start, the category, and the id of the rule that said so."""

    process: str
    category: str
    rule: str


@dataclass(frozen=True, slots=True)
class _Rule:
    tests: tuple[Condition, ...]
    gives: Triage

    @property
    def takes_anything(self) -> bool:
        return not self.tests


def mentions(text: str, *phrases: str) -> bool:
    """True when one of ``phrases`` occurs in ``text`` (normalised by :func:`_words`).

    A Latin phrase begins at the start of a word; with a blank at its end it must end there too.
    """
    return any((f" {phrase}" if phrase.isascii() else phrase) in text for phrase in phrases)


class TriageTable:
    """The rules of one version of the table, ready to decide."""

    def __init__(self, content: bytes, name: str = TABLE) -> None:
        """Read the table; raises InvalidFile when it is no complete triage table."""
        root = load_dmn(content, name)
        self.rules = [_rule(element, name) for element in _named(root, "rule")]
        if not self.rules or not self.rules[-1].takes_anything:
            raise InvalidFile(f"{name}: the last rule must take every text (all entries '-')")
        processes = [rule.gives.process for rule in self.rules]
        #: processes that the table can give, in order of first mention
        self.processes = list(dict.fromkeys(processes))

    def decide(self, text: str, subject: str = "") -> Triage:
        """The first rule that matches ``subject``; if that is only the last, the first that matches all."""
        whole = self._first(f"{subject}\n{text}") if text else None
        if not subject:
            return whole.gives if whole else self.rules[-1].gives
        short = self._first(subject)
        return (whole if whole and short.takes_anything else short).gives

    def _first(self, text: str) -> _Rule:
        env = {"text": _words(text)}
        return next(rule for rule in self.rules if all(test.evaluate(env, _FUNCTIONS) for test in rule.tests))


_FUNCTIONS = {"mentions": mentions}


def _words(text: str) -> str:
    """Lower case, every run of signs one blank, a blank between figure and letter, and one at each end."""
    return f" {_NO_WORD.sub(' ', text.casefold()).strip()} "


def _named(element: etree._Element, name: str) -> list[etree._Element]:
    return [child for child in element.iter("{*}*") if local(child) == name]


def _entry(element: etree._Element) -> str:
    return "".join(str(text) for part in _named(element, "text") for text in part.itertext()).strip()


def _rule(element: etree._Element, name: str) -> _Rule:
    entries = [_entry(entry) for entry in _named(element, "inputEntry")]
    outputs = [_literal(_entry(entry), name) for entry in _named(element, "outputEntry")]
    rule = str(element.get("id"))
    if len(outputs) != 2:
        raise InvalidFile(f"{name}: rule {rule!r} must give a process and a category")
    tests = tuple(
        compile_condition(entry.replace("?", "text"), missing="none") for entry in entries if entry != _ANY
    )
    if unknown := {call for test in tests for call in test.calls} - set(_FUNCTIONS):
        raise InvalidFile(
            f"{name}: rule {rule!r} calls {', '.join(sorted(unknown))}; only mentions() is known here"
        )
    return _Rule(tests, Triage(outputs[0], outputs[1], rule))


def _literal(entry: str, name: str) -> str:
    try:
        value: Any = ast.literal_eval(entry)
    except (SyntaxError, ValueError):
        value = None
    if not isinstance(value, str):
        raise InvalidFile(f"{name}: output {entry!r} must be a quoted text")
    return value
