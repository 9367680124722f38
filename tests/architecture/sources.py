"""What the rules look at: the files of the project as git would take them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from engine.base.settings import CHECKOUT

PRODUCT = ("run.py", "engine", "web", "bench")
#: vendored bundles and generated or third-party text, which follow rules of their own
_NOT_OURS = ("web/static/vendor", "frontend/node_modules")
TEXT = {".py", ".md", ".toml", ".json", ".bpmn", ".dmn", ".html", ".css", ".js", ".mjs", ".yml", ".csv", ""}


def python_files(*tops: str) -> list[Path]:
    """Python files below the given top-level names, sorted."""
    found: list[Path] = []
    for top in tops:
        path = CHECKOUT / top
        found += [path] if path.is_file() else path.rglob("*.py")
    return sorted(p for p in found if "__pycache__" not in p.parts)


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file (kept: several rules read it)."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name(path: Path) -> str:
    """The path inside the checkout, for messages."""
    return path.relative_to(CHECKOUT).as_posix()


def text_files() -> Iterator[Path]:
    """Every text file that is ours and is, or will be, under version control."""
    tops = [*PRODUCT, "tests", "docs", "bpmn", "forms", "frontend", ".ci", "Makefile", "pyproject.toml"]
    tops += [p.name for p in CHECKOUT.glob("*.md")]
    for top in tops:
        path = CHECKOUT / top
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            ours = not name(file).startswith(_NOT_OURS) and "__pycache__" not in file.parts
            if ours and file.is_file() and file.suffix in TEXT:
                yield file


def imports(path: Path) -> Iterator[str]:
    """Dotted names of the modules that a file imports, wherever in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
