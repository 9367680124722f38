"""Of commands: what was acknowledged is there once and in order, what was refused is nowhere, who did it may."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from engine.people.directory import DEMO_PEOPLE
from tests.system.record import ACKNOWLEDGED, REFUSED, UNKNOWN, Attempt, Record

from .facts import Facts, Step, instant

_PEOPLE = {person.name: person for person in DEMO_PEOPLE}
_WEIGHTS = (7, 3, 1)


def faults(record: Record, facts: Facts) -> Iterator[str]:
    """What is wrong with the commands of a run."""
    given = [a for a in record.attempts if not a.command.actor.startswith("system:")]
    yield from _acknowledged(given, facts)
    yield from _nothing_else(given, facts)
    yield from _in_order(given)
    yield from _keys(given)
    yield from _numbers(facts)
    for steps in facts.history.values():
        yield from _of_case(steps)
        yield from _tasks(steps, facts)


def _acknowledged(given: list[Attempt], facts: Facts) -> Iterator[str]:
    for attempt in given:
        if attempt.outcome != ACKNOWLEDGED or attempt.receipt is None:
            continue
        got = attempt.receipt
        steps = facts.history.get(got.case_id, [])
        if len(steps) < got.seq:
            yield f"{got.case_id} row {got.seq}, acknowledged, is lost: {attempt.command.kind}"
            continue
        step = steps[got.seq - 1]
        if not _is(step, attempt):
            yield f"{got.case_id} row {got.seq} is {step.kind} by {step.actor}, not what was acknowledged"
        elif [row[0] for row in step.effects.get("opened", ())] != got.opened:
            yield f"{got.case_id} row {got.seq} opened other tasks than its receipt says"
        elif step.effects.get("closed", []) != got.closed:
            yield f"{got.case_id} row {got.seq} closed other tasks than its receipt says"


def _is(step: Step, attempt: Attempt) -> bool:
    """Whether a row of history may be what somebody asked for."""
    command = attempt.command
    same = step.kind == command.kind and step.actor == command.actor
    if command.kind == "start":
        return same and step.command.get("external_id") == getattr(command, "external_id", None)
    return (
        same
        and step.case_id == command.case_id
        and step.command.get("task") == getattr(command, "task", None)
        and step.at >= instant(command.at)
    )


def _nothing_else(given: list[Attempt], facts: Facts) -> Iterator[str]:
    """Every row that a person wrote was asked for: once for each time it was asked, or each submit key."""
    receipts = [a.receipt for a in given if a.outcome == ACKNOWLEDGED and a.receipt is not None]
    taken = {(receipt.case_id, receipt.seq) for receipt in receipts}
    first = Counter((receipt.case_id, receipt.seq) for receipt in receipts if not receipt.already)
    yield from (f"{case} row {seq} was acknowledged {n} times" for (case, seq), n in first.items() if n > 1)
    keys = {a.command.key for a in given if a.outcome == ACKNOWLEDGED and a.command.key}
    open_ends = [a for a in given if a.outcome == UNKNOWN and a.command.key not in keys]
    used: set[str] = set()
    for step in facts.steps():
        if not step.is_persons or (step.case_id, step.seq) in taken:
            continue
        if step.kind == "resume" and _goes_with_completion(step, facts):
            continue  # who works on a case does not wait for its customer
        found = next((a for a in open_ends if a.command.key not in used and _is(step, a)), None)
        if found is None:
            refused = [a for a in given if a.outcome == REFUSED and _is(step, a)]
            why = f", refused as {refused[-1].error[:80]}" if refused else ""
            yield f"{step.case_id} row {step.seq} ({step.kind} by {step.actor}): nobody asked for it{why}"
            continue
        if found.command.key:
            used.add(found.command.key)
        else:
            open_ends.remove(found)


def _goes_with_completion(step: Step, facts: Facts) -> bool:
    """Whether the completion by the same person follows, or was stopped before it was written."""
    following = facts.history[step.case_id][step.seq : step.seq + 1]
    return not following or following[0].kind == "complete" or following[0].at >= step.at


def _in_order(given: list[Attempt]) -> Iterator[str]:
    """What was answered before something else was asked stands before it."""
    by_case: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in given:
        if attempt.outcome == ACKNOWLEDGED and attempt.receipt is not None and not attempt.receipt.already:
            by_case[attempt.receipt.case_id].append(attempt)
    for case_id, attempts in by_case.items():
        for one in attempts:
            for other in attempts:
                assert one.receipt is not None
                assert other.receipt is not None
                if one.ended < other.began and one.receipt.seq >= other.receipt.seq:
                    yield f"{case_id}: row {other.receipt.seq} was asked for after row {one.receipt.seq} was answered"


def _keys(given: list[Attempt]) -> Iterator[str]:
    """One submit key has one answer, and once it has one everybody gets it."""
    answered: dict[str, int] = {}
    for attempt in sorted(given, key=lambda one: one.began):
        key = attempt.command.key
        if key is None:
            continue
        if attempt.outcome == ACKNOWLEDGED:
            answered[key] = min(answered.get(key, attempt.ended), attempt.ended)
        elif attempt.error.startswith("Unavailable"):
            continue
        elif attempt.outcome == REFUSED and answered.get(key, attempt.began) < attempt.began:
            yield f"the submit key {key} was answered, and then {attempt.error[:100]}"
    answers: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for attempt in given:
        if attempt.command.key and attempt.receipt is not None:
            answers[attempt.command.key].add((attempt.receipt.case_id, attempt.receipt.seq))
    yield from (
        f"the submit key {key} has {len(found)} answers" for key, found in answers.items() if len(found) > 1
    )


def _numbers(facts: Facts) -> Iterator[str]:
    cases = facts.cases
    for case_id in facts.history.keys() - cases.keys():
        yield f"{case_id} has a history and no row"
    for case_id in cases.keys() - facts.history.keys():
        yield f"{case_id} has a row and no history"
    for case_id in cases:
        digits = case_id[:6] + case_id[7:-2]
        check = sum(int(d) * _WEIGHTS[i % 3] for i, d in enumerate(digits)) % 10
        if not re.fullmatch(r"\d{6}-\d{5,}-\d", case_id) or case_id[-1] != str(check):
            yield f"{case_id} is no case number"
    externals = Counter(row["external_id"] for row in cases.values() if row["external_id"])
    yield from (f"{number} is the outside number of {n} cases" for number, n in externals.items() if n > 1)
    last = {row["day"]: row["last"] for row in facts.tables["case_number"]}
    for case_id in cases:
        if int(case_id.split("-")[1]) > last.get(case_id[:6], 0):
            yield f"{case_id} was never given"


def _of_case(steps: list[Step]) -> Iterator[str]:
    """Time goes forward, rows are numbered, tasks are done once and by somebody who may."""
    opened: dict[int, str] = {}
    holders: dict[int, str] = {}
    closed: set[int] = set()
    respondent = steps[0].command.get("respondent")
    before = steps[0].at
    for number, step in enumerate(steps, 1):
        where = f"{step.case_id} row {step.seq}"
        if step.seq != number:
            yield f"{where}: row {number} is missing"
        if step.at < before:
            yield f"{where}: time runs backwards"
        before = step.at
        task = step.command.get("task", -1)
        if step.kind in ("claim", "complete", "release", "assign", "reschedule"):
            if task not in opened:
                yield f"{where}: {step.kind} of task {task}, which is not open"
            if step.kind in ("claim", "complete") and holders.get(task, step.actor) != step.actor:
                yield f"{where}: {step.kind} of task {task} by {step.actor}, but {holders[task]} holds it"
            who = step.command.get("to") if step.kind == "assign" else step.actor
            if step.kind in ("claim", "complete", "assign") and not _may(
                who, opened.get(task, ""), respondent
            ):
                yield f"{where}: {who} may not do task {task}"
        for done in step.effects.get("closed", ()):
            if done in closed or done not in opened:
                yield f"{where}: task {done} closes, which is not open"
            closed.add(done)
            opened.pop(done, None)
            holders.pop(done, None)
        for new, _, duty, _ in step.effects.get("opened", ()):
            if new in closed or new in opened:
                yield f"{where}: task {new} opens a second time"
            opened[new] = duty
        for held, person in step.effects.get("claimed", ()):
            holders.pop(held, None)
            if person is not None:
                holders[held] = person


def _may(name: str | None, duty: str, respondent: str | None) -> bool:
    role, skill, department = [*duty.split("/"), "", ""][:3]
    person = _PEOPLE.get(name or "")
    return (
        person is not None
        and name != respondent
        and role in person.roles
        and (not skill or skill in person.skills)
        and (not department or department in person.departments)
    )


def _tasks(steps: list[Step], facts: Facts) -> Iterator[str]:
    """The list of tasks says what history says."""
    expected: dict[int, tuple[str, str | None]] = {}
    for step in steps:
        for done in step.effects.get("closed", ()):
            mine = step.kind == "complete" and step.command["task"] == done
            expected[done] = ("completed" if mine else "cancelled", expected[done][1])
        for new, *_ in step.effects.get("opened", ()):
            expected[new] = ("open", None)
        for held, person in step.effects.get("claimed", ()):
            expected[held] = (expected[held][0], person)
    stored = {row["task"]: (row["state"], row["claimed_by"]) for row in facts.of("task", steps[0].case_id)}
    if stored != expected:
        differing = {n for n in stored.keys() | expected.keys() if stored.get(n) != expected.get(n)}
        yield f"{steps[0].case_id}: the list of tasks says otherwise of {sorted(differing)}"
    done = [step.effects["done"] for step in steps if "done" in step.effects]
    row = facts.cases.get(steps[0].case_id)
    if row is not None and (row["state"], row["outcome"]) != (
        ("closed", done[0]) if done else ("open", None)
    ):
        yield f"{steps[0].case_id}: its row says {row['state']} ({row['outcome']})"
