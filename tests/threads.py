"""Things that happen at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from engine.base.errors import InvalidForm, NotAllowed, Rejected


def together(*actions: Callable[[], Any]) -> list[Any]:
    """Run actions at the same moment, each in a thread; their results, or the exceptions they raised."""
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return action()
        except (Rejected, NotAllowed, InvalidForm) as error:
            return error

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))
