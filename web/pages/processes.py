"""The processes as they are drawn, for everybody: what each step is, who does it, where its rule comes from."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from engine.release.release import Release
from web import diagrams, request_context
from web.numbers import whole

bp = Blueprint("processes", __name__, url_prefix="/processes")


def _release(number: int | None) -> Release:
    releases = request_context.gongdan().releases
    return releases.current() if number is None else releases.get(number)


@bp.get("/")
def listing() -> ResponseReturnValue:
    """All processes of the current release, by domain."""
    release = _release(None)
    return render_template(
        "processes/list.html", release=release, domains=diagrams.by_domain(release.processes.values())
    )


@bp.get("/<process>")
def show(process: str) -> ResponseReturnValue:
    """One diagram with the documentation of its elements."""
    number = request.args.get("release", type=whole)
    release = _release(number)
    found = release.process(process)
    return render_template(
        "processes/show.html",
        release=release,
        process=found,
        steps=diagrams.plain_steps(found),
        number=number,
    )


@bp.get("/<int:number>/<process>.bpmn")
def source(number: int, process: str) -> Response:
    """The XML of a diagram in a release."""
    release = _release(number)
    return diagrams.answer(release, release.process(process))
