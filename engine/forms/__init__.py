"""Forms of user tasks: reading their files, asking, checking and storing answers. See docs/forms.md.

Uses bpmn, people, sla and everything below. Read first: ``form``, ``model``, ``checking``.
"""

from __future__ import annotations

from engine.base.locales import LOCALES

from .form import Form, Submission
from .messages import message
from .model import Field, Option, Text, choice_text
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
    "message",
    "show",
]
