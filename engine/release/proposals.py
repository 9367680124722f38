"""Releases that wait for a second person: kept with their judgement until somebody approves, refuses or takes back.

A proposal never changes. What is approved are exactly its bytes, by their digest; who changes their mind proposes
anew, which takes the place of what waits.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from engine.base.errors import Conflict, Damaged, NotAllowed, NotFound, Rejected
from engine.people import security_log
from engine.people.rights import RIGHTS
from engine.people.security_events import Approved, By, Event, ProposalRefused, Proposed, TakenBack
from engine.storage.database import Database
from engine.storage.release_tables import proposal as table
from engine.storage.release_tables import proposal_file
from engine.storage.tables import diagram_draft, notice

from .announcing import LONGEST_NOTICE, NAMED, called
from .digest import digest_of
from .release import sha256, stored

WAITING, APPROVED, REFUSED, TAKEN_BACK, REPLACED = "waiting", "approved", "refused", "taken back", "replaced"
ABOUT = "proposal:"  #: begins the topic of a notice of a proposal, before its number
APPROVE = "releases.approve"  #: the right to decide
LONGEST_REASON = 500  #: characters


@dataclass(frozen=True, slots=True)
class File:
    """One file of a proposal. ``author``: whose draft it was; ``base_release``: what that stood on."""

    path: str
    author: str
    base_release: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """What somebody proposes. ``kinds`` → paths: why it waits; ``judged``: what lint and scenarios said, plain data.

    ``reason``: why processes without scenarios cannot wait for them; ``base``: the release it was judged against.
    """

    author: str
    at: str
    note: str
    reason: str
    base: int
    kinds: Mapping[str, Sequence[str]]
    judged: Mapping[str, Any]
    files: Sequence[File]

    @property
    def digest(self) -> str:
        """The hash that stands for its files."""
        return _digest(self.files)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal as it is kept. ``decided_by``: who approved, refused, took back or replaced it, ``decided_at`` when.

    ``why`` it was refused; the ``release`` that it became.
    """

    number: int
    author: str
    at: str
    note: str
    reason: str
    base: int
    digest: str
    kinds: dict[str, list[str]]
    judged: dict[str, Any]
    state: str
    decided_by: str | None
    decided_at: str | None
    why: str | None
    release: int | None
    paths: tuple[str, ...]
    authors: frozenset[str]  #: of it and of the drafts in it: none of them decides

    @property
    def waits(self) -> bool:
        """Whether nobody has decided yet."""
        return self.state == WAITING


def propose(db: Database, made: Made, by: By) -> int:
    """Keep a proposal for a second person, and tell those who may decide; returns its number.

    What the author proposed of the same files before and what still waits is replaced. The very same proposal again,
    as by a second press of the button, is the one that waits.
    """
    with db.begin() as c:
        for before in _of(c, table.c.state == WAITING, table.c.author == made.author):
            if (before.digest, before.note) == (made.digest, made.note):
                return before.number
        row = {name: getattr(made, name) for name in ("author", "at", "note", "reason", "base", "digest")}
        row |= {name: json.dumps(getattr(made, name), ensure_ascii=False) for name in ("kinds", "judged")}
        added = sa.insert(table).values(**row, state=WAITING).returning(table.c.id)
        number = int(c.execute(added).scalar_one())
        c.execute(sa.insert(proposal_file), [{"proposal": number, **asdict(one)} for one in made.files])
        paths = sorted(one.path for one in made.files)
        events: list[Event] = []
        for before in _of(c, table.c.state == WAITING, table.c.author == made.author, table.c.id != number):
            if not set(paths).isdisjoint(before.paths):
                _settle(c, before, REPLACED, made.author, made.at)
                events.append(TakenBack(about=str(before.number), instead=str(number)))
        told = Proposed(
            about=str(number),
            files=paths[:NAMED],
            many=len(paths),
            digest=made.digest,
            kinds=list(made.kinds),
            note=made.note,
        )
        security_log.append(c, by, [*events, told], made.at)
        text = f"{called(c, made.author)}提出的第 {number} 号发布申请等待另一人批准：{made.note}"
        for role in sorted(RIGHTS[APPROVE].roles):
            _tell(c, number, text, "info", made.at, role=role)
        return number


def get(db: Database, number: int) -> Proposal:
    """A proposal; raises :class:`NotFound`."""
    with db.read() as c:
        found = _of(c, table.c.id == number)
    if not found:
        raise NotFound(f"there is no proposal {number}")
    return found[0]


def some(db: Database, numbers: Collection[int]) -> dict[int, Proposal]:
    """The proposals of these numbers, as far as there are."""
    if not numbers:
        return {}
    with db.read() as c:
        return {one.number: one for one in _of(c, table.c.id.in_(numbers))}


def waiting(db: Database, author: str | None = None) -> list[Proposal]:
    """The proposals that wait, of one author or of all, oldest first."""
    mine = [table.c.author == author] if author is not None else []
    with db.read() as c:
        return _of(c, table.c.state == WAITING, *mine)


def settled(db: Database, limit: int = 50) -> list[Proposal]:
    """Proposals that somebody decided, the newest first."""
    with db.read() as c:
        newest = (
            sa.select(table.c.id).where(table.c.state != WAITING).order_by(table.c.id.desc()).limit(limit)
        )
        return _of(c, table.c.id.in_(newest))[::-1]


def files(db: Database, proposal: Proposal) -> list[File]:
    """The files of a proposal by path. Raises :class:`Damaged` where they are not those that were proposed."""
    query = sa.select(proposal_file).where(proposal_file.c.proposal == proposal.number)
    found = [
        File(row.path, row.author, row.base_release, stored(row.body))
        for row in db.rows(query.order_by(proposal_file.c.path))
    ]
    if _digest(found) != proposal.digest:
        raise Damaged(
            f"proposal {proposal.number} cannot be used: its files are not those that were proposed; "
            "refuse it, and let it be proposed anew"
        )
    return found


