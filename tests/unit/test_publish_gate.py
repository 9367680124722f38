"""What designers propose is judged by all files beside it, and once for the very same files."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from engine.design import publish_gate
from engine.design.lint import Finding
from engine.release.release import Release
from tests.unit import lint_samples as samples
from tests.unit.lint_samples import BPMN

Looks = list[frozenset[str]]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """What was looked at anew, in order."""
    made: Looks = []
    look = publish_gate._look

    def noted(files: Mapping[str, bytes], changed: Collection[str]) -> list[Finding]:
        made.append(frozenset(changed))
        return look(files, changed)

    publish_gate._found.clear()
    monkeypatch.setattr(publish_gate, "_look", noted)
    return made


def test_the_same_files_are_looked_at_once(looks: Looks) -> None:
    files = samples.release()
    release, spoilt = Release(1, files), files[BPMN].replace(b"<bpmn:endEvent", b"<bpmn:noEvent", 1)
    found = publish_gate.lint(release, {BPMN: spoilt})
    assert found
    again = publish_gate.lint(Release(2, dict(files)), {BPMN: bytes(spoilt)})
    assert (again, len(looks)) == (found, 1)
    again.clear()
    assert publish_gate.lint(release, {BPMN: spoilt}) == found


def test_other_files_or_another_change_are_looked_at_anew(looks: Looks) -> None:
    files = samples.release()
    release = Release(1, files)
    publish_gate.lint(release, {BPMN: files[BPMN]})
    publish_gate.lint(release, {BPMN: files[BPMN] + b"\n"})
    other = next(path for path in sorted(files) if path != BPMN)
    publish_gate.lint(release, {other: files[other]})
    publish_gate.lint(Release(1, {**files, other: files[other] + b"\n"}), {BPMN: files[BPMN]})
    assert looks == [{BPMN}, {BPMN}, {other}, {BPMN}]


def test_what_is_remembered_is_bounded(looks: Looks) -> None:
    files = samples.release()
    for spaces in range(publish_gate.KEPT + 1):
        publish_gate.lint(Release(1, files), {BPMN: files[BPMN] + b"\n" * spaces})
    assert len(publish_gate._found) == publish_gate.KEPT
    publish_gate.lint(Release(1, files), {BPMN: files[BPMN]})
    assert len(looks) == publish_gate.KEPT + 2
