"""Lint never crashes and stays quick and small, whatever the bytes; the command line and the documentation."""

from __future__ import annotations

import gc
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.base.settings import CHECKOUT
from engine.cli.lint import lint as lint_command
from engine.design.lint import RULES, LintContext, lint_file, lint_release
from tests import real_data
from tests.unit import diagrams
from tests.unit import lint_samples as samples

SECONDS = 2.0
MEGABYTES = 200
RELEASE = samples.release()
CONTEXT = LintContext.of(RELEASE)
PATHS = sorted(path for path in RELEASE if "calendars" not in path and "sla" not in path)
#: words that steer a parser into its corners
HOSTILE = [
    b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
    *(
        b"<?xml version='1.0' encoding='UTF-16'?>",
        b"&#0;",
        b"&lol;",
        b"]]>",
        b"<![CDATA[",
        b"<!--",
        b"\x00",
        b"\xff\xfe",
    ),
    *(
        b"().__class__.__bases__[0]",
        b"__import__('os')",
        b"'" * 50,
        b"(" * 200,
        b'id="done"',
        b"-PT1H",
        b"P",
        b"R/",
    ),
    *(
        b'attachedToRef="late"',
        b'default="late"',
        b"<bpmn:subProcess>",
        b"</bpmn:process>",
        b"{",
        b"[" * 40,
        b'"key":',
    ),
    *("网关\u202e".encode(), b"1,5,9", b"not(3)", b"9" * 400, b"1e999", b"\\u0000", b"NaN"),
]


def malformed(seed: int) -> tuple[str, bytes]:
    """A file of a release, spoilt: values exchanged; or cut, spliced, bytes changed, hostile words put in."""
    chance = random.Random(seed)
    path = chance.choice([*PATHS, *(path for path in PATHS if path.endswith(".bpmn"))])
    content = RELEASE[path]
    if chance.random() < 0.6:
        return path, _exchanged(content, chance)
    for _ in range(chance.randint(1, 3)):
        at, to = sorted((chance.randint(0, len(content)), chance.randint(0, len(content))))
        match chance.randint(0, 4):
            case 0:
                content = content[:at] + chance.choice(HOSTILE) + content[at:]
            case 1:
                content = content[:at] + content[min(to, at + 40) :]
            case 2:
                content = content[:at] + content[at : at + 300] * 3 + content[at:]
            case 3:
                content = content[:at] + chance.randbytes(chance.randint(1, 8)) + content[at:]
            case _:
                content = content[:to]
    return chance.choice([path, path, path.rpartition(".")[0] + ".dmn", "x.bpmn"]), content


def _exchanged(content: bytes, chance: random.Random) -> bytes:
    """The file, still well-formed, with some values, names and texts replaced by others or by hostile ones."""
    parts = re.split(rb'("[^"<>&]*"|(?<=>)[^<>&]+(?=<)|(?<=<bpmn:)\w+)', content)
    own = parts[1::2]
    odd = [
        b'""',
        b'"-1"',
        b'"a b"',
        *(b'"%s"' % word for word in HOSTILE if not set(word) & set(b'"<>&\x00\xff')),
    ]
    for _ in range(chance.randint(1, 6)):
        at = 2 * chance.randrange(len(own)) + 1
        value = chance.choice(own if chance.random() < 0.6 else odd)
        parts[at] = value if parts[at].startswith(b'"') == value.startswith(b'"') else value.strip(b'"')
    return b"".join(parts)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_malformed_files_get_findings_not_crashes(seed: int) -> None:
    path, content = malformed(seed)
    began = time.process_time()
    found = lint_file(path, content, CONTEXT)
    assert time.process_time() - began < SECONDS
    assert all(f.rule in RULES and f.message and f.fix and f.file == path for f in found)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_a_malformed_file_does_not_stop_lint_of_its_release(seed: int) -> None:
    path, content = malformed(seed)
    lint_release({**RELEASE, path: content})


def _process(body: str) -> bytes:
    return f'{diagrams.HEAD}<bpmn:process id="x">{body}</bpmn:process></bpmn:definitions>'.encode()


def _mesh() -> str:
    rng = random.Random(1)
    nodes = "".join(f'<bpmn:parallelGateway id="a{n}"/>' for n in range(2_000))
    flows = "".join(
        f'<bpmn:sequenceFlow id="f{n}_{k}" sourceRef="a{n}" targetRef="a{rng.randrange(2_000)}"/>'
        for n in range(2_000)
        for k in range(8)
    )
    return nodes + flows


def _script_tasks() -> str:
    script = "".join(f"x{n}=1;" for n in range(2_000))
    return "".join(
        f'<bpmn:scriptTask id="a{n}"><bpmn:script>{script}</bpmn:script></bpmn:scriptTask>' for n in range(90)
    )


