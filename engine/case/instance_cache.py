"""Live instances: the cases in memory, bounded, fenced by ``seq`` and built anew from history when in doubt."""

from __future__ import annotations

import threading
from collections import OrderedDict

from engine.base import metrics
from engine.base.errors import Diverged, GongdanError, NotFound, Unavailable
from engine.base.facts import plain
from engine.privacy.keys import Keys
from engine.privacy.sealing import Erased
from engine.release.releases import Releases
from engine.storage.database import Database

from . import snapshots, store
from .behaviour import version
from .commands import parse
from .handlers import NONSENSE, execute
from .history import canonical, difference
from .instance import Instance


class LiveInstances:
    """At most ``limit`` cases in memory, the least used dropped first. Thread-safe."""

    def __init__(self, db: Database, releases: Releases, keys: Keys, limit: int) -> None:
        self.db = db
        self.releases = releases
        self.keys = keys
        self._limit = limit
        self._live: OrderedDict[str, Instance] = OrderedDict()
        self._guard = threading.Lock()

    def instance(self, case_id: str) -> Instance:
        """The live instance of a case, loaded when needed; raises :class:`NotFound`."""
        with self._guard:
            found = self._live.get(case_id)
            if found is not None:
                self._live.move_to_end(case_id)
                metrics.hit.inc()
                return found
        metrics.miss.inc()
        return self._keep(self.load(case_id))

    def current(self, case_id: str) -> Instance:
        """As :meth:`instance`, but sure to know what other processes have done to the case: for pages."""
        instance = self.instance(case_id)
        with instance.lock:
            stale = instance.spoiled or self._is_stale(instance)
        return self.instance(case_id) if stale else instance

    def _keep(self, instance: Instance) -> Instance:
        if instance.done:
            return instance
        with self._guard:
            kept = self._live.setdefault(instance.case_id, instance)
            self._live.move_to_end(instance.case_id)
            while len(self._live) > self._limit:
                self._live.popitem(last=False)
        return kept

    def forget(self, case_id: str) -> None:
        """Drop a live instance; the next use loads it from history."""
        with self._guard:
            self._live.pop(case_id, None)

    def _drop(self, instance: Instance) -> None:
        instance.spoiled = True  # for those who wait for its lock
        with self._guard:
            if self._live.get(instance.case_id) is instance:
                del self._live[instance.case_id]

    @property
    def live_count(self) -> int:
        """How many instances are live."""
        return len(self._live)

    def load(self, case_id: str, *, use_snapshot: bool = True) -> Instance:
        """Build an instance from its snapshot and the history after it, or from history alone."""
        kept = store.kept(self.db, case_id)
        if kept is None:
            raise NotFound(f"there is no case {case_id}")
        head, key = kept.head, kept.key
        release = self.releases.get(head.release)
        seal = release.seal(key)
        instance = None
        if use_snapshot and key is not None and kept.snapshot is not None:
            instance = snapshots.read(case_id, kept.snapshot, release, seal, key)
        instance = instance or Instance(case_id, head.process, release, seal)
        # Another process may write on meanwhile: then the head is read again until the history read leads there.
        while instance.seq < head.seq and (rows := store.rows(self.db, case_id, instance.seq)):
            for row in rows:
                _execute_again(instance, row)
            if instance.seq != head.seq:
                head = store.head(self.db, case_id) or head
        if (instance.seq, instance.head) != (head.seq, head.hash):
            raise GongdanError(
                f"history of case {case_id} does not lead to its head; run `run.py verify {case_id}`"
            )
        instance.replayed = instance.seq - instance.snapshot_seq
        return instance

    def _is_stale(self, instance: Instance) -> bool:
        """Whether another process moved the case on; then the instance is dropped."""
        head = store.head(self.db, instance.case_id)
        if head is None or head.seq == instance.seq:
            return False
        self._drop(instance)
        return True


def _execute_again(instance: Instance, row: store.HistoryRow) -> None:
    """Execute a row of history by the rules of its version; raises :class:`Diverged` when that is not what it says.

    A case is never continued from a state that its history does not say.
    """
    try:
        command = parse(instance.seal.parse(row.command))
        effects = execute(instance, command, version(row.engine))
        told = difference(row.effects, canonical(plain(effects)))
    except (Erased, Unavailable):
        raise
    except NONSENSE as error:
        told = f"re-execution failed: {error or type(error).__name__}"
    if told is not None:
        raise Diverged(f"case {instance.case_id}, row {row.seq} of its history: {told}")
    instance.seq, instance.head = row.seq, row.hash
