"""Live instances: the cases in memory, bounded, fenced by ``seq``, brought up to date or built anew when in doubt."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress

from engine.base import metrics
from engine.base.errors import Diverged, GongdanError, NotFound, Unavailable
from engine.base.facts import plain
from engine.privacy.keys import Keys
from engine.privacy.sealing import Erased
from engine.release.releases import Releases
from engine.storage.database import Database

from . import erasing, snapshots, store
from .behaviour import version
from .commands import parse
from .handlers import NONSENSE, execute
from .history import canonical, difference
from .instance import Instance

#: commands on live cases that ask first, after one was found moved on: asking costs about a twentieth of
#: executing in vain and loading
DOUBTS = 20


class LiveInstances:
    """At most ``limit`` cases in memory, the least used dropped first. Thread-safe."""

    def __init__(self, db: Database, releases: Releases, keys: Keys, limit: int) -> None:
        self.db = db
        self.releases = releases
        self.keys = keys
        self._limit = limit
        self._live: OrderedDict[str, Instance] = OrderedDict()
        self._guard = threading.Lock()
        self._doubts = 0

    def instance(self, case_id: str) -> Instance:
        """The live instance of a case, loaded when needed; raises :class:`NotFound`."""
        if (found := self.known(case_id)) is not None:
            return found
        metrics.miss.inc()
        return self._keep(self.load(case_id))

    def known(self, case_id: str) -> Instance | None:
        """The live instance of a case as this process left it; None where it has none."""
        with self._guard:
            found = self._live.get(case_id)
            if found is not None:
                self._live.move_to_end(case_id)
                metrics.hit.inc()
            return found

    def current(self, case_id: str) -> Instance:
        """As :meth:`instance`, but sure to know what other processes have done to the case: for pages."""
        instance = self.instance(case_id)
        with instance.lock:
            if not instance.spoiled:
                self.moved_on(instance)
        return self.instance(case_id) if instance.spoiled else instance

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
        """Build an instance from its snapshot and the history after it, or from history alone.

        Raises :class:`NotFound`, and :class:`Diverged` where executing the history gives something else.
        """
        return self._built(case_id, store.kept(self.db, [case_id])[0], use_snapshot=use_snapshot)

    def load_missing(self, case_ids: Sequence[str]) -> dict[str, Instance]:
        """Load those of the cases that are not live, asking for all at once; what cannot be built is left out."""
        with self._guard:
            missing = [case_id for case_id in case_ids if case_id not in self._live]
        loaded = {}
        metrics.miss.inc(len(missing))
        for case_id, kept in zip(missing, store.kept(self.db, missing), strict=True):
            with suppress(*NONSENSE):  # whoever needs it hears why
                loaded[case_id] = self._keep(self._built(case_id, kept))
        return loaded

    def _built(self, case_id: str, kept: store.Kept | None, *, use_snapshot: bool = True) -> Instance:
        if kept is None:
            raise NotFound(f"there is no case {case_id}")
        head, rows = kept.head, kept.rows
        release = self.releases.get(head.release)
        seal = release.seal(kept.key)
        instance = None
        if use_snapshot and kept.key is not None and kept.snapshot is not None:
            instance = snapshots.read(case_id, kept.snapshot, release, seal, kept.key)
        instance = instance or Instance(case_id, head.process, release, seal)
        if instance.seq != kept.since:  # without the snapshot it begins before these rows
            head, rows = store.since(self.db, case_id, instance.seq) or (head, [])
        for row in rows:
            _execute_again(instance, row)
        if (instance.seq, instance.head) != (head.seq, head.hash):
            raise GongdanError(
                f"history of case {case_id} does not lead to its head; run `run.py verify {case_id}`"
            )
        instance.replayed = instance.seq - instance.snapshot_seq
        return instance

    def doubtful(self) -> bool:
        """Whether to ask for what other processes did before a live instance is used (each call counts)."""
        self._doubts = max(self._doubts - 1, 0)
        return self._doubts > 0

    def moved_on(self, instance: Instance) -> bool:
        """Whether other processes moved the case on; then the instance has learnt what they did, or is dropped.

        The caller holds its lock.
        """
        found = store.since(self.db, instance.case_id, instance.seq)
        if found is None or found[0].seq == instance.seq:
            return False
        self._doubts = DOUBTS
        if not (instance.spoiled or self._learns(instance, *found)):
            self._drop(instance)
        return True

    def _learns(self, instance: Instance, head: store.Head, rows: list[store.HistoryRow]) -> bool:
        """Execute what an instance lacks; False where one built anew is cheaper, or knows better what is wrong."""
        if len(rows) > snapshots.EVERY or erasing.row_of(rows) is not None:
            return False
        try:
            for row in rows:
                if (row.seq, row.prev_hash) != (instance.seq + 1, instance.head):
                    return False
                _execute_again(instance, row)
        except GongdanError:
            return False
        instance.about = None  # whom it is about may have been said
        if instance.done:
            self.forget(instance.case_id)
        return (instance.seq, instance.head) == (head.seq, head.hash)


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
