"""``netmon archive``: closed days, checks of what is stored, tables of it, copies of it."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from netmon.commands.terminal import DEFAULT_DATA, EXIT_FAULT, EXIT_NO, EXIT_USAGE, DataOption, JsonOption, fail, say
from netmon.i18n import _

__all__ = ["app"]

app = typer.Typer(help="The archive: check, export, copy.", no_args_is_help=True)


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


@app.command()
def close(
    data: DataOption = DEFAULT_DATA,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The inventory whose retention holds; without it all is kept.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the files of days that have ended. netmon run does it each hour, in a process of its own."""
    import probes
    from netmon.archive import ArchiveError, close_days
    from netmon.config import ConfigError, load
    from netmon.model import Retention

    try:
        retention = Retention() if config is None else load(config, kinds=probes.KINDS).retention
        files = close_days(data, now_ns=time.time_ns(), retention=retention)
    except ConfigError as error:
        fail(str(error), EXIT_USAGE)
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)
    if as_json:
        say(json.dumps([{"name": file.name, **asdict(file)} for file in files]))
        return
    for file in files:
        text = _("{file}: {rows} observations, {size:.1f} MB")
        say(text.format(file=file.name, rows=file.rows, size=file.size_bytes / 1e6))
    if not files:
        say(_("no day has ended that is not in a file yet"))


@app.command()
def verify(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Read all that is stored and compare it with its checksums. Exit code 1 if something is damaged."""
    from netmon.archive import ArchiveError
    from netmon.archive import verify as check

    try:
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(_("checking"), total=None)
            found = check(data, progress=lambda done, files: bar.update(task, completed=done, total=files))
    except ArchiveError as error:
        fail(str(error), EXIT_FAULT)
    if as_json:
        say(json.dumps(asdict(found)))
    else:
        for problem in found.problems:
            say(f"{problem.path}: {problem.text}")
        text = _("{files} files of closed days, {observations} observations, {size:.1f} MB: {count} damaged")
        say(
            text.format(
                files=found.files,
                observations=found.observations,
                size=found.size_bytes / 1e6,
                count=len(found.problems),
            )
        )
    raise typer.Exit(EXIT_NO if found.problems else 0)


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="A CSV file that does not exist yet; - for standard output.")],
    data: DataOption = DEFAULT_DATA,
    check: Annotated[list[str] | None, typer.Option(help="Only this check; may be repeated.")] = None,
    since: Annotated[str, typer.Option(help="How far back: 30m, 24h, 7d.")] = "24h",
) -> None:
    """Write observations as CSV: one line a run, its readings as JSON."""
    from netmon.archive import ArchiveError, Reader, write_csv
    from netmon.config import parse_duration

    try:
        since_ns = time.time_ns() - round(parse_duration(since) * 1e9)
    except ValueError as error:
        fail(f"--since: {error}", EXIT_USAGE)
    try:
        with contextlib.ExitStack() as stack:
            reader = stack.enter_context(Reader.open(data))
            known = sorted({name for name, _vantage in reader.latest()})
            unknown = [name for name in check or () if name not in known]
            if unknown:
                fail(_("nothing is recorded of {check}").format(check=", ".join(unknown)), EXIT_USAGE)
            stream = (
                sys.stdout
                if str(target) == "-"
                else stack.enter_context(target.open("x", encoding="utf-8-sig", newline=""))
            )
            rows = write_csv(reader, check or known, stream, since_ns=since_ns)
            for name in sorted(reader.damaged):
                typer.echo(_("{file} cannot be read: what it holds is missing").format(file=name), err=True)
            damaged = bool(reader.damaged)
    except (ArchiveError, OSError) as error:
        fail(str(error), EXIT_FAULT)
    typer.echo(_("{rows} observations").format(rows=rows), err=True)
    raise typer.Exit(EXIT_NO if damaged else 0)
