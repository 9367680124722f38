"""When cases of a process are opened, and from when on: read from the releases that have had its rhythm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from engine.base.errors import GongdanError
from engine.base.safe_parsing import load_bpmn
from engine.bpmn.diagrams import Process, read_processes
from engine.sla.durations import Moment
from engine.sla.parameters import Parameter, load_parameters
from engine.storage.database import Database
from engine.storage.tables import blob, release, release_file

from .release import PARAMETERS, Release


def moment_of(process: Process, parameters: dict[str, Parameter]) -> Moment | None:
    """When cases of ``process`` are opened; None when no timer on its start names a week's or a month's rhythm."""
    parameter = parameters.get(process.rhythm or "")
    return parameter.rhythm if parameter is not None else None


def scheduled(live: Release) -> Iterator[tuple[Process, Moment]]:
    """The processes whose cases the software opens, each with its rhythm."""
    for process in live.processes.values():
        if (moment := moment_of(process, live.parameters)) is not None:
            yield process, moment


class Rhythms:
    """What older releases said, by the SHA-256 of their files: each is read once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._drawn: dict[str, dict[str, Process]] = {}
        self._tables: dict[str, dict[str, Parameter]] = {}

    def since(self, live: Release) -> dict[str, datetime]:
        """From when the rhythm of each scheduled process of ``live`` counts.

        It is the publishing of the first of the releases that have had it without a break, in whatever folder the
        diagram was. What was published after ``live`` is not looked at.
        """
        now = {process.id: moment for process, moment in scheduled(live)}
        paths = {id: live.process(id).path for id in now}
        since: dict[str, datetime] = {}
        for number, rows in groupby(self._files(live.number) if now else (), key=attrgetter("number")):
            files = {row.path: row for row in rows}
            for id in list(paths):
                if number != live.number and self._moment(id, paths, files) != now[id]:
                    del paths[id]
                else:
                    since[id] = datetime.fromisoformat(next(iter(files.values())).created_at)
            if not paths:
                break
        return since

    def _files(self, newest: int) -> Sequence[sa.Row[Any]]:
        """Diagrams and tables of limits of what was published up to release ``newest``, the newest first."""
        columns = (release.c.number, release.c.created_at, release_file.c.path, release_file.c.sha256)
        return self._db.rows(
            sa.select(*columns)
            .join(release_file, release_file.c.release == release.c.number)
            .where(
                release.c.number <= newest,
                release.c.state.in_(("active", "superseded")),
                sa.or_(release_file.c.path == PARAMETERS, release_file.c.path.like("bpmn/%.bpmn")),
            )
            .order_by(release.c.number.desc())
        )

    def _moment(self, id: str, paths: dict[str, str], files: Mapping[str, sa.Row[Any]]) -> Moment | None:
        """The rhythm of process ``id`` by the ``files`` of a release; where it was drawn is noted in ``paths``."""
        table = files.get(PARAMETERS)
        for path in dict.fromkeys((paths[id], *files)):
            if path != PARAMETERS and path in files:
                process = self._processes(path, files[path].sha256).get(id)
                if process is not None:
                    paths[id] = path
                    return moment_of(process, self._parameters(table.sha256)) if table is not None else None
        return None

    def _processes(self, path: str, digest: str) -> dict[str, Process]:
        """What a diagram draws, by id; nothing when it is refused today."""
        if digest not in self._drawn:
            try:
                drawn = read_processes(path, load_bpmn(self._body(digest), path))
            except GongdanError:
                drawn = []
            self._drawn[digest] = {process.id: process for process in drawn}
        return self._drawn[digest]

    def _parameters(self, digest: str) -> dict[str, Parameter]:
        """A table of limits; nothing when it is refused today."""
        if digest not in self._tables:
            try:
                self._tables[digest] = load_parameters(self._body(digest))
            except GongdanError:
                self._tables[digest] = {}
        return self._tables[digest]

    def _body(self, digest: str) -> bytes:
        return bytes(self._db.rows(sa.select(blob.c.body).where(blob.c.sha256 == digest))[0].body)
