"""What an expression or script of a diagram says, by its syntax alone; nothing is ever run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from engine.bpmn.off_limits import off_limits
from engine.forms.names import HOST_FUNCTIONS

MAX_SOURCE = 16_384
SHORT = 1_000  #: characters of an expression or script of the usual kind
#: how many arguments a host function takes: fewest, most
ARGUMENTS = {
    "now": (0, 0),
    "sla_due": (1, 2),
    "param": (1, 1),
    "after": (2, 2),
    "outside_quiet_hours": (1, 1),
    "local_date": (1, 1),
    "local_text": (1, 1),
    "later": (2, 2),
    "hours_between": (2, 2),
    "data_get": (1, 2),
}
#: Python functions the sandbox has
PYTHON = frozenset(
    {
        *("abs", "all", "any", "bin", "bool", "bytes", "chr", "dict", "divmod", "enumerate", "filter"),
        *("float", "format", "frozenset", "hash", "hex", "int", "isinstance", "iter", "len", "list", "map"),
        *("max", "min", "next", "oct", "ord", "pow", "print", "range", "repr", "reversed", "round", "set"),
        *("slice", "sorted", "str", "sum", "tuple", "type", "zip", "ValueError", "TypeError", "KeyError"),
        *("Exception", "IndexError", "ZeroDivisionError", "NotImplemented", "Ellipsis"),
    }
)
#: names a script must not bind: the engine's own
KEPT = HOST_FUNCTIONS | {"typename", "case_no", "case_opened_at"}


@dataclass
class Source:
    """A parsed expression or script; ``error`` is ``(message, line)`` when it is not valid Python."""

    text: str
    error: tuple[str, int] | None = None
    reads: dict[str, int] = field(default_factory=dict)
    binds: dict[str, int] = field(default_factory=dict)
    calls: list[tuple[str, list[ast.expr], int]] = field(default_factory=list)
    forbidden: list[tuple[str, int]] = field(default_factory=list)
    tree: ast.AST | None = None

    def constants_of(self, function: str) -> Iterator[tuple[str, int]]:
        """First arguments that are literal texts, of all calls of ``function``, with their line."""
        for name, arguments, line in self.calls:
            first = arguments[0].value if arguments and isinstance(arguments[0], ast.Constant) else None
            if name == function and isinstance(first, str):
                yield first, line

    @property
    def constant(self) -> object:
        """The value of an expression that is one literal, else None."""
        body = self.tree.body if isinstance(self.tree, ast.Expression) else None
        return body.value if isinstance(body, ast.Constant) else None


def read_expression(text: str) -> Source:
    """An expression: a gateway condition, a timer, a service property, a decision cell."""
    return _kept(text.strip(), "eval")


def read_script(text: str) -> Source:
    """A script; statements allowed."""
    return _kept(text, "exec")


def _kept(text: str, mode: str) -> Source:
    # The syntax tree of a long text has megabytes: few of them are kept.
    return _read_short(text, mode) if len(text) <= SHORT else _read_long(text, mode)


@lru_cache(maxsize=4096)
def _read_short(text: str, mode: str) -> Source:
    return _read(text, mode)


@lru_cache(maxsize=24)
def _read_long(text: str, mode: str) -> Source:
    return _read(text, mode)


def _read(text: str, mode: str) -> Source:
    if len(text) > MAX_SOURCE:
        return Source(text[:200], (f"longer than {MAX_SOURCE:,} characters", 1))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "is" with a literal and the like: none of lint's business
            tree = ast.parse(text, mode=mode)
        source = Source(text, tree=tree)
        _walk(tree, source)
    except SyntaxError as error:
        return Source(text, (str(error.msg), error.lineno or 1))
    except (ValueError, RecursionError, MemoryError) as error:
        return Source(text, (str(error) or "nested too deeply", 1))
    return source


def _walk(tree: ast.AST, source: Source) -> None:
    local_names: set[str] = set()
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 1)
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                source.binds.setdefault(name, line)
            case ast.Name(id=name):
                source.reads.setdefault(name, line)
            case ast.Import() | ast.ImportFrom():
                source.forbidden.append(("import", line))
            case ast.Attribute(attr=name) if name.startswith("_"):
                source.forbidden.append((name, line))
            case ast.Global() | ast.Nonlocal() | ast.ClassDef() | ast.AsyncFunctionDef() | ast.Await():
                source.forbidden.append((type(node).__name__.lower(), line))
            case ast.FunctionDef(name=name):
                local_names.add(name)
            case ast.arg(arg=name):
                local_names.add(name)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                source.calls.append((name, arguments, line))
        if isinstance(node, ast.comprehension):
            local_names |= {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}
    for name, line in list(source.reads.items()):
        if off_limits(name):  # also where a name of the script's own hides it: elsewhere it is the real one
            source.forbidden.append((name, line))
            del source.reads[name]
    for name in local_names:
        source.reads.pop(name, None)
        source.binds.pop(name, None)
    source.calls = [call for call in source.calls if call[0] not in local_names]
    if isinstance(tree, ast.Module):
        _forget_given_names(tree, source)


def _forget_given_names(tree: ast.Module, source: Source) -> None:
    """Reads of names that every earlier line has surely bound are no questions to the data."""
    bound: set[str] = set()
    asked: dict[str, int] = {}
    for statement in tree.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in bound:
                asked.setdefault(node.id, node.lineno)
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                bound |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
    source.reads = {name: line for name, line in source.reads.items() if name in asked}
