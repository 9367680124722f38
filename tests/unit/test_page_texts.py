"""Every text of the pages exists in every language, and what is compiled is what was written."""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

from engine.base.locales import LOCALES
from engine.base.settings import CHECKOUT
from web.i18n import CATALOGUES

FOLDER = CHECKOUT / "web" / "translations"
Pair = tuple[str, str]
CHINESE = re.compile(r"[\u3400-\u9fff]")


#: errors of the engine that people may see: pages translate them by their words
SHOWN = ("CatchingUp", "Conflict", "NotAllowed", "Rejected", "Told", "TooMany", "UnknownYear")
REFUSALS = {
    str(message[2])
    for message in extract_from_dir(
        CHECKOUT / "engine", method_map=[("**.py", "python")], keywords=dict.fromkeys(SHOWN)
    )
}


def _file(locale: str, ending: str) -> Path:
    return FOLDER / CATALOGUES[locale] / "LC_MESSAGES" / f"messages.{ending}"


def _catalogue(locale: str) -> Catalog:
    with _file(locale, "po").open("rb") as file:
        return read_po(file)


def _pairs(locale: str) -> list[Pair]:
    """Source and translation of every message; of plural ones the first form."""
    found = []
    for message in _catalogue(locale):
        if message.id:
            source = message.id if isinstance(message.id, str) else message.id[0]
            text = message.string if isinstance(message.string, str) else (message.string or [""])[0]
            found.append((source, text))
    return found


def _used() -> set[str]:
    found = extract_from_dir(
        CHECKOUT / "web",
        method_map=[("**.py", "python"), ("**/templates/**.html", "jinja2")],
        keywords={**DEFAULT_KEYWORDS, "lazy_gettext": None},
    )
    texts = {message[2] if isinstance(message[2], str) else message[2][0] for message in found}
    return texts | REFUSALS


@pytest.mark.parametrize("locale", LOCALES)
def test_every_text_is_there(locale: str) -> None:
    translated = {source for source, text in _pairs(locale) if text}
    assert _used() - translated == set()


@pytest.mark.parametrize("locale", LOCALES)
def test_no_text_is_left_over(locale: str) -> None:
    known = {source for source, _ in _pairs(locale)}
    assert known - _used() == set()


@pytest.mark.parametrize("locale", LOCALES)
def test_compiled_texts_are_those_written(locale: str) -> None:
    expected = io.BytesIO()
    write_mo(expected, _catalogue(locale))
    with _file(locale, "mo").open("rb") as file:
        compiled = {repr(m.id): m.string for m in read_mo(file) if m.id}
    expected.seek(0)
    assert compiled == {repr(m.id): m.string for m in read_mo(expected) if m.id}


@pytest.mark.parametrize("locale", ["zh-Hans", "zh-Hant-HK"])
def test_chinese_texts_are_chinese_and_keep_their_slots(locale: str) -> None:
    slot = re.compile(r"%\((\w+)\)s|\{(\w+)(?:!r)?\}")
    for source, text in _pairs(locale):
        slots = {match.group(1) or match.group(2) for match in slot.finditer(source)} - {"num"}
        assert slots <= {match.group(1) or match.group(2) for match in slot.finditer(text)}, source
        assert CHINESE.search(text) or not re.search(r"[A-Za-z]{3}", slot.sub("", source)), source


def test_traditional_texts_have_no_simplified_letters() -> None:
    simplified = set("单户时间开关发讯这为并员级应经还没电话书务处门则变数据载录询费办码规历请说让过选项")
    for _, text in _pairs("zh-Hant-HK"):
        assert not set(text) & simplified, text


def test_errors_that_pages_show_have_one_text_each() -> None:
    for path in (CHECKOUT / "engine").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SHOWN:
                message = node.args[0] if node.args else None
                assert isinstance(message, ast.Constant), f"{path}:{node.lineno} puts values into its words"
                names = {name for _, name, _, _ in Formatter().parse(str(message.value)) if name}
                assert names == {keyword.arg for keyword in node.keywords}, f"{path}:{node.lineno}"
