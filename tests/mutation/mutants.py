"""Every fault that one module could have, each with the place where it stands."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from .operators import OPERATORS

#: fields of nodes that are no code: mypy alone reads what stands there, or nobody
_NO_CODE = frozenset({"annotation", "returns", "decorator_list"})
_TOLD = frozenset({"log", "warnings"})  #: whose calls only tell people something

_AROUND = 24  #: characters that are shown on either side of what differs
Key = tuple[str, str, str, str, str, int]


@dataclass(frozen=True)
class Mutant:
    """One fault. ``line`` is the text of the source line at which it stands; ``was`` became ``becomes`` there."""

    module: str  #: path of the file, from the root of the checkout
    ordinal: int  #: among all mutants of the module
    number: int  #: of the line
    line: str
    kind: str
    was: str
    becomes: str
    again: int  #: how many of the same text stand before it in the module
    lines: frozenset[int]  #: of the statement: a test that runs one of these may notice
    names: frozenset[str]  #: what the statement defines, where it is executed when the module is imported

    @property
    def key(self) -> Key:
        """What names the fault, wherever its line moves to."""
        return self.module, self.line, self.kind, self.was, self.becomes, self.again

    def __str__(self) -> str:
        return f"{self.module}:{self.number} [{self.kind}] {self.was} → {self.becomes}"


@dataclass(frozen=True)
class _Slot:
    """A place in the tree where a node stands."""

    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST
    statement: ast.stmt  #: the innermost statement around it
    names: frozenset[str]

    def put(self, node: ast.AST) -> None:
        """Let another node stand here."""
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutants_of(root: Path, module: str) -> list[Mutant]:
    """All mutants of one module, in the order of its text."""
    source = (root / module).read_text()
    lines = source.splitlines()
    found: list[Mutant] = []
    seen: Counter[tuple[str, ...]] = Counter()
    for ordinal, (slot, kind, node) in enumerate(_faults(ast.parse(source))):
        number = getattr(slot.node, "lineno", slot.statement.lineno)
        told = (lines[number - 1].strip(), kind, *_differing(_text(slot.node), _text(node)))
        lasts = _range(slot.statement)
        found.append(Mutant(module, ordinal, number, *told, seen[told], lasts, slot.names))
        seen[told] += 1
    return found


def code_of(root: Path, mutant: Mutant) -> str:
    """The whole module with the fault."""
    tree = ast.parse((root / mutant.module).read_text())
    for ordinal, (slot, _, node) in enumerate(_faults(tree)):
        if ordinal == mutant.ordinal:
            slot.put(node)
            return ast.unparse(ast.fix_missing_locations(tree))
    raise LookupError(f"{mutant.module} has no mutant {mutant.ordinal}")


def sample(
    root: Path, modules: list[str], count: int | None, seed: int, only: frozenset[str] | None = None
) -> list[Mutant]:
    """``count`` mutants (None: all), in turn from each module, and there in turn of each kind, or of the ``only`` ones.

    The same seed gives the same.
    """
    random = Random(seed)
    of_each = [[m for m in mutants_of(root, module) if only is None or m.kind in only] for module in modules]
    queues = [list(_in_turn(every, random)) for every in of_each]
    found: list[Mutant] = []
    for turn in range(max(map(len, queues), default=0)):
        found += [queue[turn] for queue in queues if turn < len(queue)]
    return found[:count]


def _in_turn(every: list[Mutant], random: Random) -> Iterator[Mutant]:
    kinds: dict[str, list[Mutant]] = {}
    for mutant in every:
        kinds.setdefault(mutant.kind, []).append(mutant)
    for of_kind in kinds.values():
        random.shuffle(of_kind)
    order = sorted(kinds)
    random.shuffle(order)
    while any(kinds.values()):
        for kind in order:
            if kinds[kind]:
                yield kinds[kind].pop()


def _faults(tree: ast.Module) -> Iterator[tuple[_Slot, str, ast.AST]]:
    for slot in _slots(tree, None, frozenset(), at_import=True):
        for operator in OPERATORS:
            for kind, node in operator(slot.node):
                if kind != "swap elements" or not _in_no_order(slot):
                    yield slot, kind, node


def _slots(
    parent: ast.AST, statement: ast.stmt | None, names: frozenset[str], *, at_import: bool
) -> Iterator[_Slot]:
    """Every place below a node; ``names`` are those that the statement around it defines at import."""
    for field, value in ast.iter_fields(parent):
        if field in _NO_CODE or isinstance(parent, ast.Raise | ast.JoinedStr | ast.FormattedValue):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else ((None, value),):
            if not isinstance(node, ast.AST) or _is_no_code(node):
                continue
            inner, defined = statement, names
            if isinstance(node, ast.stmt):
                inner, defined = node, (_defined(node) or names) if at_import else names
            if inner is None:
                continue
            later = isinstance(node, ast.FunctionDef | ast.Lambda)
            yield _Slot(parent, field, index, node, inner, defined)
            below = frozenset() if later else defined
            yield from _slots(node, inner, below, at_import=at_import and not later)


def _in_no_order(slot: _Slot) -> bool:
    """Whether it is only asked what is in it: classes, such as errors to catch, values to compare with, of a dict."""
    match slot.parent:
        case ast.Compare(ops=[ast.In() | ast.NotIn(), *_]) if slot.field == "comparators":
            return True
        case ast.Call(func=ast.Name(id="dict" | "set" | "frozenset")):
            return True
    return all(_is_class(one) for one in getattr(slot.node, "elts", ()))


def _is_class(node: ast.AST) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name[:1].isupper() and not name.isupper()


def _is_no_code(node: ast.AST) -> bool:
    """Docstrings, imports, declarations, what only the type checker reads, and what is only told to the log."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name))) if name in _TOLD:
            return True
        case ast.keyword(arg="frozen" | "kw_only"):  # how a class may be used: mypy reads it
            return True
        case ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom() | ast.AnnAssign(value=None):
            return True
        case (
            ast.If(test=ast.Name(id="TYPE_CHECKING"))
            | ast.Assign(targets=[ast.Name(id=("__all__" | "__slots__"))])
        ):
            return True
        case ast.Assign(
            value=ast.Subscript(value=ast.Name(id=("Annotated" | "Literal" | "Callable" | "Mapping")))
        ):
            return True
    return False


