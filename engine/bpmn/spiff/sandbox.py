"""Scripts that are more than a plain expression run here: in pydantic-monty's worker processes, never in ours.

Only the names a script uses go in and only plain data comes back. Limits: time, memory, recursion, size and depth
of what comes back. The pool starts on first use, so after a fork each process has its own.
"""

from __future__ import annotations

import ast
import atexit
import math
import os
import sys
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import pydantic_monty as monty

from engine.base.errors import ConfigurationError, TechnicalFailure
from engine.bpmn.off_limits import off_limits
from engine.privacy.sealing import MARK

MAX_SOURCE = 16_384  #: characters of a script
MAX_OUTPUT_NODES = 20_000  #: values a script may give back
MAX_OUTPUT_DEPTH = 32
MAX_TEXT = 262_144  #: characters of one text a script may give back
LIMITS: Any = {"max_feed_duration_secs": 0.5, "max_memory": 64 << 20, "max_recursion_depth": 200}

_lock = threading.Lock()
_pool: Any = None
_forked = False


class ScriptFailed(TechnicalFailure):
    """A script or expression failed or was stopped; ``line`` is its line, counted from 1."""


def _get_pool() -> Any:
    global _pool
    with _lock:
        if _forked:
            raise ConfigurationError(
                "scripts ran before this process was forked, and the sandbox does not survive a fork; "
                "fork the web processes first (gunicorn without preload)"
            )
        if _pool is None:
            _note_missing_tracing()
            _pool = monty.Monty(min_processes=1, max_processes=4, request_timeout=3.0).__enter__()
            atexit.register(_close, _pool, os.getpid())
        return _pool


def _note_missing_tracing() -> None:
    """Tell Python for good that OpenTelemetry is missing, if it is.

    The sandbox asks for it before each script, to hand a trace on, and Python would search its whole path each
    time: two thirds of a small script's time.
    """
    if find_spec("opentelemetry") is None:
        sys.modules["opentelemetry"] = None  # type: ignore[assignment]  # documented: "None stops the import"


def _close(pool: Any, owner: int) -> None:
    if os.getpid() == owner:  # a fork must not end its parent's workers
        pool.__exit__(None, None, None)


def _after_fork() -> None:
    # The pool's runtime has threads, which fork() does not copy: whoever asked it would wait for ever.
    global _forked, _lock
    _forked, _lock = _pool is not None, threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


@lru_cache(maxsize=2_048)
def _names(source: str, mode: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names a source reads or touches, and those it binds at its top level. Raises :class:`ScriptFailed`."""
    if len(source) > MAX_SOURCE:
        raise ScriptFailed(f"script is {len(source):,} characters long; the limit is {MAX_SOURCE:,}")
    try:
        tree = ast.parse(source, mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ScriptFailed(f"not valid Python: {error}", line=getattr(error, "lineno", None)) from None
    used: dict[str, None] = {}
    bound: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if off_limits(node.id):
                raise ScriptFailed(f"scripts may not use {node.id}", line=node.lineno)
            used[node.id] = None
            if isinstance(node.ctx, ast.Store):
                bound[node.id] = None
        elif isinstance(node, ast.Import | ast.ImportFrom):
            raise ScriptFailed("scripts may not import", line=node.lineno)
    return tuple(used), tuple(bound)


def check_plain(value: Any, depth: int = 0, budget: list[int] | None = None) -> Any:
    """``value`` as plain JSON data; raises :class:`ScriptFailed` where it is not, or too deep or large."""
    budget = budget if budget is not None else [MAX_OUTPUT_NODES]
    budget[0] -= 1
    if budget[0] < 0 or depth > MAX_OUTPUT_DEPTH:
        raise ScriptFailed("a script gave back too much or too deeply nested data")
    if value is None or isinstance(value, bool | int | float):
        if isinstance(value, int) and abs(value) > 1 << 63:
            raise ScriptFailed("a script gave back a number beyond 64 bits")
        if isinstance(value, float) and not math.isfinite(value):
            raise ScriptFailed(f"a script gave back {value}, which is not a number that can be stored")
        return value
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise ScriptFailed(f"a script gave back a text longer than {MAX_TEXT:,} characters")
        return value
    if isinstance(value, list | tuple):
        return [check_plain(v, depth + 1, budget) for v in value]
    if isinstance(value, dict):
        if not all(isinstance(k, str) for k in value):
            raise ScriptFailed("a script gave back a dict with keys that are not text")
        if len(value) == 1 and MARK in value:
            raise ScriptFailed(
                f"a script gave back a dict whose only key is {MARK!r}, kept for sealed values"
            )
        return {k: check_plain(v, depth + 1, budget) for k, v in value.items()}
    raise ScriptFailed(f"a script gave back a {type(value).__name__}; only plain data may leave it")


def _feed(source: str, inputs: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> Any:
    def once() -> Any:
        with _get_pool().checkout(limits=LIMITS, script_name="script.py") as session:
            return session.feed_run(
                source, inputs=dict(inputs), external_lookup=dict(functions), print_callback=_nowhere
            )

    try:
        try:
            return once()
        except monty.MontyCrashedError as crash:
            if crash.timed_out:
                raise ScriptFailed("script stopped: it ran too long") from None
            return once()  # the worker was killed from outside; scripts have no side effects
    except monty.MontyRuntimeError as error:
        frames = error.traceback()
        raise ScriptFailed(
            str(error.exception() or error), line=frames[-1].line if frames else None
        ) from None
    except monty.MontyError as error:
        raise ScriptFailed(str(error)) from None


def _nowhere(*_: object) -> None:
    """What a script prints: nobody reads it, and it may be personal data."""


def _split(
    names: tuple[str, ...], data: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
) -> tuple[dict[str, Any], dict[str, Callable[..., Any]]]:
    inputs = {n: data[n] for n in names if n in data}
    return inputs, {n: functions[n] for n in names if n in functions and n not in inputs}


def evaluate(expression: str, data: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> Any:
    """The plain value of an expression over ``data``; raises :class:`ScriptFailed`."""
    names, _ = _names(expression.strip(), "eval")
    inputs, calls = _split(names, data, functions)
    return check_plain(_feed(expression.strip(), inputs, calls))


def execute(script: str, data: dict[str, Any], functions: Mapping[str, Callable[..., Any]]) -> None:
    """Run a script over ``data`` and write back the names it bound or changed; raises :class:`ScriptFailed`."""
    names, bound = _names(script, "exec")
    inputs, calls = _split(names, data, functions)
    keep = list(dict.fromkeys([*inputs, *(n for n in bound if n not in calls)]))
    source = f"{script.rstrip()}\n{{k: v for k, v in locals().items() if k in {keep!r}}}"
    data.update(check_plain(_feed(source, inputs, calls)))
