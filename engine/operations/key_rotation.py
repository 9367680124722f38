"""Another look-up key (``GONGDAN_KEY``): everything that the database holds under the one before is found anew.

History holds nothing under this key, so it stays as it is, byte for byte. Of the rest each kind is a line in
:data:`KEYED`, worked off in portions: killed, it goes on where it was. What cannot be found anew is said, and stays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.errors import GongdanError
from engine.case import erasing, rebuild
from engine.case.commands import EraseCase
from engine.case.handlers import NONSENSE
from engine.case.projections import respondents as rows_of_respondents
from engine.people import respondents, second_step, security_log
from engine.people.directory import spellings
from engine.people.security_events import By, KeyRotated
from engine.privacy.sealing import lookup_key
from engine.storage.statements import Statement, Write
from engine.storage.tables import cases, respondent, setting
from engine.storage.upsert import put

from . import settings_watch
from .alone import only_user
from .installation_keys import UNDER_WAY, fingerprint, is_looked_up_with, under_way

PORTION = 500  #: phones in one transaction
ACTOR = "system:keys"  #: who says in the history of an erased case what stays of it under the new key
_GONE = Statement(sa.delete(respondent).where(respondent.c.case_id == sa.bindparam("b_id")))


@dataclass(slots=True)
class Rotation:
    """One change of the key: the database is opened under the new one, ``old`` is the one before."""

    gongdan: Gongdan
    old: bytes
    found: int = 0  #: rows that are found anew
    left: list[str] = field(default_factory=list)  #: what could not be, in words

    @property
    def new(self) -> bytes:
        """The key from now on."""
        return self.gongdan.settings.lookup_key


#: does its part behind a mark (empty: from the beginning), and yields the mark of each portion that is committed
Step = Callable[[Rotation, str], Iterator[str]]


def rotate(
    gongdan: Gongdan,
    old: bytes,
    by: By,
    progress: Callable[[int], None] = lambda done: None,
    put_in_place: Callable[[], None] = lambda: None,
) -> Rotation:
    """Bring the database of ``gongdan``, opened with the new key, from the key ``old`` to it. Goes on where one ended.

    ``progress`` hears of portions done; ``put_in_place`` is called when all is found, before that is noted.
    Raises :class:`GongdanError` while others use the database, for a key that is not the one of before, and for other
    keys than a rotation was begun with.
    """
    rotation = Rotation(gongdan, old)
    with only_user(gongdan.db, "change the key"):
        begun = _begun(rotation)
        names = list(KEYED)
        portions = 0
        for name in names[names.index(begun["step"]) if begun["step"] else 0 :]:
            after = begun["after"] if name == begun["step"] else ""
            for mark in KEYED[name](rotation, after):
                _note(rotation, name, mark)
                progress(portions := portions + 1)
        put_in_place()
        with gongdan.db.begin() as connection:
            event = KeyRotated(about="GONGDAN_KEY", rows=rotation.found, left=rotation.left)
            security_log.append(connection, by, [event], gongdan.now())
            connection.execute(sa.delete(setting).where(setting.c.key == UNDER_WAY))
    gongdan.db.shed()
    return rotation


def _begun(rotation: Rotation) -> dict[str, str]:
    """How far a rotation between these keys came; notes the beginning of a new one."""
    db, keys = rotation.gongdan.db, {"from": fingerprint(rotation.old), "to": fingerprint(rotation.new)}
    if rotation.old == rotation.new:
        raise GongdanError("the new key is the old one; `openssl rand -hex 32` makes another")
    there = under_way(db)
    if there is None:
        if (
            not is_looked_up_with(db, rotation.old)
            or settings_watch.was_kept_under(db, rotation.gongdan.settings, rotation.old) is False
        ):
            raise GongdanError("this is not the key of before: what the database holds was not made with it")
        _note(rotation, "", "")
        return {**keys, "step": "", "after": ""}
    if {name: there[name] for name in keys} != keys:
        raise GongdanError(
            "a change between other keys was begun and did not end: end it first, with the two keys of then"
        )
    return there


def _note(rotation: Rotation, step: str, after: str) -> None:
    told = {
        "from": fingerprint(rotation.old),
        "to": fingerprint(rotation.new),
        "step": step,
        "after": after,
    }
    db = rotation.gongdan.db
    with db.begin() as connection:
        connection.execute(put(db, setting, {"key": UNDER_WAY, "value": json.dumps(told)}))


# ---------------------------------------------------------------- what is keyed
def _phones(rotation: Rotation, after: str) -> Iterator[str]:
    """Customers' numbers, by which cases are found: they stand beside their key."""
    db, last = rotation.gongdan.db, after
    changed = sa.update(cases).where(cases.c.id == sa.bindparam("b_id"))
    changed = changed.values(phone_key=sa.bindparam("b_key"))
    while True:
        some = sa.select(cases.c.id, cases.c.phone).where(cases.c.phone_key.is_not(None), cases.c.id > last)
        rows = db.rows(some.order_by(cases.c.id).limit(PORTION))
        if not rows:
            return
        with db.begin() as connection:
            connection.execute(
                changed,
                [{"b_id": row.id, "b_key": lookup_key(rotation.new, row.phone or "")} for row in rows],
            )
        rotation.found, last = rotation.found + len(rows), rows[-1].id
        yield last


