"""What every command does at a terminal: print, fail with an exit code, say where the data is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

__all__ = ["DEFAULT_DATA", "EXIT_FAULT", "EXIT_NO", "EXIT_USAGE", "DataOption", "JsonOption", "fail", "say"]

EXIT_NO: Final = 1
EXIT_USAGE: Final = 2
EXIT_FAULT: Final = 3

DEFAULT_DATA: Final = Path("data")
DataOption = Annotated[Path, typer.Option("--data", "-d", help="The folder of the archive.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def say(text: str) -> None:
    """Print a line."""
    typer.echo(text)


def fail(text: str, code: int) -> NoReturn:
    """Print a line to standard error and end with an exit code."""
    typer.echo(text, err=True)
    raise typer.Exit(code)
