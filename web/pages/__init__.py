"""The rooms of the house: one blueprint each."""

from __future__ import annotations

from flask import Flask

from . import (
    account,
    admin,
    approvals,
    audit,
    auth,
    board,
    cases,
    designer,
    drafts,
    health,
    inbox,
    leading,
    notices,
    outbox,
    processes,
    reports,
    security_log,
    tasks,
    well_known,
)
from . import completing as completing  # its view joins the tasks' room
from . import people as people  # its views join the administrators' room
from . import people_file as people_file  # as do these
from . import publishing as publishing  # its views join the designer's room


def install(app: Flask) -> None:
    """Register every room."""
    auth.install(app)
    for room in (
        auth,
        account,
        inbox,
        tasks,
        leading,
        drafts,
        cases,
        processes,
        designer,
        approvals,
        audit,
        outbox,
        notices,
        board,
        reports,
        admin,
        security_log,
        health,
        well_known,
    ):
        app.register_blueprint(room.bp)