HUGE: dict[str, Callable[[], bytes]] = {
    "50 MB": lambda: b"<a>" * 17_000_000,
    "entities": lambda: b'<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><a>&b;</a>',
    "remote DTD": lambda: b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
    "19,000 tasks": lambda: _process("".join(f'<bpmn:userTask id="a{n}"/>' for n in range(19_000))),
    "one id 19,000 times": lambda: _process('<bpmn:userTask id="a"/>' * 19_000),
    "gateway mesh": lambda: _process(_mesh()),
    "58 sub-processes deep": lambda: _process("<bpmn:subProcess>" * 58 + "</bpmn:subProcess>" * 58),
    "scripts": lambda: _process(_script_tasks()),
    "brackets": lambda: _process(
        f'<bpmn:scriptTask id="a"><bpmn:script>{"(" * 16_000}</bpmn:script></bpmn:scriptTask>'
    ),
    "attributes": lambda: ("<a " + " ".join(f'a{n}=""' for n in range(90_000)) + "/>").encode(),
    "large table": lambda: samples.table(*((f'"{n}"', "1") for n in range(3_000))),
    "JSON brackets": lambda: b"[" * 1_500_000,
    "JSON quotes": lambda: b'"\\"' * 600_000,
}


def _path(name: str) -> str:
    return "forms/x.json" if name.startswith("JSON") else "x.dmn" if "table" in name else "x.bpmn"


@pytest.mark.parametrize("name", HUGE)
def test_huge_files_are_answered_in_time(name: str) -> None:
    content = HUGE[name]()
    lint_file(samples.BPMN, RELEASE[samples.BPMN])  # schemas are read once
    gc.collect()
    gc.freeze()  # what other tests left is not this one's to look through
    try:
        began = time.process_time()
        found = lint_file(_path(name), content, CONTEXT)
        assert time.process_time() - began < SECONDS
    finally:
        gc.unfreeze()
    assert found


def test_huge_files_are_answered_in_little_memory() -> None:
    code = (
        "import resource; from tests.unit import test_lint_files as t; "
        "used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024; idle = used(); "
        "[t.lint_file(t._path(name), make(), t.CONTEXT) for name, make in t.HUGE.items()]; "
        "print(used() - idle)"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, check=True)
    assert float(answer.stdout) < MEGABYTES


def test_diagrams_nobody_here_drew() -> None:
    real = real_data.folder()
    folder = CHECKOUT / "bpmn" if real is None else real / "bpmn"
    files = {str(path): path.read_bytes() for path in sorted(folder.rglob("*.bpmn"))}
    assert files
    for path, content in files.items():
        found = lint_file(path, content)
        assert all(f.message and f.fix for f in found)
        if real is not None:
            # drawn for other engines: each has something that would not run here
            assert any(f.grave for f in found), path
    lint_release(files)


def test_what_ships_has_no_error_and_no_warning() -> None:
    result = CliRunner().invoke(lint_command, [str(CHECKOUT / "bpmn"), str(CHECKOUT / "forms"), "--json"])
    answer = json.loads(result.stdout)
    grave = [
        (each["file"], finding)
        for each in answer["files"]
        for finding in each["findings"]
        if finding["severity"] != "info"
    ]
    assert grave == []
    assert result.exit_code == 0


def test_command_line(tmp_path: Path) -> None:
    runner = CliRunner()
    for path, content in samples.SAMPLES["timer_unquoted"]().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    whole = runner.invoke(lint_command, [str(tmp_path / "bpmn")])
    assert whole.exit_code == 1
    assert "late: error timer_unquoted" in whole.output
    one = runner.invoke(lint_command, [str(tmp_path / samples.BPMN), "--json"])
    answer = json.loads(one.stdout)
    assert set(answer) == {"files", "errors", "warnings"}
    assert answer["errors"] == 1
    finding = answer["files"][0]["findings"][0]
    assert (finding["rule"], finding["severity"], finding["element"]) == ("timer_unquoted", "error", "late")
    chinese = runner.invoke(lint_command, [str(tmp_path / samples.BPMN), "--locale", "zh-Hans"])
    assert "没有加引号" in chinese.output
    assert runner.invoke(lint_command, [str(tmp_path / samples.FORM)]).exit_code == 0
    assert runner.invoke(lint_command, []).exit_code == 2
    assert runner.invoke(lint_command, [str(tmp_path / "none.bpmn")]).exit_code == 2
    unknown = runner.invoke(lint_command, [str(tmp_path), "--locale", "xx"])
    assert (unknown.exit_code, "'zh-Hans', 'zh-Hant-HK', 'en'" in unknown.output) == (2, True)
    os.mkfifo(tmp_path / "pipe.bpmn")
    pipe = runner.invoke(lint_command, [str(tmp_path / "pipe.bpmn")])
    assert (pipe.exit_code, "neither a file nor a folder" in pipe.output) == (2, True)


def test_a_finding_says_a_thing_once() -> None:
    table = (
        (CHECKOUT / "bpmn/decisions/sla.dmn").read_bytes().replace(b'id="CAN_CALLBACK_1"', b'id="CAN 1"', 1)
    )
    (spoilt,) = lint_file("bpmn/decisions/sla.dmn", table)
    assert spoilt.rule == "xml_schema"
    for path, content in (("forms/a.json", b'{"key": 1'), ("bpmn/a.bpmn", b"<a")):
        (broken,) = lint_file(path, content)
        assert "not " not in broken.message.replace("is not valid: ", "", 1), broken.message


def test_every_rule_is_documented() -> None:
    text = (CHECKOUT / "docs" / "lint.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| .+ \| .+ \| .+ \|$", text, re.MULTILINE)
    assert rows == [(rule.id, rule.severity) for rule in RULES.values()]
