"""One page per process for its readers, written from the diagram and its tables, so that it cannot go stale."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from engine.bpmn.diagrams import Element, Process
from engine.bpmn.kinds import KINDS
from engine.sla.parameters import Parameter

from .release import Release

_LOCALE = "zh-Hans"


def pages(release: Release, pictured: Collection[str] = ()) -> dict[str, str]:
    """Markdown pages by file name, one per process and an index.

    ``pictured`` are processes of which ``docs/img`` has a picture.
    """
    found = {f"{p.id}.md": page(release, p, p.id in pictured) for p in release.processes.values()}
    found["README.md"] = _index(release)
    return found


def _index(release: Release) -> str:
    lines = [
        "# 流程手册",
        "",
        "由流程图、表单、判定表和文本自动生成（`run.py handbook`），请勿手改。",
        "",
        "| 领域 | 流程 | 可直接发起 | 用途 |",
        "|---|---|---|---|",
    ]
    for process in sorted(release.processes.values(), key=lambda p: (p.domain, p.id)):
        start = "是" if process.startable else "系统按期" if process.rhythm else ""
        purpose = _flat(_purpose(process))
        lines.append(f"| {process.domain} | [{process.name}]({process.id}.md) | {start} | {purpose} |")
    return "\n".join(lines) + "\n"


def page(release: Release, process: Process, pictured: bool = False) -> str:
    """The page of one process: what it is for, who does what, limits with their source, texts, ends."""
    parts = [
        f"# {process.name}",
        f"`{process.id}` · {process.path} · 由流程图自动生成，请勿手改。",
        process.documentation,
        f"![{process.name}](../img/{process.id}.png)" if pictured else "",
        "## 步骤",
        "\n".join(_steps(release, process)),
    ]
    for title, rows in (
        ("## 时限", list(_limits(release, process))),
        ("## 话术与消息", list(_texts(release, process))),
        ("## 结束", list(_ends(process))),
    ):
        if rows:
            parts += [title, "\n".join(rows)]
    return "\n\n".join(p for p in parts if p) + "\n"


def _purpose(process: Process) -> str:
    return process.documentation.split("\n", 1)[0]


def _flat(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _steps(release: Release, process: Process) -> Iterator[str]:
    yield "| 步骤 | 类型 | 由谁 | 表单、判定表或流程 | 说明与出处 |"
    yield "|---|---|---|---|---|"
    for element in process.elements.values():
        if (drawn := KINDS.get(element.kind)) is not None and drawn.word:
            lane = element.lane or ""
            uses = _uses(release, element)
            kind = "开单" if element.opens else drawn.word
            yield f"| {element.name} | {kind} | {lane} | {uses} | {_flat(element.documentation)} |"


def _uses(release: Release, element: Element) -> str:
    form = release.forms.get(element.properties.get("form", ""))
    if form is not None:
        return f"{form.title[_LOCALE]}（{len(form.fields)} 项）"
    if other := element.calls or element.opens:
        called = release.processes.get(other)
        return f"[{called.name}]({called.id}.md)" if called else other
    return f"`{element.decision}`" if element.decision else ""


def _limits(release: Release, process: Process) -> Iterator[str]:
    rows = list(_limit_rows(release, process))
    if rows:
        yield "| 时限 | 数值 | 从何时起 | 在哪一步 | 到期 | 出处 |"
        yield "|---|---|---|---|---|---|"
        yield from rows


def _limit_rows(release: Release, process: Process) -> Iterator[str]:
    for parameter_id in process.case_clocks:
        if (parameter := release.parameters.get(parameter_id)) is not None:
            yield _limit_row(parameter, "整个工单")
    for element in process.elements.values():
        for parameter in release.parameters.values():
            if element.timer and f'"{parameter.id}"' in element.timer:
                on = process.elements.get(element.attached_to or "")
                yield _limit_row(parameter, on.name if on else element.name)


def _limit_row(parameter: Parameter, where: str) -> str:
    value = parameter.value + ("（待确认）" if parameter.unconfirmed else "")
    return (
        f"| {parameter.name[_LOCALE]} `{parameter.id}` | {value} | {parameter.anchor[_LOCALE]} | {where} "
        f"| {parameter.on_expiry[_LOCALE]} | {parameter.source} {_flat(parameter.quote)} |"
    )


def _texts(release: Release, process: Process) -> Iterator[str]:
    for element in process.elements.values():
        keys = [k for k in element.listed("say") if not k.startswith("=")]
        literal = element.properties.get("template", "").strip("\"'")
        if literal in release.templates:
            keys.append(literal)
        for key in keys:
            if (template := release.templates.get(key)) is not None:
                yield f"- **{element.name}** `{key}`：{_flat(template.text[_LOCALE])}（{_flat(template.source)}）"


def _ends(process: Process) -> Iterator[str]:
    for element in process.elements.values():
        if element.kind == "endEvent" and element.name:
            outcome = element.properties.get("outcome")
            yield f"- {element.name}" + (f" `{outcome}`" if outcome else "")
