"""The sealing key of each case. Random; in a simulated database drawn from its seed, so that heads repeat."""

from __future__ import annotations

import hashlib
import secrets
from typing import ClassVar

import sqlalchemy as sa

from engine.storage.database import Database
from engine.storage.statements import Question, Statement
from engine.storage.tables import setting, subject_key

from .sealing import KEY_BYTES

_KEY = Question(sa.select(subject_key.c.key).where(subject_key.c.case_id == sa.bindparam("case")))
SIMULATED = "simulated"  #: the setting that marks a simulated database; its value is the seed


class Keys:
    """Keys by case; destroying one erases the case's personal data for good."""

    NEW: ClassVar = Statement(sa.insert(subject_key))
    #: what was sealed with the key of a case, in history and snapshots, cannot be read any more
    DESTROYED: ClassVar = Statement(
        sa.update(subject_key).where(subject_key.c.case_id == sa.bindparam("b_id")).values(key=sa.null())
    )

    def __init__(self, db: Database) -> None:
        self._db = db
        self._seed: str | bool | None = False

    @property
    def seed(self) -> str | None:
        """The seed of a simulated database; None in a real one."""
        if self._seed is False:
            rows = self._db.rows(sa.select(setting.c.value).where(setting.c.key == SIMULATED))
            self._seed = rows[0][0] if rows else None
        return self._seed if isinstance(self._seed, str) else None

    def mark_simulated(self, seed: str) -> None:
        """Mark an empty database as simulated with ``seed``; the live worker refuses it from then on."""
        with self._db.begin() as connection:
            connection.execute(sa.delete(setting).where(setting.c.key == SIMULATED))
            connection.execute(sa.insert(setting).values(key=SIMULATED, value=seed))
        self._seed = seed

    def fresh(self, case_id: str) -> bytes:
        """A new key for a new case."""
        if self.seed is None:
            return secrets.token_bytes(KEY_BYTES)
        return hashlib.sha256(f"{self.seed}:{case_id}".encode()).digest()

    def get(self, case_id: str) -> bytes | None:
        """The case's key; None when it was destroyed (or the case has none)."""
        rows = self._db.ask(_KEY, case=case_id)
        return bytes(rows[0][0]) if rows and rows[0][0] is not None else None
