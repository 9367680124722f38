"""A form file being read: small readers that collect everything wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.base.errors import InvalidFile
from engine.base.locales import LOCALES, WRITTEN
from engine.bpmn.conditions import Condition, ConditionError, compile_condition

from .model import Text
from .names import FORM_FUNCTIONS


class Draft:
    """A form file being read: collects what is wrong with it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[str] = []

    def wrong(self, where: str, what: str, mend: str) -> None:
        """Note one problem: its place in the file, what it is, how to mend it."""
        self.problems.append(f"{where or 'file'}: {what}; {mend}")

    def give_up(self) -> InvalidFile:
        """The error for all problems so far."""
        return InvalidFile(f"form {self.path or 'file'}: " + "\n".join(self.problems))

    def mapping(self, value: Any, where: str, allowed: set[str]) -> Mapping[str, Any]:
        """An object with no other keys than ``allowed``."""
        if not isinstance(value, dict):
            self.wrong(where, "is not an object", "write {…}")
            return {}
        for key in value.keys() - allowed:
            self.wrong(where, f"has the unknown key {key!r}", f"use only {', '.join(sorted(allowed))}")
        return value

    def sequence(self, value: Any, where: str) -> list[Any]:
        """A list."""
        if isinstance(value, list):
            return value
        self.wrong(where, "is not a list", "write […]")
        return []

    def text(self, value: Any, where: str) -> Text:
        """A text in every language."""
        if (
            not isinstance(value, dict)
            or not set(WRITTEN) <= set(value) <= {*WRITTEN, *LOCALES}
            or not all(isinstance(text, str) and text.strip() for text in value.values())
        ):
            self.wrong(where, "needs one text for each language", f"give exactly {', '.join(WRITTEN)}")
            return dict.fromkeys(WRITTEN, "")
        return {locale: value[locale] for locale in dict.fromkeys((*WRITTEN, *LOCALES)) if locale in value}

    def flag(self, value: Any, where: str) -> bool:
        """True or false."""
        if not isinstance(value, bool):
            self.wrong(where, "is neither true nor false", "write true or false without quotes")
        return value is True

    def always_or_condition(self, value: Any, where: str) -> Condition | None:
        """``true``, or a condition under which something holds."""
        return compile_condition("True") if value is True else self.condition(value, where)

    def condition(self, value: Any, where: str) -> Condition | None:
        """A plain condition that calls only what forms may call."""
        if not isinstance(value, str):
            self.wrong(where, "is not a condition", "write a text such as \"kind == 'complaint'\"")
            return None
        try:
            condition = compile_condition(value, missing="none")
        except ConditionError as error:
            self.wrong(where, str(error), "write a plain condition over field names")
            return None
        for name in sorted(condition.calls - FORM_FUNCTIONS):
            self.wrong(where, f"calls {name!r}", f"forms may call only {', '.join(sorted(FORM_FUNCTIONS))}")
        return condition
