"""What designers propose, judged against the release it would change."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from threading import Lock

from engine.base.errors import InvalidFile
from engine.queries.drafts import DiagramDraft
from engine.release.digest import digest_of
from engine.release.release import Release
from engine.release.releases import Releases

from .lint import Finding, LintContext, lint_file
from .lint.release import lint_across

KEPT = 16  #: sets of files whose findings are remembered
_found: OrderedDict[tuple[str, frozenset[str]], tuple[Finding, ...]] = OrderedDict()
_looking = Lock()


def lint(release: Release, changes: Mapping[str, bytes]) -> list[Finding]:
    """Findings in the changed files, rules across files included: what publishing asks."""
    return _in_changed({**release.files, **changes}, changes.keys()) if changes else []


def _in_changed(files: Mapping[str, bytes], changed: Collection[str]) -> list[Finding]:
    """Findings in the ``changed`` of a set of files.

    A look at a whole release takes seconds, and a designer's room, a trial and the publishing after them ask for the
    same one: what was found in the very same files is remembered.
    """
    shas = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    asked = digest_of(shas), frozenset(changed)
    with _looking:
        known = _found.get(asked)
    if known is None:
        known = tuple(_look(files, changed))
        with _looking:
            _found[asked] = known
            while len(_found) > KEPT:
                _found.popitem(last=False)
    return list(known)


def _look(files: Mapping[str, bytes], changed: Collection[str]) -> list[Finding]:
    context = LintContext.of(files)
    own = [
        found for path in sorted(changed) if path in files for found in lint_file(path, files[path], context)
    ]
    return own + [found for found in lint_across(files, context) if found.file in changed]


def refuse_findings(files: Mapping[str, bytes], changed: Collection[str]) -> None:
    """Raise :class:`InvalidFile` when lint has an error or a warning on a changed file of the set ``files``."""
    found = [f for f in _in_changed(files, changed) if f.grave]
    if found:
        lines = [f"{f.file}: {f.element or f.line or ''}: {f.message} → {f.fix}" for f in found]
        raise InvalidFile("nothing is published; lint says:\n" + "\n".join(lines))


def lint_one(release: Release, path: str, body: bytes) -> list[Finding]:
    """Findings in one file while it is being drawn, with the rest of ``release`` as its context."""
    return lint_file(path, body, LintContext.of({**release.files, path: body}))


def overtaken(releases: Releases, release: Release, made: Iterable[DiagramDraft]) -> list[DiagramDraft]:
    """Drafts whose file changed between the release they began on and ``release``: publishing would undo that."""
    return [
        draft
        for draft in made
        if draft.base_release != release.number
        and releases.get(draft.base_release).files.get(draft.path) != release.files.get(draft.path)
        and release.files.get(draft.path) != draft.body
    ]
