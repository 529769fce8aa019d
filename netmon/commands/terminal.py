"""What every command does at a terminal: print, fail with an exit code, say where the data is."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

from netmon.i18n import _

__all__ = [
    "DEFAULT_DATA",
    "DEFAULT_LISTEN",
    "DEFAULT_REGISTER",
    "EXIT_FAULT",
    "EXIT_NO",
    "EXIT_USAGE",
    "DataOption",
    "JsonOption",
    "complete",
    "fail",
    "listen_on",
    "say",
]

EXIT_NO: Final = 1
EXIT_USAGE: Final = 2
EXIT_FAULT: Final = 3

DEFAULT_DATA: Final = Path("data")
DEFAULT_REGISTER: Final = Path("config/targets.yaml")
DEFAULT_LISTEN: Final = "127.0.0.1:9735"
DataOption = Annotated[Path, typer.Option("--data", "-d", help="The folder of the archive.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def say(text: str) -> None:
    """Print a line."""
    typer.echo(text)


def fail(text: str, code: int) -> NoReturn:
    """Print a line to standard error and end with an exit code."""
    typer.echo(text, err=True)
    raise typer.Exit(code)


def listen_on(address: str) -> socket.socket:
    """A listening socket for ``host:port``; the port is taken before anything is probed.

    Raises:
        typer.Exit: the address is malformed or taken.
    """
    host, _colon, port = address.rpartition(":")
    try:
        number = int(port)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host.strip("[]") or "127.0.0.1", number), family=family)
    except ValueError:
        fail(_("{address} is no address to listen on: write host:port").format(address=address), EXIT_USAGE)
    except OSError as error:
        fail(
            _("cannot listen on {address}: {error}").format(address=address, error=error.strerror or error),
            EXIT_USAGE,
        )


def complete(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end; what netmon or its inventory lacks becomes a sentence and an exit code."""
    from netmon.config import ConfigError
    from netmon.web import ExposedError
    from probes.base import MonitorFault

    try:
        return asyncio.run(work)
    except (ConfigError, ExposedError) as error:
        fail(str(error), EXIT_USAGE)
    except MonitorFault as fault:
        fail(str(fault), EXIT_FAULT)
