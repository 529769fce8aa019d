"""``netmon archive``: copies of the archive, and archives made of copies."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from netmon.commands.terminal import DEFAULT_DATA, EXIT_FAULT, DataOption, JsonOption, fail, say
from netmon.i18n import _

__all__ = ["app"]

app = typer.Typer(help="Copies of the archive.", no_args_is_help=True)


@app.command()
def backup(
    destination: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Copy the archive to a new folder, while netmon runs or not, and read the copy back."""
    from netmon.archive import ArchiveError, back_up

    try:
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(_("copying"), total=None)
            manifest = back_up(
                data,
                destination,
                now_ns=time.time_ns(),
                progress=lambda done, pages: bar.update(task, completed=done, total=pages),
            )
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)
    if as_json:
        say(json.dumps(asdict(manifest)))
    else:
        text = _("{observations} observations, {size:.1f} MB, checked, in {path}")
        say(text.format(observations=manifest.observations, size=manifest.size_bytes / 1e6, path=destination))


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="The folder of a backup.")],
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Make an archive of a backup, where there is none. An archive is never overwritten."""
    from netmon.archive import ArchiveError
    from netmon.archive import restore as make

    try:
        manifest = make(source, data)
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)
    text = _("{observations} observations as of {taken} are in {folder}")
    say(text.format(observations=manifest.observations, taken=manifest.taken, folder=data))
