"""The commands ``checkpoint`` and ``prove``: sign what the log says, and prove to others what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson

from engine.app import Gongdan
from engine.base.errors import InvalidFile
from engine.base.settings import Settings
from engine.case.store import case_ids
from engine.proof import checkpoints, notes, proofs
from engine.proof.checkpoints import Made

from .common import Named, answer, json_option, left_out, opened, writing_to

_output = click.option(
    "-o", "--output", type=Named(dir_okay=False, path_type=Path), help="File; default standard output."
)


def checkpoint_of(gongdan: Gongdan) -> Made:
    """A checkpoint of now. A database without cases gets none: it is hardly the right one."""
    if not case_ids(gongdan.db):
        raise click.ClickException("there is no case to sign the head of: is this the right database?")
    made = checkpoints.make(gongdan.db, gongdan.settings.heads_key, gongdan.now())
    key = checkpoints.own_verifier(gongdan.settings.heads_key)
    click.echo(f"{made.checkpoint.size} leaves, signed with the key {key}", err=True)
    return made


@click.command("checkpoint")
@click.option("--list", "listing", is_flag=True, help="Say which there are, without making one.")
@json_option
@click.pass_context
def checkpoint(ctx: click.Context, listing: bool, as_json: bool) -> None:
    """Sign what the log says by now and print it: three lines and signatures, for somebody else to keep."""
    with opened(existing=True) as gongdan:
        if listing:
            found = checkpoints.sizes(gongdan.db)
            told = [{"size": size, "at": at} for size, at in found]
            lines = [f"{size}  {at}" for size, at in found] or ["there is none yet"]
            answer({"checkpoints": told}, as_json, "\n".join(lines))
            return
        made = checkpoint_of(gongdan)
    point = made.checkpoint
    result = {"origin": point.origin, "size": point.size, "root": point.root.hex(), "note": point.note}
    answer({**result, "left_out": made.spoilt}, as_json, point.note.rstrip("\n"))
    left_out(ctx, "the head of case {case} is none", made.spoilt)


@click.group("prove")
def prove() -> None:
    """Write proofs for one who has a checkpoint but no database, or check them."""


@prove.command("case")
@click.argument("case")
@click.option(
    "--checkpoint", "size", type=click.IntRange(1), help="How many leaves it has; default: the last."
)
@_output
def of_case(case: str, size: int | None, output: Path | None) -> None:
    """Prove where the history of CASE ended at a checkpoint, telling nothing of any other case."""
    with opened(existing=True) as gongdan:
        _write(proofs.of_case(gongdan.db, case, size), output)


@prove.command("consistency")
@click.argument("old", type=click.IntRange(1))
@click.argument("new", type=click.IntRange(1))
@_output
def of_growth(old: int, new: int, output: Path | None) -> None:
    """Prove that the checkpoint of NEW leaves continues that of OLD: nothing was changed or taken out in between."""
    with opened(existing=True) as gongdan:
        _write(proofs.of_growth(gongdan.db, old, new), output)


@prove.command("check")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--key", help="The key of the log; default: this installation's own.")
@click.option("--witness", "witnesses", multiple=True, help="Who must have co-signed; may be repeated.")
@json_option
def check(files: tuple[Path, ...], key: str | None, witnesses: tuple[str, ...], as_json: bool) -> None:
    """Say what proofs prove. Needs no database. Exit 2 at one that proves nothing."""
    own = notes.log_key(key) if key else checkpoints.own_verifier(Settings.from_env(existing=True).heads_key)
    signers = [own, *map(notes.verifier, witnesses)]
    proved = {}
    for path in files:
        try:
            proved[str(path)] = proofs.check(_read(path), signers)
        except InvalidFile as error:
            raise InvalidFile(f"{path}: {error}") from None
    answer({"proved": proved}, as_json, "\n".join(f"{path}: {what}" for path, what in proved.items()))


def _read(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        return None


def _write(proof: dict[str, Any], output: Path | None) -> None:
    with writing_to(output) as out:
        out.write(orjson.dumps(proof, option=orjson.OPT_INDENT_2) + b"\n")
