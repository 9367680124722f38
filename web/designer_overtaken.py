"""The page of a draft whose file another release changed: both changes side by side, and the ways on."""

from __future__ import annotations

from typing import Any

from flask import render_template
from flask_babel import gettext

from engine.queries.drafts import DiagramDraft
from engine.release import compare
from engine.release.release import Release

from . import designer_files, request_context


def page(draft: DiagramDraft) -> str:
    """What the release in force changed since the draft began, beside what the draft changes."""
    releases = request_context.gongdan().releases
    before, release = releases.get(draft.base_release), releases.current()
    mine = Release(release.number, {draft.path: draft.body})
    drawn = draft.path.endswith(".bpmn") and compare.readable(draft.body)
    sides = [
        (gettext("What release %(n)s changed", n=release.number), before, release),
        (gettext("What my draft changes"), before, mine),
    ]
    return render_template(
        "designer/overtaken.html",
        draft=draft,
        name=designer_files.names(release).get(draft.path, draft.path),
        release=release,
        drawn=drawn,
        sides=[side(title, old, new, draft.path) for title, old, new in sides],
    )


def side(title: str, old: Release, new: Release, path: str) -> dict[str, Any]:
    """What differs between two versions of a file: by element where it is drawn, else by line."""
    drawn = path.endswith(".bpmn") and compare.readable(new.files.get(path, b""))
    changes = compare.elements(old, new, path) if drawn else []
    return {
        "title": title,
        "drawn": drawn,
        "changes": changes,
        "marks": {change.element: change.kind for change in changes if change.kind != "removed"},
        "text": [] if drawn else compare.text(old, new, path),
    }
