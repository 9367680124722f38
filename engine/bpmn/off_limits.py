"""Names that scripts and expressions of diagrams never get: of code, files, and what lies behind values.

Lint says so before a release; the sandbox refuses them whatever lint let through. What is made of text while a case
runs (``exec``, ``eval``) is seen by neither, and could ask clocks and chance, so that a replay would differ.
"""

from __future__ import annotations

NAMES = frozenset(
    {
        *("eval", "exec", "compile", "open", "input", "globals", "locals", "vars", "dir", "getattr"),
        *("setattr", "delattr", "hasattr", "breakpoint", "exit", "quit", "help", "memoryview", "super"),
        *("object", "property", "staticmethod", "classmethod", "os", "sys", "subprocess", "builtins"),
    }
)


def off_limits(name: str) -> bool:
    """Whether ``name`` reaches for what a diagram must not have."""
    return name in NAMES or (name.startswith("__") and name.endswith("__"))