def _defined(node: ast.stmt) -> frozenset[str]:
    """Names that a statement of a module or class defines."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return frozenset({node.name})
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    every = (one for target in targets if target for one in ast.walk(target))
    return frozenset(one.id for one in every if isinstance(one, ast.Name))


def _range(statement: ast.stmt) -> frozenset[int]:
    """Lines of a statement; of one with statements inside, those before the first of them."""
    body = getattr(statement, "body", None) or getattr(statement, "cases", None)
    first = body[0] if isinstance(body, list) and body else None
    inner = getattr(getattr(first, "pattern", first), "lineno", None)
    end = (statement.end_lineno or statement.lineno) if inner is None else max(statement.lineno, inner - 1)
    return frozenset(range(statement.lineno, end + 1))


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(ast.fix_missing_locations(node)).split())


def _differing(was: str, becomes: str) -> tuple[str, str]:
    """Two texts, cut down to where they differ when they are long."""
    start = _alike(was, becomes)
    end = _alike(was[start:][::-1], becomes[start:][::-1])
    first = max(0, start - _AROUND)

    def cut(text: str) -> str:
        last = len(text) - max(0, end - _AROUND)
        return ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")

    return cut(was), cut(becomes)


def _alike(one: str, other: str) -> int:
    """With how many characters two texts begin alike."""
    shorter = min(len(one), len(other))
    return next((at for at in range(shorter) if one[at] != other[at]), shorter)
