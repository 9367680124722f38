"""A further language is one line and files of its own: no form, diagram, table or module is touched."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from engine.base.settings import CHECKOUT
from engine.design.lint import RULES
from engine.forms.messages import CATALOGUE
from engine.reports.report_text import book

LOCALE = "eo"  # any that Babel knows and nobody wrote
SIGNS = str.maketrans("aeiounsc", "àéïôùñšç")
#: what people see of the language, asked in a copy that has it
LOOKS = """
import json
from datetime import UTC, datetime
from pathlib import Path
from engine.app import open_gongdan
from engine.base.errors import FieldError
from engine.base.locales import LOCALES, in_language
from engine.base.settings import Settings
from engine.design.lint import lint_file
from engine.forms import Form, message
from engine.reports.report_text import ReportText
from engine.release.release import Release
from engine.sla.time_rules import explain_due
from web import create_app

files = {path.as_posix(): path.read_bytes() for path in Path("forms").glob("*.json")}
files |= {path.as_posix(): path.read_bytes() for path in Path("bpmn").rglob("*.*")}
release = Release(1, files)
settings = Settings.from_env({"GONGDAN_VAR": "var", "GONGDAN_DEMO": "1"})
pages = create_app(open_gongdan(settings), settings).test_client()
pages.set_cookie("locale", "eo")
start, parameter = datetime(2026, 3, 2, 9, tzinfo=UTC), release.parameters["COU_REVISIT"]
print(json.dumps({
    "locales": LOCALES,
    "page": pages.get("/sign-in").text,
    "titles": [in_language(form.title, "eo") for form in release.forms.values()],
    "error": message(FieldError("x", "required", {}), "eo"),
    "finding": lint_file("x.pigeon", b"")[0].message_in("eo"),
    "report": ReportText(release, "eo").title("sla"),
    "due": explain_due(parameter, start, release.calendar, "eo"),
    "unknown": in_language({"zh-Hans": "", "zh-Hant-HK": "", "en": "Never seen"}, "eo"),
}))
"""


def pseudo(text: str) -> str:
    """English with marks on its letters; what is filled in stays as it is."""
    parts = re.split(r"(%\(\w+\)[sd]|\{\w*\}|<[^>]*>)", text)
    return "".join(part if number % 2 else part.translate(SIGNS) for number, part in enumerate(parts))


def english(value: Any) -> Iterator[str]:
    """Every English text within a file's value."""
    if isinstance(value, dict):
        if isinstance(value.get("en"), str):
            yield value["en"]
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from english(part)


def write_language(folder: Path) -> None:
    """The line, the file of its words and the catalogue of its page texts, and nothing else."""
    registry = folder / "engine/base/locales.py"
    text = registry.read_text(encoding="utf-8")
    line = 'LOCALES = ("zh-Hans", "zh-Hant-HK", "en")'
    assert text.count(line) == 1
    registry.write_text(text.replace(line, f'{line[:-1]}, "{LOCALE}")'), encoding="utf-8")
    own = json.loads((folder / "engine/base/languages/en.json").read_text(encoding="utf-8"))
    texts = [
        text
        for path in (folder / "forms").glob("*.json")
        for text in english(orjson.loads(path.read_bytes()))
    ]
    texts += [text["en"] for text in (*CATALOGUE.values(), *book().values())]
    texts += [text for rule in RULES.values() for text in (rule.en, rule.en_fix)]
    own |= {
        "name": "Pseudo",
        "catalogue": LOCALE,
        "like": "en",
        "words": {text: pseudo(text) for text in texts},
    }
    sentences = own["time"]["sentences"]
    own["time"]["sentences"] = {key: pseudo(text) for key, text in sentences.items()}
    (folder / f"engine/base/languages/{LOCALE}.json").write_text(json.dumps(own), encoding="utf-8")
    pages = folder / f"web/translations/{LOCALE}/LC_MESSAGES"
    pages.mkdir(parents=True)
    with (folder / "web/translations/en/LC_MESSAGES/messages.po").open("rb") as file:
        catalogue = read_po(file)
    for message in catalogue:
        if message.id and isinstance(message.string, str):
            message.string = pseudo(message.string)
    with (pages / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("checkout")
    for part in ("engine", "web", "bpmn", "forms"):
        shutil.copytree(CHECKOUT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    write_language(folder)
    ran = subprocess.run(
        [sys.executable, "-c", LOOKS], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_pages_speak_it(seen: dict[str, Any]) -> None:
    assert seen["locales"][-1] == LOCALE
    assert f'lang="{LOCALE}"' in seen["page"]
    assert pseudo("Sign in") in seen["page"]
    assert "Sign in" not in seen["page"]
    assert "Pseudo" in seen["page"]  # is offered


def test_forms_speak_it_without_having_it(seen: dict[str, Any]) -> None:
    assert len(seen["titles"]) == len(list((CHECKOUT / "forms").glob("*.json")))
    assert not [title for title in seen["titles"] if title != pseudo(title)]


def test_messages_findings_reports_and_times_speak_it(seen: dict[str, Any]) -> None:
    assert seen["error"] == pseudo(CATALOGUE["required"]["en"])
    assert seen["finding"] == pseudo(RULES["unknown_file"].en)
    assert seen["report"] == pseudo(book()["report:sla"]["en"])
    assert seen["due"][-1].startswith(pseudo("Due: "))


def test_what_it_lacks_is_told_in_the_language_it_is_like(seen: dict[str, Any]) -> None:
    assert seen["unknown"] == "Never seen"
