"""``run.py keys``: make, take along and change the keys of the installation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from engine.app import Gongdan
from engine.base import age_files
from engine.base.atomic_files import sync
from engine.base.errors import ConfigurationError
from engine.base.settings import Settings, kept_key
from engine.operations import installation_keys, key_rotation
from engine.operations.installation_keys import fingerprint
from engine.people.security_events import KeysExported

from .common import Bar, Named, answer, json_option, opened, operator

_FILE = Named(path_type=Path, dir_okay=False)
_SET = "GONGDAN_KEY"


@click.group("keys")
def keys() -> None:
    """Keys of the installation: they are in no backup of the database."""


@keys.command("new")
@click.argument("file", type=_FILE)
def new(file: Path) -> None:
    """Make a key for encrypted files: the secret one goes into FILE, the public one is printed.

    FILE belongs on another machine, or on paper: who has it opens what was encrypted.
    """
    click.echo(age_files.new_identity(file))


@keys.command("export")
@click.argument("target", type=_FILE)
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    required=True,
    metavar="age1…",
    help="Public key to encrypt for, another than that of the backups; may be repeated.",
)
def export(target: Path, recipients: tuple[str, ...]) -> None:
    """Write the keys of this installation to TARGET, encrypted: the look-up key, those of sessions and of heads."""
    with opened(existing=True) as gongdan:
        held = installation_keys.export(gongdan.settings, target, recipients)
        told = KeysExported(about=str(target), keys=held)
        gongdan.security_log.note_if_possible(operator(), told, gongdan.now())
    click.echo(f"{', '.join(held)} written to {target}, encrypted")


@keys.command("import")
@click.argument("source", type=_FILE)
@click.argument("target", type=_FILE)
@click.option("--identity", type=_FILE, required=True, help="File of the secret key that opens SOURCE.")
def bring_back(source: Path, target: Path, identity: Path) -> None:
    """Write the keys in SOURCE to TARGET, as lines for the file of the settings."""
    installation_keys.bring_back(source, target, identity)
    click.echo(f"written to {target}; put its lines into the settings, then delete it")


@keys.command("rotate")
@click.option(
    "--old", "old_file", type=_FILE, help=f"File with the key of before, where {_SET} is set to the new one."
)
@json_option
def rotate(old_file: Path | None, as_json: bool) -> None:
    """Change the look-up key: find anew everything that is kept under it. Stop all processes first.

    Where the key is kept as lookup.key in GONGDAN_VAR, a new one is made and the old one kept beside it.
    """
    settings = Settings.from_env(existing=True)
    kept = settings.var / "lookup.key"
    in_file = kept.is_file() and kept_key(kept).encode() == settings.lookup_key
    if in_file and old_file:
        raise click.UsageError(f"--old goes with {_SET}; here the old key is in {kept}")
    with opened(existing=True) as gongdan:
        begun = installation_keys.under_way(gongdan.db)
    to = _new_key(settings, begun) if in_file else settings.lookup_key
    old = _old_key(settings, old_file, begun)
    with opened(existing=True, lookup_key=to) as gongdan:
        done = key_rotation.rotate(
            gongdan, old, operator(), Bar("keys", unit=" portions"), lambda: _put_in_place(kept, to, gongdan)
        )
    lines = [f"not found anew: {line}" for line in done.left]
    lines.append(f"{done.found} rows are found with the new key")
    if in_file:
        lines.append(f"the old key is kept beside {kept}: backups made until now need it")
    answer({"rows": done.found, "left": done.left}, as_json, "\n".join(lines))


def _new_key(settings: Settings, begun: dict[str, str] | None) -> bytes:
    """The key that a file of this installation is to hold: the one that a rotation was begun to, or a new one."""
    if begun and fingerprint(settings.lookup_key) == begun["to"]:
        return settings.lookup_key
    return kept_key(settings.var / "lookup.key.new").encode()


def _old_key(settings: Settings, file: Path | None, begun: dict[str, str] | None) -> bytes:
    """The key of before, from the file that was named, or from those that are kept."""
    if file is not None:
        if not file.is_file():
            raise click.UsageError(f"there is no file {file}")
        return kept_key(file).encode()
    for there in _kept(settings):
        if begun is None or fingerprint(there) == begun["from"]:
            return there
    if begun is None:
        raise click.UsageError(f"name the file of the key of before with --old; {_SET} is the new one")
    raise ConfigurationError("the key of before is not among those that are kept; name its file with --old")


def _kept(settings: Settings) -> Iterator[bytes]:
    """Keys in the files of this installation, the one in force first."""
    for file in sorted(settings.var.glob("lookup.key*")):
        with suppress(ConfigurationError):
            yield kept_key(file).encode()


def _put_in_place(kept: Path, key: bytes, gongdan: Gongdan) -> None:
    """Let ``kept`` hold ``key`` where it was made for it; the one before keeps a name that says until when it was."""
    made = kept.with_name(f"{kept.name}.new")
    if not made.exists() or kept_key(made).encode() != key:
        return
    until = datetime.fromisoformat(gongdan.now()).astimezone(UTC)
    kept.with_name(f"{kept.name}.until-{until:%Y%m%dT%H%M%SZ}").hardlink_to(kept)
    made.replace(kept)
    sync(kept.parent)
