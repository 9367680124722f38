"""Whether a release may come into force as somebody publishes it: by their rights, and by the consent of a second."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from engine.base.errors import NotAllowed, NotFound
from engine.people.directory import People
from engine.people.rights import may
from engine.storage.database import Database

from .announcing import RIGHTS
from .release import Release
from .second_person import touched

FOLDER = "folder"  #: the author of files that ship in the checkout, published by the operator


@dataclass(frozen=True, slots=True)
class Consent:
    """That somebody else agreed. ``settle`` notes it, with the number of the release, in its transaction.

    ``operator``: it is given on the command line, by who has the machine.
    """

    person: str
    settle: Callable[[sa.Connection, int], None]
    operator: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """What publishing asks in this installation: ``guarded`` kinds of change need a second person."""

    db: Database
    guarded: Collection[str] = ()

    def needs(self, before: Release, after: Release) -> dict[str, list[str]]:
        """The kinds of change between two releases that need a second person, each with its files."""
        return touched(before, after, self.guarded) if self.guarded else {}

    def rights(
        self,
        live: Mapping[str, bytes],
        changes: Mapping[str, bytes | None],
        author: str,
        consent: Consent | None = None,
    ) -> None:
        """Raise :class:`NotAllowed` when ``changes`` to the files ``live`` give rights and neither of the two may.

        Where rights wait for a second person, anybody may ask for them: an administrator has to be one of the two.
        """
        given = sorted(path for path in RIGHTS & changes.keys() if changes[path] != live.get(path))
        if not given or author == FOLDER or self._administrator(author):
            return
        asked = "roles" in self.guarded if consent is None else self._gives_rights(consent)
        if not asked:
            raise NotAllowed(
                "Expected an administrator, for {path} says who may do what, but {person} is none",
                path=given[0],
                person=author if consent is None else consent.person,
            )

    def consented(self, live: Release, made: Release, author: str, consent: Consent | None) -> None:
        """Raise :class:`NotAllowed` when ``made`` needs a second person and none agreed."""
        if author == FOLDER or consent is not None:
            return
        if kinds := self.needs(live, made):
            raise NotAllowed(
                "Expected a second person to agree, for the release changes {what}, but {person} publishes alone",
                what=", ".join(kinds),
                person=author,
            )

    def _gives_rights(self, consent: Consent) -> bool:
        return consent.operator or self._administrator(consent.person)

    def _administrator(self, name: str) -> bool:
        try:
            found = People(self.db).get(name)
        except NotFound:
            return False
        return found.active and may(found, "rights.give")
