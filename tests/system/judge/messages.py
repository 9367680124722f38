"""Of messages: nothing goes out twice, too early or unasked, and of everything asked for somebody knows what became."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator

from engine.base.sending import FAILED, RETRY, SENT, UNKNOWN
from tests.system.record import Call, Record

from .facts import Facts, Row, Step, instant

ENDS = {"sent", "failed", "unknown", "withdrawn", "cancelled"}
TRIES = 6


def faults(record: Record, facts: Facts) -> Iterator[str]:
    """What is wrong with messages, everything being at rest."""
    calls: dict[str, list[Call]] = defaultdict(list)
    for call in record.calls:
        calls[call.id].append(call)
    yield from _once(calls, record)
    for case_id, steps in facts.history.items():
        yield from _case(case_id, steps, facts, calls, case_id in record.maybe_erased)
    yield from _taken_back(calls, record, facts)
    asked = {f"{step.case_id}/{event}" for step in facts.steps() for event in _events(step)}
    for message, (call, *_) in calls.items():
        if _entry(message, asked) is None:
            yield f"{call.id} went out, and nobody asked for it"


def _events(step: Step) -> list[str]:
    asked = [one["event"] for one in step.effects.get("requests", ()) if one["service"] != "notice"]
    return asked + [one["event"] for one in step.effects.get("linked", ())]


def _entry(call: str, entries: set[str]) -> str | None:
    """The entry that a call is for: mail to a role goes to each person by itself."""
    if call in entries:
        return call
    shorter = call.rpartition("/")[0]
    return shorter if shorter in entries else None


def _once(calls: dict[str, list[Call]], record: Record) -> Iterator[str]:
    """A message goes out again only where it surely had not, or where a person says so."""
    for message, made in calls.items():
        for before, after in itertools.pairwise(made):
            surely_not = before.answer is not None and before.answer.state == RETRY
            # Who had it in hand when a person said so may go on with it: that is the risk they take.
            since = min(before.began, after.began)
            asked = any(
                since < order < after.order and message.startswith(entry)
                for order, entry in record.asked_again
            )
            if not (surely_not or asked):
                said = before.answer.state if before.answer else "nothing"
                yield f"{message} went out again, though the gateway had said {said}"


def _taken_back(calls: dict[str, list[Call]], record: Record, facts: Facts) -> Iterator[str]:
    """What was taken back goes out no more, but from the hands of who had it already."""
    for attempt in record.attempts:
        if attempt.receipt is None or attempt.receipt.already:
            continue
        step = facts.history[attempt.receipt.case_id][attempt.receipt.seq - 1 :][:1]
        for event in step[0].effects.get("withdrawn", ()) if step else ():
            message = f"{step[0].case_id}/{event}"
            late = [call for call in calls.get(message, ()) if call.began > attempt.ended]
            if late and not any(entry == message for _, entry in record.asked_again):
                yield f"{message} went out, and was taken back before"


def _case(
    case_id: str, steps: list[Step], facts: Facts, calls: dict[str, list[Call]], erased: bool
) -> Iterator[str]:
    entries = {row["id"]: row for row in facts.of("outbox", case_id)}
    expected: dict[str, dict[str, str]] = {}
    answers: dict[str, list[Step]] = defaultdict(list)
    taken_back: set[str] = set()
    for step in steps:
        for one in (*step.effects.get("requests", ()), *step.effects.get("linked", ())):
            if one.get("service") != "notice":
                if one["event"] in expected:
                    yield f"{case_id} row {step.seq}: {one['event']} is asked for a second time"
                expected[one["event"]] = one
        if "service" in step.effects:
            answers[step.effects["service"][0]].append(step)
        taken_back |= set(step.effects.get("withdrawn", ()))
    names = {f"{case_id}/{event}" for event in expected}
    if names != entries.keys():
        yield f"{case_id}: the outbox has {sorted(entries.keys() ^ names)} too many or too few"
    for event, asked in expected.items():
        row = entries.get(f"{case_id}/{event}")
        if row is not None:
            made = [call for name, some in calls.items() if _entry(name, names) == row["id"] for call in some]
            silent = erased or event in taken_back  # nobody is told to send what was taken back
            yield from _message(row, asked, made, answers[event], facts, erased, silent)
    if not erased:
        yield from _notices(case_id, steps, facts)


def _message(
    row: Row,
    asked: dict[str, str],
    made: list[Call],
    answers: list[Step],
    facts: Facts,
    erased: bool,
    silent: bool,
) -> Iterator[str]:
    name, state = row["id"], row["state"]
    last = answers[-1].effects["service"][1] if answers else None
    if state not in ENDS:
        yield f"{name} is {state}, and nobody will send it"
    if state == "cancelled" and not erased:
        yield f"{name} is cancelled, and the case is not erased"
    if state in (SENT, FAILED, UNKNOWN) and state != last:
        yield f"{name} is {state}, and history says {last}"
    said = [call.answer.state for call in made if call.answer is not None]
    if row["kind"] == "case":
        children = [
            one for one in facts.tables["cases"] if (one["external_id"] or "").startswith(f"link:{name}")
        ]
        if len(children) > 1 or (state == SENT) is not bool(children):
            yield f"{name} is {state} and has opened {len(children)} cases"
        if any(child["parent"] != row["case_id"] for child in children):
            yield f"{name}: its case does not know whence it comes"
    elif state == SENT and SENT not in said:
        yield f"{name} is sent, but no gateway took it: {said}"
    elif state == FAILED and made and FAILED not in said and row["attempts"] % TRIES:
        yield f"{name} failed, but the gateway said {said}"
    too_early = [call for call in made if "not_before" in asked and call.clock < instant(asked["not_before"])]
    if too_early:
        yield f"{name} went out at {too_early[0].clock}, not before {asked['not_before']}"
    if last == FAILED and not silent and not _told(row, facts):
        yield f"{name} failed, and nobody was told"


def _told(row: Row, facts: Facts) -> bool:
    own = f"工单 {row['case_id']} "
    told = (one["text"] for one in facts.of("notice", row["case_id"]) if one["role"] == "supervisor")
    return any(text.startswith(own) and "没能" in text for text in told)


def _notices(case_id: str, steps: list[Step], facts: Facts) -> Iterator[str]:
    """Every notice that a diagram asked for is there, once."""
    asked = Counter(
        (one["to"], step.at, one["level"])
        for step in steps
        for one in step.effects.get("requests", ())
        if one["service"] == "notice"
    )
    stored = Counter(
        (row["role"], instant(row["at"]), row["level"])
        for row in facts.of("notice", case_id)
        if row["topic"] is None and not row["text"].startswith(f"工单 {case_id} ")
    )
    own = Counter(
        (row["role"], instant(row["at"]), row["level"])
        for row in facts.of("notice", case_id)
        if row["text"].startswith(f"工单 {case_id} ")
    )
    for notice, times in asked.items():
        if not times <= stored[notice] + own[notice]:
            yield f"{case_id}: the notice {notice} was asked for {times} times and is there {stored[notice]} times"
    for notice in stored.keys() - asked.keys():
        yield f"{case_id}: the notice {notice} was never asked for"
