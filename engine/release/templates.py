"""Texts for customers and staff: SMS, words to say, notices, mails. Versioned files; slots filled from case data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.base.errors import InvalidFile, Rejected
from engine.base.locales import WRITTEN
from engine.base.safe_parsing import safe_json
from engine.base.services import SERVICES
from engine.bpmn.conditions import Condition, compile_condition

_SHAPES: dict[str, tuple[type, str]] = {
    "key": (str, "a text"),
    "kind": (str, "a text"),
    "version": (int, "a whole number"),
    "source": (str, "a text"),
    "slots": (dict, "an object of names and expressions"),
    "max_length": (int, "a whole number"),
    "acknowledgement": (bool, "true or false"),
    "refuse_personal": (list, "a list of slots"),
}
#: "say": words that people say on the telephone
KINDS = ("say", *(service.texts for service in SERVICES.values() if service.texts))
_SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
#: What must not stand in a slot that refuses personal or billing data: long digit runs, money, mail addresses.
_PERSONAL = re.compile(r"\d{7,}|1[3-9]\d[ -]?\d{4}[ -]?\d{4}|\d+(\.\d+)?\s*元|[¥¥]\s*\d|@")


@dataclass(frozen=True, slots=True)
class Template:
    """One text in its languages. ``slots`` are plain expressions over the data of the case."""

    key: str
    kind: str
    version: int
    source: str
    text: dict[str, str]
    slots: dict[str, Condition]
    max_length: int | None  #: characters the filled text may have
    acknowledgement: bool  #: answers the customer's own contact: sent at once at any hour
    refuse_personal: frozenset[str]  #: slots that must not carry personal or billing data

    def fill(
        self, data: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]], locale: str = "zh-Hans"
    ) -> str:
        """The text with its slots filled; an empty value leaves nothing.

        Raises :class:`Rejected` when a refusing slot holds personal data or the text is too long.
        """
        values = {}
        for name, slot in self.slots.items():
            value = slot.evaluate(data, functions)
            text = (
                "" if value is None else "、".join(map(str, value)) if isinstance(value, list) else str(value)
            )
            if name in self.refuse_personal and _PERSONAL.search(text):
                raise Rejected(
                    "Expected no personal or billing data in {name!r} of text {key!r}, but it holds some; "
                    "leave it empty and ask the customer to call instead",
                    name=name,
                    key=self.key,
                )
            values[name] = text
        filled = _SLOT.sub(
            lambda m: values.get(m.group(1), ""), self.text.get(locale) or self.text["zh-Hans"]
        )
        if self.max_length is not None and len(filled) > self.max_length:
            raise Rejected(
                "Expected text {key!r} to have at most {most} characters, but it has {length}",
                key=self.key,
                most=self.max_length,
                length=len(filled),
            )
        return filled


def load_template(content: bytes, path: str) -> Template:
    """The template in a JSON file; raises :class:`InvalidFile` saying what is wrong with it."""
    raw = safe_json(content, path)
    if not isinstance(raw, dict):
        raise InvalidFile(f"{path}: a template is a JSON object")
    text, slots = raw.get("text"), raw.get("slots") or {}
    if not isinstance(text, dict) or not set(WRITTEN) <= set(text):
        raise InvalidFile(f"{path}: 'text' must have {', '.join(WRITTEN)}")
    if raw.get("kind") not in KINDS:
        raise InvalidFile(f"{path}: 'kind' must be one of {', '.join(KINDS)}, not {raw.get('kind')!r}")
    for key, (shape, words) in _SHAPES.items():
        if raw.get(key) is not None and not isinstance(raw[key], shape):
            raise InvalidFile(f"{path}: {key!r} must be {words}, not {str(raw[key])[:40]!r}")
    if not all(isinstance(slot, str) for slot in raw.get("refuse_personal") or ()):
        raise InvalidFile(f"{path}: 'refuse_personal' must list names of slots")
    for locale, words in text.items():
        if not isinstance(words, str):
            raise InvalidFile(f"{path}: the {locale} text must be a text, not {str(words)[:40]!r}")
        unknown = set(_SLOT.findall(words)) - set(slots)
        if unknown:
            raise InvalidFile(
                f"{path}: the {locale} text uses slots that are not defined: {', '.join(sorted(unknown))}"
            )
    return Template(
        key=str(raw.get("key", "")),
        kind=raw["kind"],
        version=raw.get("version") or 1,
        source=str(raw.get("source", "")),
        text={k: str(v) for k, v in text.items()},
        slots={
            name: compile_condition(str(expression), missing="none") for name, expression in slots.items()
        },
        max_length=raw.get("max_length"),
        acknowledgement=bool(raw.get("acknowledgement", False)),
        refuse_personal=frozenset(raw.get("refuse_personal") or ()),
    )
