"""The first findings of a verification, recorded in the words of the engine, are told in the language of the page."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from typing import Any

from flask import Flask, g

from engine.base.settings import Settings
from engine.proof import held, log, log_check, notes, records
from engine.proof.checkpoints import CHAINS
from engine.storage import chains
from tests.casework import Desk
from tests.integration.test_damage_in_words import reasons
from web import create_app, finding_words


def written_out(node: ast.AST) -> str:
    """A text in the source with 3 in each of its gaps."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "3" for one in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""


def texts(*functions: Callable[..., Any]) -> set[str]:
    """Every sentence in these functions, but for their docstrings."""
    found: set[str] = set()
    for function in functions:
        tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(function)))
        beside = {id(part) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for part in n.values}
        beside |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        found |= {written_out(node) for node in ast.walk(tree) if id(node) not in beside}
    return {one for one in found if len(one.split()) > 2}


#: found beside the cases: whole findings, and reasons of each chain, release and checkpoint
WHOLE = {
    one
    for one in texts(records.faults, records.releases, log_check.faults)
    if not one.startswith(("the 3", "it is of"))
}
OF_CHAINS = texts(chains.broken, chains._fault, held._wrong)
OF_THE_LOG = texts(log_check.continues, log.parse, log.leaves, log.Tree._kept)
OF_A_NOTE = {*texts(notes.signed_text), notes._NONE, "it is of 3 leaves"}
FINDINGS = [
    *WHOLE,
    *(f"the {kind}{row}: {what}" for kind in CHAINS for row in ("", ", row 3") for what in OF_CHAINS),
    *(f"release 3: {what}" for what in texts(held._wrong)),
    *(f"the log: {what}" for what in OF_THE_LOG),
    *(f"the log does not continue what was kept: {what}" for what in OF_THE_LOG),
    *(f"the checkpoint of 3 leaves: {what}" for what in OF_A_NOTE),
    *(f"260302-00001-8 row 3: {what}" for what in reasons() | texts(held._cases)),
    "260302-00001-8 row None: the history is gone",
]


def test_there_are_findings() -> None:
    assert len(FINDINGS) > 60
    assert "the log: hash 3 of level 3 is over leaves that are not there" in FINDINGS
    assert "the access log, row 3: the chain goes on behind its head" in FINDINGS


def test_every_finding_is_told_in_chinese(desk: Desk) -> None:
    app: Flask = create_app(desk.g, Settings.from_env({}, var=desk.g.settings.var, secret_key="s" * 32))
    with app.test_request_context():
        g.locale = "zh-Hans"
        told = {one: finding_words.told(one) for one in FINDINGS}
    with app.test_request_context():
        g.locale = "en"
        english = finding_words.told("the access log, row 3: the chain goes on behind its head")
    assert {one: said for one, said in told.items() if re.search("[A-Za-z]{3}", said)} == {}
    assert {one for one, said in told.items() if "3" in one.split(":")[0] and "3" not in said} == set()
    assert english == "Access log, row 3: it ends elsewhere than it should"


def test_what_no_words_are_known_for_stands_as_it_was_recorded(desk: Desk) -> None:
    app: Flask = create_app(desk.g, Settings.from_env({}, var=desk.g.settings.var, secret_key="s" * 32))
    with app.test_request_context():
        assert finding_words.told("an older program said this") == "an older program said this"
