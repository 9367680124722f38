"""Drafts become a release: judged on what is in force, published, or kept until a second person agrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.app import Gongdan
from engine.base.errors import NotAllowed, Rejected
from engine.base.locales import LOCALES
from engine.design import publish_gate
from engine.design.lint import Finding
from engine.people.directory import Person
from engine.people.rights import may
from engine.people.security_events import By
from engine.queries.drafts import DiagramDraft
from engine.release import proposals
from engine.release.consent import Consent
from engine.release.proposals import APPROVE, Proposal
from engine.release.release import Release

from .judging import Judgement, judge


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks to publish. ``reason``: why processes without scenarios cannot wait for them.

    ``excused`` is the note of the release in that case.
    """

    drafts: Sequence[DiagramDraft]
    author: str
    note: str
    at: str
    by: By
    reason: str = ""
    excused: str = ""

    @property
    def changes(self) -> dict[str, bytes]:
        """Path → bytes."""
        return {draft.path: draft.body for draft in self.drafts}


class Outcome:
    """What became of it: one of the classes below."""


@dataclass(frozen=True, slots=True)
class Published(Outcome):
    """It is release ``number``."""

    number: int


@dataclass(frozen=True, slots=True)
class Waits(Outcome):
    """It is proposal ``number``, for a second person to decide on."""

    number: int


@dataclass(frozen=True, slots=True)
class Refused(Outcome):
    """It makes no release: ``faults`` are those of the findings that stop it."""

    faults: list[Finding]
    findings: list[Finding]
    judgement: Judgement | None


@dataclass(frozen=True, slots=True)
class Overtaken(Outcome):
    """Another release changed the file of ``draft``: publishing it would undo that."""

    draft: DiagramDraft


def publish(gongdan: Gongdan, asked: Asked) -> Outcome:
    """Make a release of drafts, or a proposal where a second person has to agree.

    Raises :class:`NotAllowed` for rights that the author may not give.
    """
    releases = gongdan.releases  # its rights before a minute of scenarios, and once more by whoever writes it
    releases.check_rights(releases.current_number(), asked.changes, asked.author)
    return releases.on_current(lambda _: _publish(gongdan, asked))


def _publish(gongdan: Gongdan, asked: Asked) -> Outcome | None:
    """The same on the release in force; None when another one came in while the drafts were judged.

    So they are judged again: what was played is what is published, and two designers' changes of different files meet
    in a judgement.
    """
    release = gongdan.releases.current()
    stopped, findings, judgement = _stopped(gongdan, release, asked.drafts, asked.reason)
    if stopped is not None:
        return stopped
    note = asked.excused if judgement is not None and judgement.unproved else asked.note
    made = Release(release.number, {**release.files, **asked.changes})
    if kinds := gongdan.releases.rules.needs(release, made):
        files = [proposals.File(one.path, one.author, one.base_release, one.body) for one in asked.drafts]
        kept = proposals.Made(
            asked.author,
            asked.at,
            note,
            asked.reason,
            release.number,
            kinds,
            told(findings, judgement),
            files,
        )
        return Waits(proposals.propose(gongdan.db, kept, asked.by))
    number = gongdan.releases.publish_on(
        release.number, dict(asked.changes), asked.author, note, asked.at, by=asked.by
    )
    return None if number is None else Published(number)


def approve(
    gongdan: Gongdan, number: int, digest: str, by: By, at: str, person: Person | None = None
) -> Outcome:
    """Publish the proposal of exactly the files of ``digest``, judged anew on the release in force.

    ``person`` approves, None: the operator at the machine, who ``by`` names. What makes no release waits as before.
    Raises :class:`NotAllowed` for who may not decide, and
    :class:`Conflict` when somebody else did meanwhile.
    """
    if person is not None and not (person.active and may(person, APPROVE)):
        raise NotAllowed(
            "Expected somebody who may approve releases, but {person} may not", person=person.name
        )
    name = by.person if person is None else person.name
    proposal = proposals.get(gongdan.db, number)
    proposals.check(proposal, name, digest)
    consent = Consent(
        name,
        lambda c, release: proposals.approve(c, proposal, name, release, by, at),
        operator=person is None,
    )
    drafts = drafts_of(gongdan, proposal)
    changes = {draft.path: draft.body for draft in drafts}
    releases = gongdan.releases
    releases.check_rights(releases.current_number(), changes, proposal.author, consent)

    def attempt(_: int | None) -> Outcome | None:
        proposals.check(proposals.get(gongdan.db, number), name, digest)  # it may be settled by now
        release = releases.current()
        if all(release.files.get(path) == body for path, body in changes.items()):
            raise Rejected(
                "Expected a change, but release {current} has these files already; refuse proposal {number}",
                current=release.number,
                number=number,
            )
        stopped, _findings, _judgement = _stopped(gongdan, release, drafts, proposal.reason)
        if stopped is not None:
            return stopped
        made = releases.publish_on(
            release.number, dict(changes), proposal.author, proposal.note, at, by=by, consent=consent
        )
        return None if made is None else Published(made)

    return releases.on_current(attempt)


def drafts_of(gongdan: Gongdan, proposal: Proposal) -> list[DiagramDraft]:
    """The files of a proposal as the drafts that they were."""
    return [
        DiagramDraft(one.path, one.author, one.body, one.base_release, proposal.at)
        for one in proposals.files(gongdan.db, proposal)
    ]


def judged(release: Release, changed: Mapping[str, bytes]) -> tuple[list[Finding], Judgement | None]:
    """What lint says of files on top of ``release`` and, where it has nothing grave to say, their scenarios."""
    findings = publish_gate.lint(release, changed)
    if any(finding.grave for finding in findings):
        return findings, None
    judgement = judge(release.files, {**release.files, **changed}, changed.keys())
    return [*findings, *judgement.findings], judgement


def told(findings: Sequence[Finding], judgement: Judgement | None) -> dict[str, Any]:
    """A judgement as plain data: how many scenarios ran, and findings in the words of each language."""
    return {
        "scenarios": judgement.run if judgement else 0,
        "findings": [
            {
                "file": one.file,
                "element": one.element,
                "severity": one.severity,
                "message": {locale: one.message_in(locale) for locale in LOCALES},
            }
            for one in findings
        ],
    }


def _stopped(
    gongdan: Gongdan, release: Release, drafts: Sequence[DiagramDraft], reason: str
) -> tuple[Outcome | None, list[Finding], Judgement | None]:
    """What stops ``drafts`` on top of ``release``, and what was found."""
    if late := publish_gate.overtaken(gongdan.releases, release, drafts):
        return Overtaken(late[0]), [], None
    findings, judgement = judged(release, {draft.path: draft.body for draft in drafts})
    faults = [f for f in findings if f.grave] if judgement is None else judgement.against(reason)
    return Refused(faults, findings, judgement) if faults else None, findings, judgement
