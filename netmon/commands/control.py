"""Asking the running netmon through its control socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netmon.commands.terminal import EXIT_FAULT, EXIT_NO, fail
from netmon.i18n import _

__all__ = ["ask"]

TIMEOUT_SECONDS = 60.0


def ask(data: Path, path: str, body: Mapping[str, object] | None = None) -> Any:
    """What the netmon that writes to ``data`` answers; a GET without a body.

    Raises:
        typer.Exit: none runs, this user may not ask it (3), or it refuses (1).
    """
    import httpx

    from netmon.web.control import FILE_NAME

    try:
        directory = os.open(data, os.O_PATH | os.O_DIRECTORY)
    except OSError as error:
        fail(_("{folder} cannot be opened: {error}").format(folder=data, error=error.strerror), EXIT_FAULT)
    # A socket's address has at most 107 bytes, and a folder's path may be longer.
    address = f"/proc/self/fd/{directory}/{FILE_NAME}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(address)
        transport = httpx.HTTPTransport(uds=address)
        with httpx.Client(transport=transport, base_url="http://netmon", timeout=TIMEOUT_SECONDS) as client:
            answer = client.get(path) if body is None else client.post(path, json=body)
    except PermissionError:
        fail(_("this user may not act on {folder}: its owner and group may").format(folder=data), EXIT_FAULT)
    except OSError:
        fail(_("no netmon runs on {folder}: start netmon run, or say --data").format(folder=data), EXIT_FAULT)
    except httpx.HTTPError as error:
        fail(_("netmon does not answer: {error}").format(error=str(error) or repr(error)), EXIT_FAULT)
    finally:
        os.close(directory)
    found = answer.json()
    if answer.is_error:
        fail(str(found.get("error", answer.status_code)), EXIT_FAULT if answer.status_code >= 500 else EXIT_NO)
    return found
