"""A process of its own that lints spoilt files, runs what lint lets through, and says what it cost.

``python -m tests.hostile.child FIRST COUNT`` prints one JSON object.
"""

from __future__ import annotations

import gc
import json
import re
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from traceback import format_exception
from typing import Any

from engine.design.lint import LintContext, lint_file
from tests.hostile.mutation import FILES, spoilt
from tests.hostile.running import Stage

#: findings on a file as a whole, or whose message names the key: they have no line and no element
WHOLE = frozenset(
    {
        *(
            "xml_size",
            "xml_encoding",
            "xml_kind",
            "json_invalid",
            "no_process",
            "no_drawing",
            "decision_count",
        ),
        *("form_invalid", "template_invalid", "roles_invalid", "calendar_invalid", "parameters_invalid"),
        "scenario_unreadable",
    }
)

#: words of Python where words of the domain should be
_PYTHON_ERROR = re.compile(
    r"\b(Type|Attribute|Key|Index|Value|Recursion|Assertion)Error\b|object has no attribute"
)


def high_water() -> float:
    """The most memory this process ever held, in megabytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@dataclass
class Judge:
    """What came of the files judged so far."""

    stage: Stage
    context: LintContext
    slowest: float = 0.0
    unclear: list[str] = field(default_factory=list)
    escaped: list[str] = field(default_factory=list)

    def judge(self, number: int) -> str:
        """Lint a file and run it when it may: refused, failed, walked or done."""
        path, content = spoilt(number)
        began = time.process_time()
        LintContext.of({path: content})
        findings = lint_file(path, content, self.context)
        self.slowest = max(self.slowest, time.process_time() - began)
        errors = [f for f in findings if f.severity == "error"]
        for f in errors:
            if not (f.file == path and (f.line or f.element or f.rule in WHOLE) and f.message and f.fix):
                self.unclear.append(f"{number} {f.rule}: {f.message}")
            if _PYTHON_ERROR.search(f.message):
                self.unclear.append(f"{number} {f.rule}: {f.message}")
        if errors:
            return "refused"
        end, _, words = self.stage.run(path, content, number).partition(":")
        if end == "refused" and not any(f.grave for f in findings):
            self.escaped.append(f"{number} {path}: {words}")
        gc.collect()  # what one file left behind is not the next one's memory
        return end


def main(first: int, count: int) -> dict[str, Any]:
    """Judge spoilt files ``first`` to ``first + count - 1``."""
    context = LintContext.of(FILES)
    for path, content in FILES.items():
        lint_file(path, content, context)
    ends: Counter[str] = Counter()
    crashes = []
    with TemporaryDirectory(prefix="gongdan-hostile-") as folder, ThreadPoolExecutor(1) as thread:
        found = Judge(Stage(Path(folder)), context)
        idle = high_water()
        for number in range(first, first + count):
            judged = thread.submit(found.judge, number)
            if (crash := judged.exception()) is None:
                ends[judged.result()] += 1
            else:
                crashes.append(f"{number} {spoilt(number)[0]}: {''.join(format_exception(crash)[-6:])}")
        return {
            "files": count,
            "ends": ends,
            "crashes": crashes,
            "unclear": found.unclear,
            "escaped": found.escaped,
            "slowest": found.slowest,
            "megabytes": high_water() - idle,
        }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
