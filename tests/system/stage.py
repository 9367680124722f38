"""What every seed begins with: a database in which all that ships is published, opened without compiling it again."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.app import Gongdan, open_gongdan
from engine.base.settings import Settings
from engine.people.directory import DEMO_PEOPLE
from engine.release.release import Release
from engine.release.releases import check
from engine.simulate.behaviour import Behaviour, Persona
from engine.simulate.customers import called, stories
from engine.storage.statements import Compiled, Question, Statement
from engine.storage.tables import person

DATABASE = "gongdan.db"
#: a text that a second release words otherwise, and nothing else of it
REWORDED = "bpmn/templates/sms_acknowledgement.json"
#: what of a release does not depend on its texts: compiled once for both
_OWN = frozenset({"number", "files", "templates"})
_MEMORY = Path("/dev/shm")  #: a folder of ours in it, where there is one


@dataclass(frozen=True)
class Stage:
    """The prepared folder, the compiled release in it, and how simulated people answer."""

    folder: Path
    release: Release
    personas: dict[str, list[Persona]]
    called: dict[str, dict[str, frozenset[str]]]
    dialect: sa.Dialect
    compiled: dict[Statement | Question, Compiled] = field(
        default_factory=dict
    )  #: statements of the command path
    queries: dict[Any, Any] = field(default_factory=dict)  #: other statements, as SQLAlchemy keeps them

    def made(self, number: int, files: dict[str, bytes]) -> Release:
        """A release, as the engine makes one, with what the prepared one has compiled already."""
        fresh = Release(number, files)
        if files.keys() == self.release.files.keys() and all(
            body == self.release.files[path] or path == REWORDED for path, body in files.items()
        ):
            known = vars(self.release)
            vars(fresh).update({name: known[name] for name in known.keys() - _OWN})
        return fresh

    def reworded(self) -> dict[str, bytes | None]:
        """The change that makes the second release."""
        text = json.loads(self.release.files[REWORDED])
        text["text"]["zh-Hans"] += "祝您生活愉快。"
        return {REWORDED: json.dumps(text, ensure_ascii=False).encode()}

    def behaviour(self, seed: str) -> Behaviour:
        """How the people of one seed answer."""
        found = Behaviour(seed)
        found.learn(self.personas, self.called)
        return found

    def copy_to(self, folder: Path) -> None:
        """A new installation for one seed."""
        folder.mkdir()
        shutil.copy(self.folder / DATABASE, folder / DATABASE)

    def open(self, folder: Path, wall: Callable[[], datetime], *, synchronous: str, live: int) -> Gongdan:
        """One process on the database in ``folder``, which keeps ``live`` cases in memory."""
        opened = open_gongdan(settings(folder, live), wall=wall, migrate=False, synchronous=synchronous)
        opened.db._compiled = self.compiled
        opened.db.engine.dialect = self.dialect
        opened.db.engine.update_execution_options(compiled_cache=self.queries)
        opened.releases._compiled[self.release.number] = self.release
        return opened


def settings(folder: Path, live: int = 500) -> Settings:
    """Settings of the installation in ``folder``; nothing of them is drawn by chance."""
    return Settings.from_env(
        {}, var=folder, secret_key="s" * 32, lookup_key=b"k" * 32, heads_key=b"h" * 32, lru=live
    )


def prepare(published: Path, folder: Path) -> Stage:
    """The stage in ``folder``, from what the fixture ``published`` made: keys from a seed, mail for some people."""
    shutil.copy(published / DATABASE, folder / DATABASE)
    opened = open_gongdan(settings(folder), synchronous="OFF")
    opened.keys.mark_simulated("system")
    with opened.db.begin() as connection:
        for one in DEMO_PEOPLE[::2]:
            mail = sa.update(person).where(person.c.name == one.name).values(mail=f"{one.name}@example.com")
            connection.execute(mail)
    release = opened.releases.current()
    check(release)
    for part in ("fields", "calendar", "personal", "texts", "coded"):
        getattr(release, part)
    told = stories(release, Behaviour("0").untold)
    opened.db.shed()
    opened.close()
    return Stage(folder, release, told, called(release), opened.db.engine.dialect)


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder for the databases of the seeds: in memory where the system has such a place."""
    with tempfile.TemporaryDirectory(
        prefix="gongdan-system-", dir=_MEMORY if _MEMORY.is_dir() else None
    ) as it:
        yield Path(it)
