"""What a form of a task shows at first: what was typed, or its defaults; a prefilled "now" does not stay for hours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from werkzeug.datastructures import MultiDict

from engine.base.locales import in_language
from engine.forms import Form
from engine.queries.drafts import Pairs

from .i18n import locale

OFFERED_AT = "_offered_at"  #: the control that says when the page filled in the form's defaults
FRESH = timedelta(minutes=10)  #: as long a prefilled instant may be taken for what the person meant


@dataclass(frozen=True)
class Offer:
    """``values`` to show; ``at``: when defaults were filled in; ``asked_again``: labels of times that were too old."""

    values: Mapping[str, Any]
    at: str
    asked_again: list[str] = field(default_factory=list)


def offer(form: Form, kept: Pairs | None, data: Mapping[str, Any], now: str) -> Offer:
    """The form at first: the draft ``kept``, without instants that nobody chose and that have gone stale, or defaults.

    Somebody who opened the page hours ago did not say when they called; the page did.
    """
    if not kept:
        return Offer(form.initial(data, now), now)
    values, _ = form.parse(MultiDict(kept).getlist)
    at = dict(kept).get(OFFERED_AT, "")
    if not _is_old(at, now):
        return Offer(values, at or now)
    then, today = form.initial(data, at), form.initial(data, now)
    stale = [
        one
        for one in form.fields
        if one.widget in ("date", "datetime")
        and values.get(one.name) is not None
        and values.get(one.name) == then.get(one.name) != today.get(one.name)
    ]
    for one in stale:
        values.pop(one.name)
    return Offer(values, now, [in_language(one.label, locale()) for one in stale])


def _is_old(at: str, now: str) -> bool:
    try:
        return datetime.fromisoformat(now) - datetime.fromisoformat(at) > FRESH
    except (ValueError, TypeError):  # no instant, or one without its zone: not from our page
        return False
