"""``run.py serve``: migrate, publish what changed, then pages and worker in one process."""

from __future__ import annotations

from typing import Any

import click
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from engine.app import Gongdan, open_gongdan
from engine.base import logs
from engine.base.errors import ConfigurationError, InvalidFile
from engine.base.settings import Settings
from engine.cli.common import Bar, operator
from engine.operations import accounts
from engine.operations.installation_keys import wrong_key
from engine.operations.pulse import SERVE, Pulse
from engine.operations.recompute_due_dates import recompute_provisional
from engine.operations.settings_watch import note_changes
from engine.operations.sinks import unusable
from engine.operations.worker import Worker
from engine.scenarios import Gate

from . import create_app
from .patient import PatientWorker


class OneLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn logs, in the form of the rest."""

    def setup(self, cfg: object) -> None:
        """Leave its lines to whoever writes those of all libraries."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


THREADS = 16  #: requests served at once


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn with one process of threads: SQLite has one writer, and the worker lives beside the pages.

    gunicorn watches over the process and starts another when it dies; how requests are read and answered, so that
    it can stand in the open, is in :mod:`web.patient`. Several processes or machines need PostgreSQL.
    """

    def __init__(self, settings: Settings, *, worker: bool) -> None:
        self.settings = settings
        self.with_worker = worker
        self._pulse: Pulse | None = None
        super().__init__()

    def load_config(self) -> None:
        """What gunicorn is told; its own command line and files are not read."""
        for name, value in {
            "bind": f"{self.settings.host}:{self.settings.port}",
            "worker_class": PatientWorker,
            "workers": 1,
            "threads": THREADS,
            "timeout": 120,
            "graceful_timeout": 10,
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": self.say_address,
            "worker_exit": self.say_goodbye,
            "logger_class": OneLog if self.settings.log_format == logs.JSON else Logger,
        }.items():
            self.cfg.set(name, value)

    def say_address(self, _: object) -> None:
        """Once the socket listens."""
        click.echo(f"Gongdan 工单: http://{self.settings.host}:{self.settings.port}")

    def load(self) -> Any:
        """Open the engine in the serving process: its sandbox and connections must not cross a fork."""
        gongdan = open_gongdan(self.settings, migrate=False)
        _ = gongdan.releases.current().program  # compiled before the first visitor waits for it
        worker = Worker(gongdan) if self.with_worker else None
        if worker is not None:
            worker.start()
        self._pulse = Pulse(gongdan, SERVE, worker)
        self._pulse.start()
        return create_app(gongdan, self.settings, worker, self._pulse.id)

    def say_goodbye(self, _: object, __: object) -> None:
        """When the serving process ends as it was told to."""
        if self._pulse is not None:
            self._pulse.stop()


def prepare(gongdan: Gongdan) -> bool:
    """Accounts and releases before the first page; returns whether the live worker may run.

    Raises ConfigurationError for a production start on a database with demo accounts, where its key is another, and
    for a role that must have a second step but is none.
    """
    if (wrong := wrong_key(gongdan)) is not None:
        raise ConfigurationError(wrong)
    if (unwritable := unusable(gongdan.settings)) is not None:
        click.echo(f"{unwritable}; it is tried again for as long as the worker runs.", err=True)
    demo = [person.name for person in gongdan.people.all() if person.demo and person.active]
    if gongdan.settings.demo:
        gongdan.people.ensure_demo()
    elif demo:
        raise ConfigurationError(
            f"this database has demo accounts with a public password ({', '.join(demo)}). "
            "`run.py user go-live NAME` makes a real one of it; or start with --demo, or on another database."
        )
    known = accounts.duties(gongdan).held
    for role in sorted(gongdan.settings.second_step_roles - known):
        raise ConfigurationError(
            f"GONGDAN_SECOND_STEP_ROLES names {role!r}; expected roles among {', '.join(sorted(known))}"
        )
    note_changes(gongdan, operator())
    if gongdan.settings.publish or gongdan.releases.current_number() is None:
        _publish(gongdan)
    if moved := recompute_provisional(gongdan):
        logs.say(f"{moved} provisional limits now follow the published calendar.")
    simulated = gongdan.keys.seed is not None
    if simulated:
        logs.say("This database is simulated: its timers rest, only `run.py simulate` moves them.")
    return not simulated


def _publish(gongdan: Gongdan) -> None:
    """Publish what changed in the checkout; a faulty change is told and the live release stays.

    The first release of an empty database is what ships, whose scenarios ran before it shipped: lint is enough.
    """
    first = gongdan.releases.current_number() is None
    try:
        published = (
            gongdan.publish_folder() if first else gongdan.publish_folder(judge=Gate(gongdan.releases))
        )
    except InvalidFile as error:
        if gongdan.releases.current_number() is None:
            raise
        logs.say(f"The changed files of the checkout stay out, the live release goes on: {error}")
        return
    if published.number is not None:
        files = len(published.changed)
        logs.say(f"Published release {published.number}: {files} files changed.")
    for path in published.kept:
        logs.say(f"Kept the designers' {path}; `run.py pull` writes it into the folder.")


@click.command("serve")
@click.option("--host", help="Address to listen on; 127.0.0.1 unless GONGDAN_HOST says otherwise.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (8000).")
@click.option("--demo/--no-demo", default=None, help="Accounts for every role, shown on the sign-in page.")
def serve(host: str | None, port: int | None, demo: bool | None) -> None:
    """Start the pages and the embedded worker."""
    settings = Settings.from_env(host=host, port=port, demo=demo)
    settings.require_secret()
    logs.configure(settings.log_level, form=settings.log_format)
    gongdan = open_gongdan(settings, progress=Bar("read models"))
    worker = prepare(gongdan)
    gongdan.close()
    Server(settings, worker=worker).run()