def check(proposal: Proposal, person: str, digest: str) -> None:
    """Whether ``person`` may decide on the files of ``digest`` now.

    Raises :class:`NotAllowed` for who made them and :class:`Conflict` when it waits no more or is another one.
    """
    if person in proposal.authors:
        raise NotAllowed(
            "Expected another person to decide, but {person} made the proposal {number}",
            person=person,
            number=proposal.number,
        )
    _must_wait(proposal)
    if proposal.digest != digest:
        raise Conflict(
            "Expected proposal {number} with the files that you looked at, but it has others; look at it again",
            number=proposal.number,
        )


def approve(
    connection: sa.Connection, proposal: Proposal, person: str, release: int, by: By, at: str
) -> None:
    """Note in the transaction that makes ``release`` that ``person`` approved it; its drafts are done with.

    Raises :class:`Conflict` when somebody else decided meanwhile, so that nothing of the release is kept.
    """
    _settle(connection, proposal, APPROVED, person, at, release=release)
    proposed = sa.select(proposal_file.c.path, proposal_file.c.author, proposal_file.c.body).where(
        proposal_file.c.proposal == proposal.number
    )
    for path, author, body in connection.execute(proposed).all():
        connection.execute(
            sa.delete(diagram_draft).where(
                diagram_draft.c.path == path, diagram_draft.c.author == author, diagram_draft.c.body == body
            )
        )
    event = Approved(
        about=str(proposal.number), author=proposal.author, digest=proposal.digest, release=release
    )
    security_log.append(connection, by, [event], at)
    text = f"第 {proposal.number} 号发布申请经{called(connection, person)}批准，成为第 {release} 版"
    _tell(connection, proposal.number, text, "info", at, person=proposal.author)


def refuse(db: Database, number: int, digest: str, person: str, why: str, by: By, at: str) -> None:
    """Refuse a proposal. The author hears ``why`` and keeps the drafts.

    Raises what :func:`check` raises, and :class:`Rejected` without a reason.
    """
    why = why.strip()
    if not 0 < len(why) <= LONGEST_REASON:
        raise Rejected(
            "Expected a reason of 1 to {most} characters, but it has {length}",
            most=LONGEST_REASON,
            length=len(why),
        )
    proposal = get(db, number)
    check(proposal, person, digest)
    with db.begin() as c:
        _settle(c, proposal, REFUSED, person, at, why=why)
        event = ProposalRefused(about=str(number), author=proposal.author, digest=digest, why=why)
        security_log.append(c, by, [event], at)
        text = f"第 {number} 号发布申请被{called(c, person)}驳回：{why}"
        _tell(c, number, text, "warn", at, person=proposal.author)


def take_back(db: Database, number: int, person: str, by: By, at: str) -> None:
    """Let the author take a proposal back; the drafts stay.

    Raises :class:`NotFound` for somebody else's, :class:`Conflict` when it waits no more.
    """
    proposal = get(db, number)
    if person != proposal.author:
        raise NotFound(f"{person} has no proposal {number}")
    _must_wait(proposal)
    with db.begin() as c:
        _settle(c, proposal, TAKEN_BACK, person, at)
        security_log.append(c, by, [TakenBack(about=str(number))], at)


def _must_wait(proposal: Proposal) -> None:
    if not proposal.waits:
        raise Conflict(
            "Expected proposal {number} to wait, but {person} settled it {at}",
            number=proposal.number,
            person=proposal.decided_by,
            at=proposal.decided_at,
        )


def _settle(c: sa.Connection, proposal: Proposal, state: str, person: str, at: str, **more: object) -> None:
    """Let a proposal wait no more; of two who decide at once one does, the other hears of it."""
    mine = sa.update(table).where(
        table.c.id == proposal.number, table.c.state == WAITING, table.c.digest == proposal.digest
    )
    changed = mine.values(state=state, decided_by=person, decided_at=at, **more)
    if c.execute(changed).rowcount != 1:
        raise Conflict(
            "Expected proposal {number} to wait, but somebody settled it meanwhile; look at it again",
            number=proposal.number,
        )


def _of(c: sa.Connection, *where: sa.ColumnElement[bool]) -> list[Proposal]:
    rows = c.execute(sa.select(table).where(*where).order_by(table.c.id)).all()
    query = sa.select(proposal_file.c.proposal, proposal_file.c.path, proposal_file.c.author)
    held: dict[int, list[tuple[str, str]]] = {row.id: [] for row in rows}
    for number, path, author in c.execute(query.where(proposal_file.c.proposal.in_(list(held)))).all():
        held[number].append((path, author))
    return [_read(row, held[row.id]) for row in rows]


def _read(row: Any, held: Sequence[tuple[str, str]]) -> Proposal:
    plain = ("author", "at", "note", "reason", "base", "digest", "state")
    decided = ("decided_by", "decided_at", "why", "release")
    return Proposal(
        number=row.id,
        kinds=json.loads(row.kinds),
        judged=json.loads(row.judged),
        paths=tuple(sorted(path for path, _ in held)),
        authors=frozenset({row.author, *(author for _, author in held)}),
        **{name: getattr(row, name) for name in (*plain, *decided)},
    )


def _tell(c: sa.Connection, number: int, text: str, level: str, at: str, **whom: str) -> None:
    topic = f"{ABOUT}{number}/{level}"
    c.execute(sa.insert(notice).values(text=text[:LONGEST_NOTICE], at=at, level=level, topic=topic, **whom))


def _digest(files: Sequence[File]) -> str:
    return digest_of({one.path: sha256(one.body) for one in files})