def _respondents(rotation: Rotation, after: str) -> Iterator[str]:
    """Who is complained about: from history; of what cannot be executed any more, those who have an account."""
    gongdan = rotation.gongdan
    chosen = sa.select(respondent.c.case_id).where(respondent.c.case_id > after).distinct()
    known = {
        respondents.digest(rotation.old, name): respondents.digest(rotation.new, name)
        for one in gongdan.people.all()
        for name in spellings(one)
    }
    for (case_id,) in gongdan.db.rows(chosen.order_by(respondent.c.case_id)):
        if gongdan.keys.get(case_id) is None:
            _of_erased(rotation, case_id, known)
        else:
            _of_history(rotation, case_id, known)
        yield case_id


def _of_history(rotation: Rotation, case_id: str, known: dict[str, str]) -> None:
    """What the history of a case names; where it does not run, who has an account."""
    db = rotation.gongdan.db
    try:
        named = [one for one in rebuild.replayed(rotation.gongdan, case_id) if one[0].table is respondent]
    except NONSENSE as error:
        rotation.left.append(f"{case_id}: its history does not run ({error or type(error).__name__})")
        named = list(_known_anew(rotation, case_id, known))
    db.write([_GONE(b_id=case_id), *named])
    rotation.found += len(named)


def _of_erased(rotation: Rotation, case_id: str, known: dict[str, str]) -> None:
    """Of an erased case nothing is left to find names by, and its history says what its rows hold.

    So it says that once more, of the rows as they are now, with who has an account under the new key.
    """
    gongdan = rotation.gongdan
    held = {row.who for row in gongdan.db.rows(_rows_of(case_id))}
    if held.isdisjoint(known):
        if not held <= set(known.values()):
            rotation.left.append(f"{case_id}: it is erased, and no account has the name that it keeps")
        return
    if faults := rebuild.erased_faults(gongdan.db, case_id):
        rotation.left.append(f"{case_id}: {faults[0]}")
        return
    now = gongdan.now()
    command = EraseCase(
        case_id=case_id,
        actor=ACTOR,
        at=now,
        requested_by="as recorded before",
        reason="who is complained about is kept under another key",
    )
    anew = [_GONE(b_id=case_id), *_known_anew(rotation, case_id, known)]
    erasing.erase(gongdan.db, command, now, anew)
    rotation.found += len(anew) - 1


def _known_anew(rotation: Rotation, case_id: str, known: dict[str, str]) -> Iterator[Write]:
    """The rows of a case with the digests of accounts under the new key, and the others as they are."""
    for who in sorted(known.get(row.who, row.who) for row in rotation.gongdan.db.rows(_rows_of(case_id))):
        yield rows_of_respondents.NEW(case_id=case_id, who=who)


def _rows_of(case_id: str) -> sa.Select[tuple[str]]:
    return sa.select(respondent.c.who).where(respondent.c.case_id == case_id)


def _settings(rotation: Rotation, after: str) -> Iterator[str]:
    """Digests of secret settings as they were at the last start, so that only what changed is told as changed."""
    settings_watch.rekey(rotation.gongdan, rotation.old)
    yield after


def _second_steps(rotation: Rotation, after: str) -> Iterator[str]:
    """Secrets of second steps, which are sealed with the key; of recovery codes only digests are left."""
    with rotation.gongdan.db.begin() as connection:
        count, gone, spoilt = second_step.reseal(connection, rotation.old, rotation.new)
    rotation.found += count
    rotation.left += [f"{name}: the recovery codes went; new ones are made at /account" for name in gone]
    rotation.left += [
        f"{name}: the second step opens with neither key, and must be set up again" for name in spoilt
    ]
    yield after


#: what is kept under the look-up key → how it is found anew. Digests of names that were typed at the door are in the
#: security log, a chain: they stay as they are. Failures at the door (engine/people/attempts.py) count anew.
KEYED: dict[str, Step] = {
    "phones": _phones,
    "respondents": _respondents,
    "second steps": _second_steps,
    "settings": _settings,
}
