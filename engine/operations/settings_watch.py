"""What of the settings is another than at the last start goes into the security log. They come from the environment,
where nobody notes who changes them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import fields, replace

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.settings import Settings
from engine.people import security_log
from engine.people.security_events import By, SettingChanged
from engine.storage.database import Database
from engine.storage.tables import setting
from engine.storage.upsert import put

_KEPT = "environment"  #: the row that says how the settings were
_LOOKUP = "GONGDAN_KEY"
#: may differ between processes of one installation
_OWN = frozenset({"host", "port", "project", "var", "publish"})


def note_changes(gongdan: Gongdan, by: By) -> list[str]:
    """Write an entry for each setting that changed since the last start; returns the variables."""
    now = _now(gongdan.settings, gongdan.db.lookup_key)
    with gongdan.db.begin() as connection:
        query = sa.select(setting.c.value).where(setting.c.key == _KEPT)
        kept = connection.execute(query).scalar_one_or_none()
        before: dict[str, str | None] = json.loads(kept) if kept else now
        changed = [name for name in now if name in before and before[name] != now[name]]
        secret = {f.metadata["variable"] for f in fields(Settings) if not f.repr}
        events = [
            SettingChanged(about=name, was=None, now=None)
            if name in secret
            else SettingChanged(about=name, was=before[name], now=now[name])
            for name in changed
        ]
        if events:
            security_log.append(connection, by, events, gongdan.now())
        if kept is None or before != now:
            connection.execute(put(gongdan.db, setting, {"key": _KEPT, "value": json.dumps(now)}))
    return changed


def was_kept_under(db: Database, settings: Settings, key: bytes) -> bool | None:
    """Whether ``key`` was the look-up key at the last start; None where no start is known."""
    kept = _kept(db)
    if kept is None:
        return None
    return kept.get(_LOOKUP) == _now(replace(settings, lookup_key=key), key)[_LOOKUP]


def rekey(gongdan: Gongdan, old: bytes) -> None:
    """Keep what was noted of secrets under the look-up key ``old`` under that of now, where they are still the same."""
    db, settings = gongdan.db, gongdan.settings
    kept = _kept(db)
    if kept is None:
        return
    before, now = _now(replace(settings, lookup_key=old), old), _now(settings, settings.lookup_key)
    anew = {name: now[name] if name in now and before[name] == told else told for name, told in kept.items()}
    with db.begin() as connection:
        connection.execute(put(db, setting, {"key": _KEPT, "value": json.dumps(anew)}))


def _kept(db: Database) -> dict[str, str | None] | None:
    rows = db.rows(sa.select(setting.c.value).where(setting.c.key == _KEPT))
    found: dict[str, str | None] | None = json.loads(rows[0][0]) if rows else None
    return found


def _now(settings: Settings, key: bytes) -> dict[str, str | None]:
    """Variable → value as text; of a secret a keyed digest, which tells nothing but that it is another."""
    told: dict[str, str | None] = {}
    for f in fields(Settings):
        if f.name in _OWN:
            continue
        value = getattr(settings, f.name)
        text = _text(value)
        if not f.repr:
            text = hmac.new(key, f"setting:{f.name}:{text}".encode(), hashlib.sha256).hexdigest()
        told[f.metadata["variable"]] = text
    return told


def _text(value: object) -> str:
    """A value in words that are the same in every process: a set has no order of its own."""
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    return value.decode() if isinstance(value, bytes) else str(value)
