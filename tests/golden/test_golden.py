"""What was recorded under a version of behaviour is executed by the rules of that version, byte for byte, for ever.

A failure here means that a change of code changed what past commands do. Then make the change a new version: an entry
in ``engine/case/behaviour.py``, asked for with ``instance.follows(…)``, and the code of before beside it. Never record
a version again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from engine.base.errors import GongdanError
from engine.base.settings import CHECKOUT
from engine.case import behaviour
from engine.case.handlers import HANDLERS
from engine.case.history import ENGINE
from engine.case.instance import Instance
from engine.proof.verify import first_fault
from engine.release.release import Release, sha256
from tests.golden.files import FOLDER, SUMS, GoldenCase, kept_files, read_cases, recorded_files, release_of

FILES = recorded_files()
VERSIONS = sorted({path.parent.name for path in FILES})


def fault(case: GoldenCase) -> str | None:
    """Where executing a recorded case first differs from what was recorded."""
    release = release_of(case.release)
    fresh = (
        None if case.key is None else Instance(case.case_id, case.process, release, release.seal(case.key))
    )
    found = first_fault(case.case_id, case.rows, lambda row: fresh)
    return None if found.reason is None else f"{case.case_id} row {found.seq}: {found.reason}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name.partition('.')[0]}")
def test_recorded_cases_are_executed_as_they_were(path: Path) -> None:
    cases = read_cases(path)
    assert cases
    assert [found for case in cases if (found := fault(case)) is not None] == []


def commands(version: str) -> Iterator[tuple[GoldenCase, dict[str, object], dict[str, object]]]:
    """Every recorded command of a version with its effects."""
    for path in FILES:
        if path.parent.name == version:
            for case in read_cases(path):
                for row in case.rows:
                    yield case, orjson.loads(row.command), orjson.loads(row.effects)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_kind_of_command_of_a_version_is_recorded(version: str) -> None:
    known = {command.kind for command in HANDLERS if command.since <= int(version[1:])}
    assert {str(command["type"]) for _, command, _ in commands(version)} == known


@pytest.mark.parametrize("version", VERSIONS)
def test_odd_courses_are_recorded(version: str) -> None:
    seen: Counter[str] = Counter()
    for case, command, effects in commands(version):
        seen.update(effects.keys())
        seen["skipped"] += "skip" in command
        seen["erased"] += case.key is None
        seen["respondent"] += "respondent" in command
        seen["duplicate"] += "duplicate_of" in (command.get("data") or {})  # type: ignore[operator]
        for _, state, _ in effects.get("clock_changes", ()):  # type: ignore[attr-defined]
            seen[state] += 1
    if int(version[1:]) >= 2:
        assert min(seen["withdrawn"], seen["rescheduled"], seen["stuck"]) > 0
    wanted = {
        "paused",
        "resumed",
        "amended",
        "incident",
        "linked",
        "skipped",
        "erased",
        "respondent",
        "duplicate",
    }
    states = {"warned", "breached", "met", "missed", "stopped", "moved"}
    assert wanted | states <= {name for name, count in seen.items() if count}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_process_is_recorded_to_each_of_its_ends(version: str) -> None:
    ended: dict[tuple[str, str], set[str]] = {}
    for case, _, effects in commands(version):
        outcomes = ended.setdefault((case.release, case.process), set())
        if "done" in effects:
            outcomes.add(str(effects["done"]))
    for (release, process), outcomes in ended.items():
        assert named_ends(release_of(release), process) <= outcomes, process


def named_ends(release: Release, process: str) -> set[str]:
    """The outcomes that the ends of a process name."""
    elements = release.process(process).elements.values()
    return {name for element in elements if (name := element.properties.get("outcome")) is not None}


def test_the_version_in_force_is_recorded() -> None:
    assert f"v{ENGINE}" in VERSIONS, "record it: python -m tests.golden.record"


def test_what_is_recorded_is_never_recorded_again() -> None:
    """The digests of all recorded files, as each version had them when it was made."""
    listed = dict(line.split("  ")[::-1] for line in SUMS.read_text().splitlines())
    found = {str(path.relative_to(FOLDER)): sha256(path.read_bytes()) for path in kept_files()}
    assert found == listed, (
        "a golden history was changed, added or removed. A change of behaviour is a new version in "
        "engine/case/behaviour.py and a new folder here (python -m tests.golden.record), never a change of an old one"
    )


def test_each_change_of_behaviour_is_in_the_table_of_the_documents() -> None:
    text = (CHECKOUT / "docs" / "history.md").read_text(encoding="utf-8")
    for change in behaviour.CHANGES:
        assert f"| {change.since} | `{change.name}` |" in text


def test_each_change_of_behaviour_is_listed() -> None:
    made = [change for change in vars(behaviour).values() if isinstance(change, behaviour.Change)]
    assert set(behaviour.CHANGES) == set(made)


def test_a_version_that_this_program_lacks_is_told() -> None:
    for engine in ("0", "", "x", "²", str(behaviour.NEWEST + 1)):
        with pytest.raises(GongdanError, match="version"):
            behaviour.version(engine)
    assert {behaviour.version(str(n)) for n in range(1, behaviour.NEWEST + 1)} == set(
        range(1, behaviour.NEWEST + 1)
    )


def test_no_command_is_of_a_version_that_there_is_not() -> None:
    assert {command.since for command in HANDLERS} <= set(range(1, behaviour.NEWEST + 1))
