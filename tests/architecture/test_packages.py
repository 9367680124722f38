"""Packages: pinned by hash, named without hosts, declared, used, and listed with their licences."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from engine.base.settings import CHECKOUT
from tests.architecture.licences import THIRD_PARTY, browser_packages, licence, locked, page
from tests.architecture.sources import PRODUCT, imports, python_files

LOCKS = ("requirements.lock", "requirements-test.lock")
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: Declared, but never imported by name: data, programs, drivers that SQLAlchemy loads, pytest's own plugins.
NOT_IMPORTED = {
    "tzdata", "psycopg", "ruff", "mypy", "lxml-stubs", "import-linter",
    "pytest-xdist", "pytest-timeout", "pytest-randomly",
}  # fmt: skip
#: Parts that come with a declared package and are its public face.
PARTS = {
    "werkzeug": "flask",
    "jinja2": "flask",
    "markupsafe": "flask",
    "babel": "flask-babel",
    "itsdangerous": "flask",
    "pydantic-monty-client": "pydantic-monty",
    "packageurl-python": "cyclonedx-python-lib",
}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(*extras: str) -> set[str]:
    lines = list(PROJECT["dependencies"])
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    return {canonical(re.split(r"[\[ ;<>=]", line, maxsplit=1)[0]) for line in lines}


def imported(*tops: str) -> set[str]:
    """Distributions whose modules the files import; standard library and our own modules left out."""
    of_module = packages_distributions()
    ours = {"engine", "web", "bench", "tests", "run"}
    tops_used = {name.partition(".")[0] for path in python_files(*tops) for name in imports(path)}
    foreign = tops_used - ours - set(sys.stdlib_module_names)
    found = {canonical(of_module[top][0]) for top in foreign if top in of_module}
    return {PARTS.get(name, name) for name in found}


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_host_and_hashes_everything(lock: str) -> None:
    text = (CHECKOUT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    for entry in re.split(r"\n(?=[A-Za-z])", text.partition("\n")[2].strip()):
        assert "--hash=sha256:" in entry, entry


def test_front_end_lock_names_no_host() -> None:
    text = (CHECKOUT / "frontend/package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in text
    assert '"integrity"' in text


def test_test_lock_holds_the_run_lock() -> None:
    assert locked("requirements.lock").items() <= locked("requirements-test.lock").items()


def test_everything_declared_is_locked() -> None:
    assert declared("postgres") <= {canonical(name) for name in locked("requirements.lock")}
    assert declared("postgres", "test") <= {canonical(name) for name in locked("requirements-test.lock")}


def test_everything_imported_is_declared() -> None:
    assert imported(*PRODUCT) - declared("postgres", "build") == set()
    assert imported("tests") - declared("postgres", "test", "build") == set()


def test_everything_declared_is_used() -> None:
    used = imported(*PRODUCT, "tests") | {canonical(name) for name in NOT_IMPORTED}
    assert declared("postgres", "test") - used == set()


def test_third_party_page_is_up_to_date() -> None:
    assert THIRD_PARTY.read_text(encoding="utf-8") == page()


def test_no_licence_forbids_what_we_do() -> None:
    licences = [licence(name) for name in locked("requirements-test.lock")]
    licences += [about["license"] for about in browser_packages().values()]
    assert not [text for text in licences if re.search(r"(?<!L)GPL", text)]


def test_every_licence_text_of_the_bundle_is_kept() -> None:
    vendor = CHECKOUT / "web/static/vendor"
    texts = [vendor / about["file"] for about in browser_packages().values() if "file" in about]
    assert [path for path in texts if not path.is_file()] == []
    assert "file" in browser_packages()["bpmn-js"]
