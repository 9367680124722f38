"""Every reason that verification gives has words in the language of the page."""

from __future__ import annotations

import ast
import inspect

import pytest
from flask import Flask, g

from engine.base.settings import Settings
from engine.operations.inspection import Fault
from engine.proof import verify
from tests.casework import Desk
from web import create_app, damage


def begins(node: ast.expr | None) -> str | None:
    """How a text in the source begins: up to what is filled in."""
    if isinstance(node, ast.JoinedStr):
        node = node.values[0] if isinstance(node.values[0], ast.Constant) else None
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def reasons() -> set[str]:
    """Everything that is returned as a reason, named so, or given to a verdict."""
    found: set[str | None] = set()
    for node in ast.walk(ast.parse(inspect.getsource(verify))):
        if isinstance(node, ast.Return):
            found.add(begins(node.value))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found |= {begins(node.value)} if node.targets[0].id == "reason" else set()
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Verdict":
            found |= {begins(argument) for argument in node.args[4:]}
    return {one for one in found if one}


@pytest.fixture
def app(desk: Desk) -> Flask:
    return create_app(desk.g, Settings.from_env({}, var=desk.g.settings.var, secret_key="s" * 32))


def test_there_are_reasons() -> None:
    assert {"broken link to the row before", "it names release ", "re-execution failed: "} <= reasons()


@pytest.mark.parametrize("reason", sorted(reasons()))
def test_a_reason_is_told_in_chinese(app: Flask, reason: str) -> None:
    with app.test_request_context():
        g.locale = "zh-Hans"
        told = damage.told(Fault(reason, 3))
    assert reason.strip(" :") not in told
    assert "3" in told
