"""Cases in which nothing can happen any more: an incident for operators, and a notice to who leads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from engine.base.facts import resolve
from engine.release.release import Release
from engine.storage.statements import Statement, Write
from engine.storage.tables import incident

from . import notices
from .change import Change

STUCK = "Stuck"  #: the kind of these incidents; their message names where the case stands
NEW = Statement(sa.insert(incident))


def project(change: Change) -> Iterator[Write]:
    """One incident and one notice for a case that got stuck."""
    places = change.effects.stuck
    if not places:
        return
    instance = change.instance
    names = where(instance.release, instance.process, places)
    yield NEW(
        id=f"{change.case_id}-{change.instance.seq}",
        case_id=change.case_id,
        element=places[0],
        kind=STUCK,
        message=names,
        command='{"type": "wake"}',
        opened_at=change.at,
        closed_at=None,
        closed_by=None,
        resolution=None,
        attempts=1,
    )
    yield notices.NEW(
        case_id=change.case_id,
        role="supervisor",
        text=f"工单 {change.case_id} 尚未办结，却没有可办的任务和计时（停在：{names}），请查看异常。",
        at=change.at,
        level="breach",
        topic=None,
        person=None,
        read_by=None,
    )


def where(release: Release, process: str, places: Iterable[str]) -> str:
    """The names of elements (as history refers to them) of a case of ``process``, as drawn."""
    found = (release.element(*resolve(process, place)) for place in places)
    return "、".join(element.name or element.id for element in found)
