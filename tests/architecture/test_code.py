"""Rules on the code that linters do not know."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from engine.base.settings import CHECKOUT
from tests.architecture.sources import PRODUCT, name, python_files, text_files, tree

LONGEST_MODULE = 350

#: Words that only mean something on one machine, or to one tool, or that put work off.
BANNED = re.compile(
    r"(?<![\w.])/work/|/root/|\bTODO\b|\bFIXME\b|\bXXX\b|https?://(?:files\.)?py(?:thonhosted|pi)\.org"
    r"|https?://registry\.|\bChatGPT\b|\bClaude\b|\bLLM\b",
)


def test_layers_hold() -> None:
    """The import contracts of pyproject.toml."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_on_architecture_draws_the_layers_as_they_are() -> None:
    """Folders, from the roof to the ground, in the contract, on the page and on the disk."""
    (contract,) = (
        one
        for one in tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
            "contracts"
        ]
        if one["type"] == "layers"
    )
    layers = [folder.strip() for layer in contract["layers"] for folder in layer.split("|")]
    page = (CHECKOUT / "docs" / "architecture.md").read_text("utf-8")
    house = page.partition("## The house")[2].partition("`web/` stands")[0]
    assert re.findall(r"^\| `(\w+)` \|", house, re.MULTILINE) == layers
    assert contract["exhaustive"] is True
    found = {p.name for p in (CHECKOUT / "engine").iterdir() if (p / "__init__.py").exists()}
    assert found | {"app"} == set(layers)


def test_every_folder_has_a_doorplate() -> None:
    """What lives there, what it may use, and the two or three modules to read first, which are there."""
    for path in sorted((CHECKOUT / "engine").glob("*/__init__.py")):
        doorplate = ast.get_docstring(tree(path)) or ""
        first = re.search(r"Read first: (.+)\.$", doorplate)
        assert first is not None, f"{name(path)}: nothing to read first"
        names = re.findall(r"``(\w+)``", first[1])
        assert len(names) in (2, 3), name(path)
        for one in names:
            assert (path.parent / f"{one}.py").exists() or (path.parent / one).is_dir(), (
                f"{name(path)}: {one}"
            )


def test_every_module_says_what_it_is_for() -> None:
    silent = [name(p) for p in python_files(*PRODUCT, "tests") if not ast.get_docstring(tree(p))]
    assert not silent


def test_modules_stay_small() -> None:
    lengths = {name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in python_files(*PRODUCT)}
    assert not {path: lines for path, lines in lengths.items() if lines >= LONGEST_MODULE}


def test_product_code_never_evaluates_text() -> None:
    """Scripts of diagrams run in the sandbox; nothing else may turn text into code."""
    found = [
        f"{name(path)}:{node.lineno}"
        for path in python_files(*PRODUCT)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec")
    ]
    assert not found


def test_nothing_names_a_machine_or_puts_work_off() -> None:
    found = [
        f"{name(path)}:{number}: {line.strip()[:80]}"
        for path in text_files()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if BANNED.search(line)
    ]
    assert not found


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    marks = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b")
    found = [
        name(path)
        for path in python_files("tests")
        if path != Path(__file__) and marks.search(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_make_test_runs_every_folder_of_tests() -> None:
    makefile = (CHECKOUT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    parts = re.search(r"^PARTS := (.+)$", makefile, re.MULTILINE)
    assert parts is not None
    named = sorted(re.findall(r"tests/(\w+)", parts[1]))
    assert named == sorted({p.parent.name for p in (CHECKOUT / "tests").glob("*/test_*.py")})
