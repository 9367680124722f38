"""Forms of user tasks: reading their files, asking, checking and storing answers. See docs/forms.md.

Uses bpmn, people, sla and everything below. Read first: ``form``, ``model``, ``checking``.
"""

from __future__ import annotations

from engine.base.settings import LOCALES

from .form import Form, Submission
from .messages import message
from .model import Field, Option, Text, choice_text, localised
from .values import local_minutes, show

__all__ = [
    "LOCALES",
    "Field",
    "Form",
    "Option",
    "Submission",
    "Text",
    "choice_text",
    "local_minutes",
    "localised",
    "message",
    "show",
]
