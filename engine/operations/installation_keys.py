"""The keys of this installation, which are in no backup: whether they are those of its database, and taking them along.

``GONGDAN_KEY`` keys what persons are looked up by; while it is being changed (:mod:`.key_rotation`) the database says
so, and nothing may work with it.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base import age_files
from engine.base.atomic_files import scratch
from engine.base.errors import GongdanError
from engine.base.settings import Settings, variables
from engine.privacy.sealing import lookup_key
from engine.storage.database import Database
from engine.storage.tables import cases, setting

UNDER_WAY = "key-rotation"  #: the setting that says that the look-up key is being changed, and how far it is
_TAKEN = ("secret_key", "lookup_key", "heads_key")  #: fields of the settings that a file of keys holds
_HEAD = (
    "# Keys of an installation of Gongdan, as settings. Without GONGDAN_KEY nobody is found in its backups.\n"
)


def fingerprint(key: bytes) -> str:
    """What stands for a look-up key where it may not be told (hex)."""
    return hmac.new(key, b"gongdan look-up key", hashlib.sha256).hexdigest()[:16]


def is_looked_up_with(db: Database, key: bytes) -> bool:
    """Whether phones in ``db`` are looked up with ``key``; also where there is none to judge by."""
    known = sa.select(cases.c.phone, cases.c.phone_key).where(
        cases.c.phone_key.is_not(None), cases.c.phone != ""
    )
    return all(lookup_key(key, phone) == found for phone, found in db.rows(known.limit(1)))


def under_way(db: Database) -> dict[str, str] | None:
    """Which change of the look-up key was begun and did not end: ``from`` and ``to`` (fingerprints), how far it is.

    ``step`` is the kind of thing that was worked on last, ``after`` the mark of the last portion of it.
    """
    rows = db.rows(sa.select(setting.c.value).where(setting.c.key == UNDER_WAY))
    return {str(name): str(value) for name, value in json.loads(rows[0][0]).items()} if rows else None


def wrong_key(gongdan: Gongdan) -> str | None:
    """Why nobody would be found in this database with the key of this installation; None: with it they are."""
    settings = gongdan.settings
    if under_way(gongdan.db) is not None:
        return (
            "a change of GONGDAN_KEY was begun in this database and did not end, so some people would not be found: "
            "`run.py keys rotate` goes on with it"
        )
    if is_looked_up_with(gongdan.db, settings.lookup_key):
        return None
    return (
        f"GONGDAN_KEY, or the key in {settings.var / 'lookup.key'}, is not the one that this database was made with, "
        "so nobody would be found by phone or kept off what is about them: put the old key there, or run `rebuild` "
        "to look up with this one"
    )


def export(settings: Settings, target: Path, recipients: Sequence[str]) -> list[str]:
    """Write the keys of this installation to ``target``, encrypted for ``recipients``; returns their variables.

    Raises :class:`GongdanError` for a file that is there already, and for the public key of the backups: who opens
    those must not be given the keys as well.
    """
    if target.exists():
        raise GongdanError(f"{target} exists already; choose another name")
    if set(recipients) & set(settings.backup_recipients):
        raise GongdanError(
            "backups are encrypted for this public key, and who opens them must not get the keys as well: "
            "name another one (`run.py keys new FILE` makes it)"
        )
    names = {field: variable for variable, field in variables().items()}
    held = {names[field]: getattr(settings, field) for field in _TAKEN}
    lines = [f"{name}={_text(value)}\n" for name, value in held.items() if value]
    with scratch(target) as part, part.open("wb") as out:
        age_files.encrypt(io.BytesIO("".join([_HEAD, *lines]).encode()), out, recipients)
    return [name for name, value in held.items() if value]


def bring_back(source: Path, target: Path, identity: Path) -> None:
    """Write what :func:`export` wrote to ``target``, its owner's alone: lines for the file of the settings.

    Raises :class:`GongdanError` for a file that is there already, does not open, or holds no keys.
    """
    if target.exists():
        raise GongdanError(f"{target} exists already; choose another name")
    if not source.is_file() or not age_files.is_encrypted(source):
        raise GongdanError(f"{source} is no file of keys; `run.py keys export` writes one")
    held = io.BytesIO()
    age_files.decrypt(source, held, identity)
    if not held.getvalue().startswith(_HEAD.encode()):
        raise GongdanError(f"{source} is no file of keys (a backup?); `run.py keys export` writes one")
    with scratch(target) as part:
        part.write_bytes(held.getvalue())


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
